"""Incremental painting of a live run matches the screen's full contents."""

from pathlib import Path
from typing import Any

import pytest
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App, ComposeResult
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets._footer import FooterKey

from mabe_tui.runs.following.feed_update import LogBounds
from mabe_tui.runs.following.run_log import LogRow
from mabe_tui.tui.app import MabeApp
from mabe_tui.tui.widgets.log_view import LogView
from tests.mabe_tui.tui.conftest import LARGE, SMALL
from tests.mabe_tui.tui.run_screen import Going, log_lines, opened, until
from tests.mabe_tui.tui.test_run_screen import home_run


class Terminal:
    """Keeps what was written where, as a terminal does."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[int, str]] = {}

    def write(self, update: object) -> None:
        """Take in an update of the screen."""
        if isinstance(update, LayoutUpdate):
            for y, strips in enumerate(update.strips, update.region.y):
                self._put(y, update.region.x, Strip.join(strips).text)
        elif isinstance(update, ChopsUpdate):
            for y, start, stop in update.spans:
                for x, strip in update.chops[y].items():
                    if strip is not None:
                        text = strip.text[max(0, start - x) : max(0, stop - x)]
                        self._put(y, max(x, start), text)

    def _put(self, y: int, x: int, text: str) -> None:
        self.rows.setdefault(y, {}).update(enumerate(text, x))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Listen to what the app would write."""
    written, display = Terminal(), MabeApp._display

    def listen(self: MabeApp, screen: Any, update: Any) -> None:
        written.write(update)
        display(self, screen, update)

    monkeypatch.setattr(MabeApp, "_display", listen)
    return written


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_what_was_painted_is_what_is_shown(
    make_app, recorded: Path, terminal: Terminal, size: tuple[int, int]
) -> None:
    going = Going(home_run(recorded, "cc42")).begin()
    app = make_app()
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)

        def is_painted() -> bool:
            for widget in screen.walk_children(Widget):
                widget._styles_cache.clear()  # what was drawn before is no witness
            shown = [strip.text for strip in app.screen._compositor.render_strips()]
            return [terminal.rows[y] for y in range(size[1])] == [
                dict(enumerate(line)) for line in shown
            ]

        await until(pilot, is_painted)
        for number, key in enumerate(("6", "pageup", "f", "1", "left", "e", "2"), start=1):
            going.step(number, loss=0.1 * number)
            await pilot.press(key)
            stop = screen.look.log.stop if screen.look else 0
            await until(pilot, lambda stop=stop: screen.look and screen.look.log.stop >= stop)
            await until(pilot, is_painted)
        assert any("step 7 of 8" in line for line in log_lines(screen)) or size == SMALL


async def test_keys_in_the_footer_stay_while_they_are_the_same(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot)
        keys = [*screen.query(FooterKey)]
        await pilot.press("2")
        await until(pilot, lambda: screen.panels.panel_of_focus() == "score")
        assert [*screen.query(FooterKey)] == keys
        await pilot.press("6")
        await until(pilot, lambda: "/" in [key.key_display for key in screen.query(FooterKey)])


class LogApp(App[None]):
    """A log by itself; remembers what it asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted = list[LogView.Wanted]()

    def compose(self) -> ComposeResult:
        yield LogView(id="log")

    def on_log_view_wanted(self, message: LogView.Wanted) -> None:
        self.wanted.append(message)


async def test_a_log_asks_for_no_line_that_a_look_brings() -> None:
    """What it asks for is painted again when it comes."""
    app = LogApp()
    async with app.run_test(size=(60, 10)) as pilot:
        for stop in (50, 55, 60):
            app.wanted.clear()
            tail = [LogRow(at, "0001", f"line {at}") for at in range(stop - 20, stop)]
            app.query_one(LogView).show(LogBounds(stop=stop, complete=True), tail)
            await pilot.pause()
    assert not app.wanted
