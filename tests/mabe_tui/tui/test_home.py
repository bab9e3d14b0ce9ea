"""The home screen, driven by keys over recorded runs."""

import shutil
import threading

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static
from textual.widgets._footer import FooterKey

from core.config import registry
from core.run.records import About
from core.run.request import RunRequest
from core.run.rundir import RunDir
from mabe_tui.runs.listing import catalog as catalogs
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.store import RunEntry
from mabe_tui.tui.screens.dialogs.pick import PickScreen
from mabe_tui.tui.screens.home import screen as home
from mabe_tui.tui.screens.home.details import Details
from mabe_tui.tui.screens.home.screen import HomeScreen
from mabe_tui.tui.widgets.table import RowTable
from tests.mabe_tui.tui.conftest import SHOWN, text_of
from tests.mabe_tui.tui.run_screen import until, workers_done
from tests.waiting import LONG

SMALL, LARGE = (80, 24), (140, 45)


async def settle(pilot: Pilot) -> None:
    """Wait until what was asked in threads is shown, charts included."""
    await workers_done(pilot)
    await pilot.pause()
    home = next(s for s in pilot.app.screen_stack if isinstance(s, HomeScreen))
    await until(pilot, lambda: not (home.is_current and home.are_charts_due))
    await pilot.pause()


def cell(table: RowTable, row: str, column: str) -> str:
    number = [c.key for c in table.columns].index(column)
    return next(r.cells[number] for r in table.rows if r.key == row)


def runs(pilot: Pilot) -> RowTable:
    return pilot.app.screen.query_one("#runs", RowTable)


def experiments(pilot: Pilot) -> RowTable:
    return pilot.app.screen.query_one("#experiments", RowTable)


def ids(table: RowTable) -> list[str]:
    return [row.key.rpartition("-")[2] for row in table.rows]


async def test_versions_show_claims_and_what_was_measured_over_the_seeds(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        table = experiments(pilot)
        assert tuple(row.key for row in table.rows) == SHOWN
        assert cell(table, "v6", "reported") == "0.4389"
        assert "±" in cell(table, "v6", "score")
        assert "(2)" in cell(table, "v6", "score")
        assert cell(table, "v7", "last_state") == "failed"


async def test_the_runs_below_are_those_of_the_selected_version(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("home", *["down"] * 5)
        assert ids(runs(pilot)) == ["cc43", "cc42", "ee45", "dd44"]
        await pilot.press("a")
        assert len(runs(pilot).rows) == 8


async def test_what_changed_under_another_screen_is_shown_on_the_return(make_app, recorded) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, HomeScreen)
        await pilot.press("l")
        await settle(pilot)
        assert not screen.is_current
        shutil.rmtree(next((recorded / "runs").glob("*-cc43")))
        screen._read_runs(thorough=True)
        await settle(pilot)
        assert "8 runs" in str(screen.query_one("#heading", Static).render())
        await pilot.press("escape")
        await settle(pilot)
        assert "7 runs" in str(screen.query_one("#heading", Static).render())


async def test_a_filter_acts_as_it_is_typed_and_says_what_is_wrong(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("a", "slash", *"best.f1>0.8")
        assert ids(runs(pilot)) == ["cc43", "cc42"]
        await pilot.press(*" and sede==4")
        error = pilot.app.screen.query_one("#filter-error", Static)
        assert "did you mean 'seed'" in str(error.render())
        await pilot.press("enter", "escape")
        assert len(runs(pilot).rows) == 8
        assert not pilot.app.screen.query_one("#filter", Input).display


async def test_where_a_filter_leaves_no_run_none_is_said_to_be_missing(make_app) -> None:
    async with make_app().run_test(size=LARGE, notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("a", "slash", *"best.f1>2", "enter")
        runs(pilot).focus()
        await pilot.press("n")
        await until(pilot, lambda: pilot.app._notifications)
        (notice,) = pilot.app._notifications
        assert notice.message == "no run is selected: l on the home screen launches one"


async def test_runs_are_sorted_by_any_key_and_turned_round(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("a", "s")
        assert isinstance(pilot.app.screen, PickScreen)
        await pilot.press(*"smoothed.f1_macro", "enter")
        await pilot.press("down")
        assert ids(runs(pilot))[:3] == ["cc42", "cc43", "bb42"]
        await pilot.press("R")
        assert ids(runs(pilot))[0] == "ff46"


async def test_a_click_on_a_header_sorts(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("a")
        header = runs(pilot).render_line(0).text
        await pilot.click("#runs", offset=(header.index("best") + 1, 0))
        assert ids(runs(pilot))[0] == "cc42"
        header = experiments(pilot).render_line(0).text
        await pilot.click("#experiments", offset=(header.index("measured") + 1, 0))
        await pilot.click("#experiments", offset=(header.index("measured") + 1, 0))
        assert experiments(pilot).sorted_by == "score"


async def test_every_row_shows_its_difference_to_the_baseline(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("home", *["down"] * 4, "b", "down")
        assert cell(experiments(pilot), "v5", "sign") == "◆"
        assert cell(experiments(pilot), "v5", "score_delta") == "+0.0000"
        assert float(cell(experiments(pilot), "v6", "score_delta")) > 0.05
        assert float(cell(runs(pilot), runs(pilot).rows[0].key, "score_delta")) > 0.05


async def test_a_filter_is_completed_and_brought_back(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("a", "slash", *"stat")
        await settle(pilot)
        await pilot.press("tab", *"==f")
        await settle(pilot)
        await pilot.press("tab")
        line = pilot.app.screen.query_one("#filter", Input)
        assert line.value == "state==failed"
        assert ids(runs(pilot)) == ["ff46"]
        await pilot.press("enter", "escape", "slash", "up")
        assert line.value == "state==failed"
        await settle(pilot)
        async with make_app().run_test(size=LARGE) as second:
            await settle(second)
            await second.press("slash", "down", "slash", "up")
            assert second.app.screen.query_one("#filter", Input).value == "state==failed"


async def test_an_empty_table_says_why(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("home")
        assert "l launches one" in runs(pilot).render_line(1).text
        await pilot.press("a", "slash", *"seed==99")
        assert "no run passes the filter" in runs(pilot).render_line(1).text


async def test_a_new_name_typed_among_the_views_saves_what_is_shown(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("a", "slash", *"seed==42", "enter", "v", *"fixed", "enter")
        assert pilot.app.view_state.read().views["fixed"].query == "seed==42"
        await pilot.press("v", "escape")
        assert list(pilot.app.view_state.read().views) == ["fixed"]


async def test_a_question_names_the_version_whose_latest_run_is_meant(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("home", *["down"] * 5)
        titles = []
        for keys in (["t"], ["escape", "tab", "t"]):
            await pilot.press(*keys)
            await settle(pilot)
            titles.append(str(pilot.app.screen.query_one(".dialog").border_title))
        assert titles[0].startswith("tags of v6-cc43 (latest run of v6)")
        assert titles[1].startswith("tags of v6-cc43,")


async def test_the_help_explains_what_the_tables_show(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await pilot.press("question_mark")
        text = text_of(pilot.app.screen.query_one(Static))
        assert "0.4312*" in text
        assert "no run is finished" in text


async def test_a_filter_half_typed_leaves_what_the_last_let_through(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("a", "slash", *"seed==42")
        passed = ids(runs(pilot))
        await pilot.press(*" and version==v99")
        assert ids(runs(pilot)) == []
        await pilot.press(*" and (")
        assert pilot.app.screen.query_one("#filter-error", Static).display
        assert ids(runs(pilot)) == passed


async def test_readonly_offers_no_launch(make_app) -> None:
    async with make_app(readonly=True).run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("home")
        assert runs(pilot).render_line(1).text.strip() == "no runs yet"
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, HomeScreen)


async def test_a_very_narrow_footer_cuts_no_key_and_keeps_help(make_app) -> None:
    async with make_app(ascii_only=True).run_test(size=(40, 15)) as pilot:
        await settle(pilot)
        footer = pilot.app.screen.query(FooterKey)
        assert {"help", "command_palette"} <= {key.action for key in footer}
        assert "ent" in [key.key_display for key in footer]
        assert max(key.region.right for key in footer) <= 40


async def test_an_edited_registry_is_shown_and_a_broken_one_told(
    make_app, tmp_path, monkeypatch
) -> None:
    path = tmp_path / "experiments.toml"
    path.write_bytes(registry.default_path().read_bytes())
    monkeypatch.setenv("MABE_REGISTRY", str(path))
    app = make_app()
    async with app.run_test(size=LARGE, notifications=True) as pilot:
        await settle(pilot)
        assert isinstance(app.screen, HomeScreen)
        for added in ('\n[experiments.v99]\nextends = "v1"\n', "\nbroken"):
            path.write_text(path.read_text() + added)
            app.screen.on_screen_resume()
            await settle(pilot)
            assert "v99" in [row.key for row in experiments(pilot).rows]
        (notice,) = app._notifications
        assert "experiments.toml" in notice.message


async def test_a_view_is_removed(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("v", "enter", *"kept", "enter")
        assert list(pilot.app.view_state.read().views) == ["kept"]
        await pilot.press("v", *"remove", "enter", "enter")
        assert pilot.app.view_state.read().views == {}


async def test_versions_without_a_value_stay_last_however_they_are_sorted(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        at = experiments(pilot).render_line(0).text.index("measured") + 1
        orders = []
        for _ in range(3):
            await pilot.click("#experiments", offset=(at, 0))
            orders.append([row.key for row in experiments(pilot).rows])
        assert orders[0] == ["v6", "v5", "v4", "v7", "v1", "v2", "v3", "v8", "v8-boost"]
        assert orders[1] == ["v7", "v4", "v5", "v6", "v1", "v2", "v3", "v8", "v8-boost"]
        assert orders[2] == ["v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v8-boost"]


async def test_a_run_changed_by_another_program_is_shown_when_one_comes_back(
    make_app, recorded
) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("home", *["down"] * 5)
        RunDir(next((recorded / "runs").glob("*-cc43"))).write_about(About(tags=("new",)))
        await pilot.press("question_mark", "escape")
        await settle(pilot)
        assert cell(runs(pilot), runs(pilot).rows[0].key, "tags") == "new"


async def test_a_view_is_saved_and_used_again(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("a", "slash", *"tags~keep", "enter", "v", "enter", *"kept", "enter")
        await pilot.press("escape")
        assert len(runs(pilot).rows) == 8
        await pilot.press("v", "enter")
        assert ids(runs(pilot)) == ["cc42"]


async def test_what_was_arranged_survives_a_crash(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("home", *["down"] * 5, "b", "slash", *"seed == 42")
        await settle(pilot)
        # no farewell: the second app finds what the first wrote as it happened
        async with make_app().run_test(size=LARGE) as second:
            await settle(second)
            assert experiments(second).selected == "v6"
            assert cell(experiments(second), "v6", "sign") == "◆"
            assert ids(runs(second)) == ["cc42"]


async def test_a_pinned_run_stays_at_the_top(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("home", *["down"] * 5, "tab", "down", "down", "P")
        assert ids(runs(pilot))[0] == "ee45"
        await pilot.press("P")
        assert ids(runs(pilot))[0] == "cc43"


async def test_details_show_the_version_then_the_run(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("home", *["down"] * 5)
        text = str(pilot.app.screen.query_one("#details-text", Static).render())
        assert "changed from v5" in text
        assert "64 → 384" in text
        await pilot.press("tab")
        assert pilot.app.screen.query_one(Details).border_title == runs(pilot).rows[0].key


async def test_a_narrow_screen_hides_the_details_until_asked(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        await settle(pilot)
        details = pilot.app.screen.query_one(Details)
        assert not details.display
        await pilot.press("d")
        assert details.display
        assert "settings" in str(pilot.app.screen.query_one("#details-text", Static).render())


async def test_a_run_that_vanishes_leaves_the_table_and_the_baseline_no_error(
    make_app, recorded
) -> None:
    app = make_app()
    async with app.run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("home", *["down"] * 5, "tab", "b")
        shutil.rmtree(next((recorded / "runs").glob("*-cc43")))
        assert isinstance(app.screen, HomeScreen)
        app.screen.on_screen_resume()
        await settle(pilot)
        assert ids(runs(pilot)) == ["cc42", "ee45", "dd44"]


async def test_a_run_that_ends_raises_a_notice_once(make_app, recorded) -> None:
    from mabe_tui.tui.notices import RunWatch

    app = make_app()
    async with app.run_test(size=LARGE) as pilot:
        await settle(pilot)
        records = app.catalog.records(app.now())
        watch = RunWatch()
        import msgspec

        from mabe_tui.launch.launcher import RunState

        running = [
            msgspec.structs.replace(
                r, summary=msgspec.structs.replace(r.summary, state=RunState.RUNNING)
            )
            for r in records[:1]
        ]
        assert watch.look(running) == []
        (notice,) = watch.look(records[:1])
        assert "failed: CUDA out of memory" in notice.text
        assert watch.look(records[:1]) == []


async def test_reading_goes_on_after_it_failed_once(make_app, monkeypatch) -> None:
    monkeypatch.setattr(home, "AGAIN_SECONDS", 0.01)
    read = Catalog.records
    monkeypatch.setattr(Catalog, "records", lambda *_: 1 / 0)
    app = make_app()
    async with app.run_test(size=LARGE, notifications=True) as pilot:
        # Not by waiting for workers: what failed in one of them would be raised here.
        await until(pilot, lambda: any("ZeroDiv" in n.message for n in app._notifications))
        monkeypatch.setattr(Catalog, "records", read)
        await until(pilot, lambda: app.screen._records)
        await pilot.press("a")
        assert len(runs(pilot).rows) == 8


async def test_runs_are_shown_while_others_are_still_being_read(make_app, monkeypatch) -> None:
    monkeypatch.setattr(catalogs, "TOLD_SECONDS", 0.0)
    monkeypatch.setattr(catalogs, "TOLD_SHARE", 0.0)
    go_on, read, seen = threading.Event(), RunEntry.require_request, set()

    def slow(entry: RunEntry) -> RunRequest:
        seen.add(entry.id)
        assert len(seen) <= 3 or go_on.wait(LONG)
        return read(entry)

    monkeypatch.setattr(RunEntry, "require_request", slow)
    async with make_app().run_test(size=LARGE) as pilot:
        heading = pilot.app.screen.query_one("#heading", Static)
        await pilot.press("a")
        while "reading 8 runs: 3 so far" not in str(heading.render()):
            await pilot.pause()
        first = ids(runs(pilot))
        go_on.set()
        await settle(pilot)
        assert "8 runs: 5 finished, 1 stopped, 1 failed, 1 lost" in str(heading.render())
        assert (len(first), ids(runs(pilot))[:3]) == (3, first)


async def test_notes_of_strangers_are_no_markup(make_app, recorded) -> None:
    run = RunDir(next((recorded / "runs").glob("*-cc43")))
    run.write_about(About(note="[bold red]\x1b[31m[/] loud"))
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("home", *["down"] * 5, "tab")
        text = str(pilot.app.screen.query_one("#details-text", Static).render())
        assert "[bold red][/] loud" in text


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "140x45"])
def test_how_it_looks(snap_compare, make_app, size) -> None:
    async def prepare(pilot: Pilot) -> None:
        await settle(pilot)
        await pilot.press("home", *["down"] * 4, "b", "down", "tab", "space")
        await settle(pilot)

    assert snap_compare(make_app(), terminal_size=size, run_before=prepare)


def test_how_it_looks_in_ascii(snap_compare, make_app) -> None:
    assert snap_compare(make_app(ascii_only=True), terminal_size=SMALL, run_before=settle)
