"""The terminal gets only changed cells, and shows what Textual would have drawn."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import CompositorUpdate, LayoutUpdate
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip

from mabe_tui.plotting.series import Series, roomy
from mabe_tui.tui.app import MabeApp
from mabe_tui.tui.cell_diff import TerminalCells
from mabe_tui.tui.compositor import LeanCompositor
from mabe_tui.tui.widgets.chart import ChartView

SEQUENCE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")
CONSOLE = Console(force_terminal=True, color_system="truecolor")


class Emulator:
    """The part of a terminal that is written to: cursor, colours, one character a cell."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], tuple[str, object]] = {}
        self._attributes: set[int] = set()
        self._colours: dict[int, tuple[int, ...]] = {}

    def feed(self, data: str) -> None:
        y = x = place = 0
        while place < len(data):
            if (found := SEQUENCE.match(data, place)) is not None:
                place = found.end()
                numbers = [int(number or 0) for number in found[1].split(";")]
                if found[2] == "H":
                    y, x = numbers[0] - 1, numbers[1] - 1
                elif found[2] == "C":
                    x += numbers[0]
                else:
                    self._style(numbers)
                continue
            character = data[place]
            place += 1
            if character != "\n":
                look = frozenset(self._attributes), tuple(sorted(self._colours.items()))
                wide = character in "日本語"
                for cell in range(1 + wide):
                    self.cells[y, x + cell] = ("" if cell else character, look)
                x += 1 + wide

    def _style(self, numbers: list[int]) -> None:
        while numbers:
            code = numbers.pop(0)
            if code == 0:
                self._attributes.clear()
                self._colours.clear()
            elif code in (38, 48):
                self._colours[code] = tuple(numbers[:4])
                del numbers[:4]
            elif code in (39, 49):
                self._colours.pop(code - 1, None)
            else:
                self._attributes.add(code)


@pytest.fixture
def watched(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[type[App[Any]]], tuple[Emulator, list[str]]]:
    """Have what a class of app displays written to an emulated terminal too."""

    def watch(kind: type[App[Any]]) -> tuple[Emulator, list[str]]:
        terminal, written, cells = Emulator(), list[str](), TerminalCells()

        def display(self: App[Any], screen: object, update: object) -> None:
            if isinstance(update, CompositorUpdate):
                written.append(cells.update(update, CONSOLE))
                terminal.feed(written[-1])

        monkeypatch.setattr(kind, "_display", display)
        return terminal, written

    return watch


def drawn_afresh(app: App[Any]) -> dict[tuple[int, int], tuple[str, object]]:
    """The cells as Textual writes the whole screen."""
    terminal = Emulator()
    strips: list[Any] = [[strip] for strip in app.screen._compositor.render_strips()]
    terminal.feed(LayoutUpdate(strips, app.size.region).render_segments(CONSOLE))
    return terminal.cells


async def test_the_terminal_shows_what_textual_draws_at_a_fraction_of_its_bytes(
    make_app, watched
) -> None:
    terminal, written = watched(MabeApp)
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        for keys in ("down", "tab", "question_mark", "escape", "slash", "v7", "escape"):
            await pilot.press(*([keys] if len(keys) > 2 else keys))
            await pilot.app.workers.wait_for_complete()
            await pilot.pause()
            assert terminal.cells == drawn_afresh(app), keys
        await pilot.resize_terminal(60, 20)
        await pilot.pause()
        whole = drawn_afresh(app)
        assert {place: terminal.cells[place] for place in whole} == whole
        written.clear()
        await pilot.press("tab")
        await pilot.pause()
        strips: list[Any] = [[strip] for strip in app.screen._compositor.render_strips()]
        whole_bytes = len(LayoutUpdate(strips, app.size.region).render_segments(CONSOLE))
        assert 0 < len("".join(written)) < whole_bytes / 2


def test_any_text_over_any_other_comes_out_right() -> None:
    """Wide characters, styles, and lines that are the same again."""
    random = np.random.default_rng(0)
    texts = ["curves", "  ", "日本", "⣿⣀⠉", "x", "→", "語a"]
    styles = [None, Style(bold=True), Style(color="#102030"), Style(bgcolor="red", dim=True)]
    cells, terminal = TerminalCells(), Emulator()
    for _ in range(300):
        line = [
            Segment(texts[random.integers(len(texts))], styles[random.integers(len(styles))])
            for _ in range(6)
        ]
        strip = Strip(line).adjust_cell_length(20)
        update = LayoutUpdate([[strip]], Region(0, 0, 20, 1))
        terminal.feed(cells.update(update, CONSOLE))
        whole = Emulator()
        whole.feed(update.render_segments(CONSOLE))
        assert terminal.cells == whole.cells
        assert cells.update(update, CONSOLE) == ""


def test_what_was_forgotten_is_written_again_and_controls_never_are() -> None:
    cells = TerminalCells()
    update = LayoutUpdate([[Strip([Segment("a\x1b[2Jb\x07")])]], Region(0, 0, 6, 1))
    first = cells.update(update, CONSOLE)
    assert "\x1b[2J" not in first
    assert "\x07" not in first
    assert cells.update(update, CONSOLE) == ""
    cells.forget()
    assert cells.update(update, CONSOLE) == first
    larger = LayoutUpdate(update.strips, Region(0, 0, 7, 1))
    assert cells.update(larger, CONSOLE) == first


class ChartApp(App[None]):
    """A chart as large as that of a run's screen, painted as ours are."""

    def compose(self) -> ComposeResult:
        yield ChartView()

    def on_mount(self) -> None:
        self.screen._compositor = LeanCompositor()


async def test_a_few_more_points_cost_a_few_bytes(watched) -> None:
    _, written = watched(ChartApp)
    app = ChartApp()
    x = np.arange(1, 1009, dtype=float)
    y = 2 / np.sqrt(x) + 0.1 * np.sin(x)
    async with app.run_test(size=(120, 40)) as pilot:
        chart = app.query_one(ChartView)
        for points in (1000, 1008):
            written.clear()
            extent = 1.0, roomy(1.0, float(points))[1]
            chart.show([Series("loss", x[:points], y[:points])], extent=extent, grows=True)
            await pilot.pause()
    assert 0 < len("".join(written)) < 300


@pytest.mark.parametrize("log", [False, True])
def test_a_range_with_room_holds_the_range_and_moves_seldom(log: bool) -> None:
    ends = {roomy(0.5, high, log=log) for high in np.linspace(100, 200, 500)}
    assert len(ends) <= 17
    for high in (1.0, 99.0, 3e7):
        low, room = roomy(0.5, high, log=log)
        assert low <= 0.5
        assert high <= room
        assert room - high <= (high - 0.5) / 8 or log
    assert roomy(1e18, 1e18 + 128) == (1e18, 1e18 + 128)
