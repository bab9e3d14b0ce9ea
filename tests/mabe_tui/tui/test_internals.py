"""Where a newer Textual is made otherwise, the dashboard is slower, and not broken."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.widgets import Input

from mabe_tui.tui import cell_diff, compositor, key_queue
from mabe_tui.tui.cell_diff import TerminalCells
from mabe_tui.tui.compositor import LeanCompositor
from mabe_tui.tui.internals import compositor_for, terminal_cells
from tests.mabe_tui.tui.conftest import SMALL
from tests.mabe_tui.tui.test_compositor import HEIGHT, WIDTH, Three, _cells, painted


def made_otherwise(*_: Any) -> Iterator[Any]:
    raise AttributeError("a private part of another name")


async def test_a_screen_is_painted_as_textual_does(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Three()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        lean: Any = app.screen._compositor
        assert lean.is_lean
        whole = [_cells(strip) for strip in lean.render_strips()]
        monkeypatch.setattr(compositor, "_runs", made_otherwise)
        for _ in range(2):  # at the moment of the failure, and from then on
            lean._dirty_regions.update({Region(0, 1, 2, 1), Region(9, 4, 2, 1)})
            cells = painted(lean)
            assert cells == {(x, y): whole[y][x] for x, y in cells}
            assert {(0, 1), (1, 1), (9, 4), (10, 4)} <= cells.keys()
            assert not lean.is_lean


def test_an_update_is_written_as_textual_does(monkeypatch: pytest.MonkeyPatch) -> None:
    cells, console = TerminalCells(), Console()
    update = ChopsUpdate([{0: None}], [(0, 0, 1)], [[1]])
    assert cells.lean(update) is not update
    monkeypatch.setattr(cell_diff, "_changed_parts", made_otherwise)
    assert cells.lean(update).render_segments(console) == update.render_segments(console)
    assert cells.lean(update) is update


def test_what_cannot_be_imported_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Compositor()
    assert isinstance(compositor_for(usual), LeanCompositor)
    assert isinstance(terminal_cells(), TerminalCells)
    for name in ("cell_diff", "compositor"):
        monkeypatch.setitem(sys.modules, f"mabe_tui.tui.{name}", None)
    assert compositor_for(usual) is usual
    assert terminal_cells() is None


async def test_the_dashboard_works_without_all_of_it(
    make_app, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cell_diff", "compositor"):
        monkeypatch.setitem(sys.modules, f"mabe_tui.tui.{name}", None)
    monkeypatch.setattr(key_queue, "_waits", made_otherwise)
    async with make_app().run_test(size=SMALL) as pilot:
        await pilot.pause()
        await pilot.press("slash")
        await pilot.pause()
        await pilot.press(*"seed", "f5")
        await pilot.pause()
        assert pilot.app.screen.query_one(Input).value == "seed"
        assert type(pilot.app.screen._compositor) is Compositor
