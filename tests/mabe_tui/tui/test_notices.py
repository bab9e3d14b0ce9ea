"""Notices cover nothing, are kept in a list, and the title says what holds on every screen."""

import os
from pathlib import Path

import pytest
from textual.widgets import Static

from core.config import registry
from mabe_tui.tui.screens.dialogs.notices import NoticesScreen
from mabe_tui.tui.widgets.notice_lines import NoticeLines
from mabe_tui.tui.widgets.title_end import TitleEnd
from tests.mabe_tui.tui.conftest import SMALL
from tests.mabe_tui.tui.run_screen import until
from tests.mabe_tui.tui.test_compare import settle


def standing(pilot) -> str:
    widget = pilot.app.screen.query_one(TitleEnd)
    return str(widget.render()) if widget.display else ""


async def test_a_notice_covers_nothing_and_is_found_again(make_app) -> None:
    async with make_app().run_test(size=SMALL, notifications=True) as pilot:
        await settle(pilot)
        lines = pilot.app.screen.query_one(NoticeLines)
        assert not lines.display
        assert standing(pilot) == ""
        pilot.app.notify("[the] first", markup=False, timeout=60)
        pilot.app.notify("a second", severity="error", markup=False, timeout=60)
        await until(pilot, lambda: lines.display)
        shown = str(lines.render())
        assert "[the] first" in shown
        assert "a second" in shown
        seen = [w for w in pilot.app.screen._compositor.visible_widgets if not w.children]
        assert not [w for w in seen if w is not lines and w.region.overlaps(lines.region)]
        assert "2 notices !" in standing(pilot)
        await pilot.click(NoticeLines)
        assert not lines.display
        await pilot.press("exclamation_mark")
        assert isinstance(pilot.app.screen, NoticesScreen)
        text = "\n".join(s.text for s in pilot.app.screen._compositor.render_strips())
        assert text.index("a second") < text.index("[the] first")
        await pilot.press("escape")
        assert "2 notices !" in standing(pilot)


async def test_a_notice_goes_by_itself(make_app) -> None:
    async with make_app().run_test(size=SMALL, notifications=True) as pilot:
        await settle(pilot)
        lines = pilot.app.screen.query_one(NoticeLines)
        pilot.app.notify("soon over", timeout=0.05)
        await until(pilot, lambda: pilot.app.noticed)
        await until(pilot, lambda: not lines.display)


async def test_a_notice_that_is_raised_again_takes_no_further_line(make_app) -> None:
    async with make_app().run_test(size=SMALL, notifications=True) as pilot:
        await settle(pilot)
        for words in ("again", "other", "again"):
            pilot.app.notify(words, timeout=60)
        await until(pilot, lambda: "3 notices !" in standing(pilot))
        lines = pilot.app.screen.query_one(NoticeLines)
        await until(pilot, lambda: lines.display)
        assert sorted(str(lines.render()).split()) == ["again", "other", "▌", "▌"]


async def test_a_broken_registry_stays_marked_until_it_is_mended(
    make_app, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = recorded / "experiments.toml"
    good = registry.default_path().read_bytes()
    path.write_bytes(good)
    monkeypatch.setenv("MABE_REGISTRY", str(path))
    async with make_app().run_test(size=SMALL, notifications=True) as pilot:
        await settle(pilot)
        path.write_text("[v1")
        os.utime(path, (1, 1))
        pilot.app.reread_registry()
        await until(pilot, lambda: "registry broken" in standing(pilot))
        pilot.app.clear_notifications()
        pilot.app.reread_registry()
        await settle(pilot)
        assert "registry broken" in standing(pilot)
        path.write_bytes(good)
        pilot.app.reread_registry()
        await until(pilot, lambda: "registry broken" not in standing(pilot))


async def test_read_only_is_said_on_every_screen(make_app) -> None:
    async with make_app(readonly=True).run_test(size=SMALL) as pilot:
        await settle(pilot)
        assert "(read only)" in standing(pilot)
        pilot.app.open_comparison(["v5", "v6"])
        await settle(pilot)
        assert "(read only)" in standing(pilot)
        heading = pilot.app.screen.query_one("#heading", Static)
        assert heading.region.right <= pilot.app.screen.query_one(TitleEnd).region.x
