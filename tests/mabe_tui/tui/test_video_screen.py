"""The video screen, driven by keys over a trained run and recorded ones."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from core.ensembles.members import input_of
from core.run.records import Handle
from core.run.rundir import RunDir
from mabe_tui.plotting.ethogram import LABEL_WIDTH
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.videos.confused import Pair
from mabe_tui.runs.videos.slices import Slices, Stretch
from mabe_tui.runs.videos.video import open_video, validation_scores
from mabe_tui.runs.videos.video_prediction import PredictedVideo, predict_video
from mabe_tui.tui.screens.compare.screen import CompareScreen
from mabe_tui.tui.screens.dialogs.pick import PickScreen
from mabe_tui.tui.screens.home.screen import HomeScreen
from mabe_tui.tui.screens.video import loader as video_loader
from mabe_tui.tui.screens.video.frame_facts import FrameFactsPane
from mabe_tui.tui.screens.video.player import Player
from mabe_tui.tui.screens.video.screen import VideoScreen
from mabe_tui.tui.widgets.arena import Arena
from mabe_tui.tui.widgets.ethogram import Ethograms
from mabe_tui.tui.widgets.table import RowTable
from tests.mabe_tui.tiny_run import FRAMES, synthetic_folder, train
from tests.mabe_tui.tui.made_video import BOUTS, made_answer, made_video
from tests.waiting import LONG

SMALL, LARGE = (80, 24), (140, 45)


@pytest.fixture(scope="module")
def once_trained(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    place = tmp_path_factory.mktemp("trained")
    return train(place / "home", synthetic_folder(place / "mice"))


@pytest.fixture
def trained(once_trained: RunDir, recorded: Path) -> RunEntry:
    """The trained run among the recorded ones, with all that was prepared for it."""
    shutil.copytree(once_trained.path.parents[1], recorded, dirs_exist_ok=True)
    return RunEntry(RunDir(recorded / "runs" / once_trained.id))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The dashboard's seconds, which stand still until a test moves them on."""
    now = [0.0]
    monkeypatch.setattr("mabe_tui.tui.app.MabeApp.seconds", lambda _: now[0])
    return now


async def settle(pilot: Pilot) -> None:
    """Wait until what was asked in threads, one after another, is shown."""
    for _ in range(4):
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()


async def watch(pilot: Pilot, entry: RunEntry) -> None:
    """Open the worst video of a run."""
    pilot.app.push_screen(VideoScreen(entry.id))
    await settle(pilot)
    await pilot.press("enter")
    await settle(pilot)


def player(pilot: Pilot) -> Player:
    return pilot.app.screen.query_one(Player)


def facts(pilot: Pilot) -> str:
    return pilot.app.screen.query_one(FrameFactsPane).text


def arena(pilot: Pilot) -> str:
    return pilot.app.screen.query_one(Arena).text


def strip(pilot: Pilot, name: str) -> Ethograms:
    return pilot.app.screen.query_one(f"#{name}", Ethograms)


def answer(entry: RunEntry) -> PredictedVideo:
    video = open_video(entry, validation_scores(entry.run)[0].video_id)
    return predict_video(entry, video)


def heading(pilot: Pilot) -> str:
    return str(pilot.app.screen.query_one("#heading", Static).render())


# ── the list ──────────────────────────────────────────────────────────────────────────────────


async def test_the_worst_video_is_first_and_enter_opens_it(make_app, trained) -> None:
    worst = validation_scores(trained.run)[0].video_id
    async with make_app().run_test(size=SMALL) as pilot:
        pilot.app.push_screen(VideoScreen(trained.id))
        await settle(pilot)
        table = pilot.app.screen.query_one("#videos", RowTable)
        assert table.rows[0].key == worst
        assert not player(pilot).display
        await pilot.press("enter")
        await settle(pilot)
        assert player(pilot).display
        assert not table.parent.display
        assert f"{worst}  best, epoch" in heading(pilot)
        await pilot.press("escape")
        assert table.has_focus
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, HomeScreen)


async def test_a_wide_screen_opens_the_worst_by_itself(make_app, trained) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        pilot.app.push_screen(VideoScreen(trained.id))
        await settle(pilot)
        table = pilot.app.screen.query_one("#videos", RowTable)
        assert table.rows[0].key in heading(pilot)
        assert f"of {FRAMES}" in facts(pilot)
        await pilot.press("down", "enter")
        await settle(pilot)
        assert table.rows[1].key in heading(pilot)
        await pilot.resize_terminal(*SMALL)
        await pilot.pause()
        assert player(pilot).display
        assert not table.parent.display


async def test_a_list_that_is_widened_opens_the_worst_too(make_app, trained) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        pilot.app.push_screen(VideoScreen(trained.id))
        await settle(pilot)
        await pilot.resize_terminal(*LARGE)
        await settle(pilot)
        table = pilot.app.screen.query_one("#videos", RowTable)
        assert table.rows[0].key in heading(pilot)
        assert f"of {FRAMES}" in facts(pilot)


async def test_videos_are_sorted_by_a_header_and_by_key_and_stay_so(make_app, recorded) -> None:
    run = next(path.name for path in (recorded / "runs").glob("v6-*-cc42"))
    async with make_app().run_test(size=SMALL) as pilot:
        pilot.app.push_screen(VideoScreen(run))
        await settle(pilot)
        table = pilot.app.screen.query_one("#videos", RowTable)

        def column(key: str) -> list[str]:
            number = [c.key for c in table.columns].index(key)
            return [row.cells[number] for row in table.rows]

        assert column("f1_macro_present") == sorted(column("f1_macro_present"))
        left = sum(c + 2 for c in table._widths[:2])
        await pilot.click(table, offset=(left, 0))
        errors = [int(cell) for cell in column("errors")]
        assert errors == sorted(errors, reverse=True)
        await pilot.press("s", *"f1/mating", "enter")
        assert column("f1/mating") == sorted(column("f1/mating"))
        await settle(pilot)
        pilot.app.push_screen(VideoScreen(run))
        await settle(pilot)
        table = pilot.app.screen.query_one("#videos", RowTable)
        assert column("f1/mating") == sorted(column("f1/mating"))


# ── playing ───────────────────────────────────────────────────────────────────────────────────


async def test_playing_follows_the_clock_and_drops_frames(make_app, trained, clock) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        await watch(pilot, trained)
        rate = player(pilot).playback.frames_per_second
        await pilot.press("space")
        clock[0] = 2.0
        player(pilot).draw()
        assert f"{round(2 * rate)} of {FRAMES}" in facts(pilot)
        assert "▶ 1x" in facts(pilot)
        await pilot.press("right_square_bracket")
        clock[0] = 3.0
        player(pilot).draw()
        assert player(pilot).frame == round(4 * rate)
        clock[0] = 1000.0
        player(pilot).draw()
        assert f"{FRAMES - 1} of {FRAMES}" in facts(pilot)
        assert "‖ 2x" in facts(pilot)


async def test_keys_step_skip_and_go_to(make_app, trained, clock) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        await watch(pilot, trained)
        rate = round(player(pilot).playback.frames_per_second)
        await pilot.press("full_stop", "full_stop", "comma")
        assert player(pilot).frame == 1
        await pilot.press("right", "right", "left")
        assert player(pilot).frame == 1 + rate
        await pilot.press("end")
        assert player(pilot).frame == FRAMES - 1
        await pilot.press("home", "g", *"0:02", "enter")
        assert player(pilot).frame == 2 * rate
        await pilot.press("g", *"99999", "enter")
        assert player(pilot).frame == 2 * rate
        await pilot.press("home", "shift+right")
        assert player(pilot).frame == min(10 * rate, FRAMES - 1)


async def test_a_step_ends_the_playing(make_app, trained, clock) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        await watch(pilot, trained)
        await pilot.press("space", "full_stop")
        clock[0] = 5.0
        assert player(pilot).frame == 1


async def test_keys_go_through_errors_and_bouts(make_app, trained) -> None:
    expected = answer(trained)
    async with make_app().run_test(size=SMALL) as pilot:
        await watch(pilot, trained)
        at = 0
        for _ in range(2):
            at = expected.next_error(at)
            await pilot.press("n")
            assert player(pilot).frame == at
        assert " wrong " in facts(pilot)
        await pilot.press("N")
        assert player(pilot).frame == expected.previous_error(at)
        await pilot.press("home", "b")
        assert player(pilot).frame == expected.next_bout(0)
        await pilot.press("b", "B")
        assert player(pilot).frame == expected.next_bout(0)


async def test_a_click_on_a_strip_goes_there(make_app, trained) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        await watch(pilot, trained)
        whole = strip(pilot, "whole")
        columns = whole.size.width - LABEL_WIDTH
        await pilot.click(whole, offset=(LABEL_WIDTH + columns // 2, 1))
        assert player(pilot).frame == (columns // 2) * FRAMES // columns
        await pilot.click(whole, offset=(2, 1))
        assert player(pilot).frame == (columns // 2) * FRAMES // columns
        first, stop = strip(pilot, "around").bounds(whole.size.width)
        assert first <= player(pilot).frame < stop


async def test_the_lower_strip_shows_more_or_less(make_app, trained) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        await watch(pilot, trained)
        around = strip(pilot, "around")

        def span() -> int:
            first, stop = around.bounds(around.size.width)
            return stop - first

        before = span()
        await pilot.press("plus", "plus")
        assert span() < before
        await pilot.press("minus", "minus", "minus")
        assert span() >= before


# ── what is seen ──────────────────────────────────────────────────────────────────────────────


async def test_views_and_trails_take_turns_and_are_kept(make_app, trained) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        await watch(pilot, trained)
        mice = player(pilot).video.about.mouse_ids
        seen = []
        for _ in range(len(mice) + 2):
            seen.append(facts(pilot).splitlines()[0].split("x", 1)[1].split(",")[0].strip())
            await pilot.press("z")
        assert seen == ["mice", *(f"mouse {mouse}" for mouse in mice), "arena"]
        await pilot.press("z", "T")
        assert "mouse 1, trail 5 s" in facts(pilot)
        await settle(pilot)
    async with make_app().run_test(size=SMALL) as pilot:
        await watch(pilot, trained)
        assert "mouse 1, trail 5 s" in facts(pilot)


async def test_who_acts_on_whom_is_named(make_app, trained) -> None:
    video = open_video(trained, validation_scores(trained.run)[0].video_id)
    frame = int(video.bouts.start[video.bouts.start >= 0].min())
    act = video.acts(frame)[0]
    async with make_app().run_test(size=SMALL) as pilot:
        await watch(pilot, trained)
        await pilot.press("g", *str(frame), "enter")
        whom = f"{act.agent}" if act.agent == act.target else f"{act.agent}>{act.target}"
        assert f"{act.action} {whom}" in facts(pilot)


async def test_another_checkpoint_gives_another_answer(make_app, trained) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        await watch(pilot, trained)
        await pilot.press("c", *"last", "enter")
        await settle(pilot)
        assert "last, epoch 3" in heading(pilot)
        assert player(pilot).watched.epoch == 3


async def test_an_ensemble_shows_what_its_members_predict(make_app, trained, recorded) -> None:
    mean = RunDir(recorded / "runs" / "mean-20261201T090000-aaaa")
    shutil.copytree(trained.run.path, mean.path)
    shutil.rmtree(mean.checkpoints)
    request = trained.require_request()
    members = (input_of(trained.run),)
    mean.write_request(msgspec.structs.replace(request, run=mean.id, inputs=members))
    async with make_app().run_test(size=SMALL) as pilot:
        await watch(pilot, RunEntry(mean))
        watched = player(pilot).watched
        np.testing.assert_array_equal(watched.probabilities, answer(trained).probabilities)
        assert "best, epoch 1" in heading(pilot)
        await pilot.press("c")
        await settle(pilot)
        assert "predicts with its members' checkpoints" in " ".join(
            notice.message for notice in pilot.app._notifications
        )
        assert isinstance(pilot.app.screen, VideoScreen)


async def test_colours_follow_the_theme(make_app, trained) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        await watch(pilot, trained)

        def colours() -> set[object]:
            lines = [strip(pilot, "whole").render_line(y) for y in range(3)]
            return {segment.style.color for line in lines for segment in line}

        before = colours()
        await pilot.press("ctrl+t")
        await pilot.pause()
        assert colours() != before


async def test_keys_that_play_are_offered_only_where_there_is_a_video(make_app, trained) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        pilot.app.push_screen(VideoScreen(trained.id))
        await settle(pilot)
        assert "space" not in pilot.app.screen.active_bindings
        await pilot.press("enter")
        await settle(pilot)
        assert "space" in pilot.app.screen.active_bindings
        await pilot.press("escape")
        assert "space" not in pilot.app.screen.active_bindings


# ── what is not there ─────────────────────────────────────────────────────────────────────────


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Hold answers back until the test calls this."""
    release = threading.Event()

    def wait(*args: object, **kwargs: object) -> PredictedVideo:
        assert release.wait(LONG)
        return predict_video(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(video_loader, "predict_video", wait)
    yield release.set
    release.set()


async def test_poses_and_truth_are_seen_before_the_answer(make_app, trained, held) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        pilot.app.push_screen(VideoScreen(trained.id))
        await settle(pilot)
        await pilot.press("enter")
        while player(pilot).video is None:
            await pilot.pause()
        assert any("⠀" < character <= "⣿" for character in arena(pilot))
        await pilot.press("n", "full_stop")
        assert player(pilot).frame == 1
        assert "▇" not in facts(pilot)
        assert "model" in strip(pilot, "whole").text
        held()
        await settle(pilot)
        assert "▇" in facts(pilot)


async def test_leaving_gives_the_answer_up(make_app, trained, monkeypatch) -> None:
    told, goes_on, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(*args: object, progress: Callable[[int, int, str], None]) -> PredictedVideo:
        try:
            progress(1, 2, "frames")
            told.set()
            assert goes_on.wait(LONG)
            progress(2, 2, "frames")
            raise AssertionError("nobody waits for this")
        finally:
            ended.set()

    monkeypatch.setattr(video_loader, "predict_video", slow)
    async with make_app().run_test(size=LARGE) as pilot:
        pilot.app.push_screen(VideoScreen(trained.id))
        while not told.is_set():
            await pilot.pause()
        await pilot.pause()
        assert "50% of the frames" in facts(pilot)
        await pilot.press("escape")
        goes_on.set()
        assert ended.wait(LONG)
        assert isinstance(pilot.app.screen, HomeScreen)


async def test_data_that_are_gone_are_asked_for_and_can_be_named(
    make_app, trained, recorded
) -> None:
    source = str(trained.require_request().data)
    gone = msgspec.structs.replace(trained.require_request(), data="/nowhere/mice")
    trained.run.write_request(gone)
    shutil.rmtree(recorded / "cache")
    async with make_app().run_test(size=SMALL) as pilot:
        await watch(pilot, trained)
        assert "/nowhere/mice) are gone" in " ".join(arena(pilot).split())
        await pilot.press("D", *source, "enter")
        await settle(pilot)
        assert f"of {FRAMES}" in facts(pilot)
    async with make_app().run_test(size=SMALL) as pilot:
        await watch(pilot, trained)
        assert f"of {FRAMES}" in facts(pilot)


async def test_a_checkpoint_that_is_not_here_leaves_the_poses(make_app, trained) -> None:
    pointer = trained.run.read_pointer("best")
    assert pointer is not None
    trained.run.write_handle(Handle(launcher="modal", attempt="0001-aaaa", reference={}))
    (trained.run.checkpoints / pointer.file).unlink()
    async with make_app().run_test(size=SMALL) as pilot:
        await watch(pilot, trained)
        assert "is not here; `mabe pull" in " ".join(facts(pilot).split())
        await pilot.press("full_stop")
        assert f"1 of {FRAMES}" in facts(pilot)


async def test_a_run_that_measured_nothing_says_so(make_app, recorded) -> None:
    run = next((recorded / "runs").glob("v6-*-cc42"))
    shutil.rmtree(run / "evaluation")
    async with make_app().run_test(size=SMALL) as pilot:
        pilot.app.push_screen(VideoScreen(run.name))
        await settle(pilot)
        notices = [notice.message for notice in pilot.app._notifications]
        assert any("evaluat" in words for words in notices)
        assert pilot.app.screen.query_one("#videos", RowTable).empty == "no video"


# ── pictures ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def by_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """Videos and answers that are the same on every machine."""
    monkeypatch.setattr(video_loader, "open_video", lambda _, video_id, *__: made_video(video_id))
    monkeypatch.setattr(
        video_loader, "predict_video", lambda _, video, *__, **___: made_answer(video)
    )


async def look(pilot: Pilot) -> None:
    """Watch the worst video of a recorded run, at its second error."""
    run = next(entry.id for entry in pilot.app.store.entries() if entry.id.endswith("cc42"))
    pilot.app.push_screen(VideoScreen(run))
    await settle(pilot)
    await pilot.press("enter")
    await settle(pilot)
    await pilot.press("n", "n", "full_stop")
    await pilot.pause()


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.usefixtures("by_formula")
def test_how_it_looks(snap_compare, make_app, size) -> None:
    assert snap_compare(make_app(), terminal_size=size, run_before=look)


@pytest.mark.usefixtures("by_formula")
def test_how_it_looks_in_ascii(snap_compare, make_app) -> None:
    assert snap_compare(make_app(ascii_only=True), terminal_size=SMALL, run_before=look)


# ── confusions and slices ─────────────────────────────────────────────────────────────────────


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_loader, "open_video", lambda _, video_id, *__: made_video(video_id))
    monkeypatch.setattr(
        video_loader, "predict_video", lambda _, video, *__, **___: made_answer(video)
    )


async def test_a_confusion_opens_its_frames_with_both_models(make_app, made: None) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        pilot.app.push_screen(CompareScreen(["v5", "v6"]))
        await settle(pilot)
        await pilot.press("V")
        assert isinstance(pilot.app.screen, PickScreen)
        await pilot.press(*"mating other", "enter")
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, VideoScreen)
        assert screen.pair == Pair("mating", "other")
        assert screen.table.rows[0].key == screen.video_id
        counts = [int(row.cells[1].replace(",", "")) for row in screen.table.rows]
        assert counts == sorted(counts, reverse=True)
        assert counts[0] > 0
        _, _, start, _ = BOUTS[1]  # mating, which the model sees 25 frames late
        assert player(pilot).frame == start
        lines = strip(pilot, "whole").text.splitlines()
        assert [line.split()[0] for line in lines[:3]] == ["truth", "v6", "v5"]
        await pilot.press("n")
        assert player(pilot).frame == start  # the only one


async def test_a_bout_is_kept_as_a_slice_and_found_again(make_app, made: None, recorded) -> None:
    async with make_app().run_test(size=LARGE, notifications=True) as pilot:
        pilot.app.push_screen(VideoScreen("v6-20261120T130000-cc42"))
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        _, _, start, stop = BOUTS[0]
        player(pilot).seek(start + 5)
        await pilot.press("m", *"hard", "space", *"two", "enter")
        await settle(pilot)
        video = pilot.app.screen.video_id
        assert Slices(recorded).find("hard").stretches == (
            Stretch(video=video, start=start, stop=stop),
        )
        await pilot.press("end", "M")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert player(pilot).frame == start
