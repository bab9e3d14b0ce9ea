"""Labelled input lines with suggestions shown after the cursor."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.suggester import Suggester
from textual.widgets import Input, Label

from mabe_tui.tui.keys import bindings
from mabe_tui.tui.work import in_thread

Complete = Callable[[str], Sequence[str]]
WRONG = "-wrong"


class Completing(Suggester):
    """Suggests the first candidate that begins with the typed text; the function may read files."""

    def __init__(self, complete: Complete) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        """Return the suggested line, which → accepts."""
        found = await in_thread(lambda: self._complete(value)) if value else ()
        return next((text for text in found if text.startswith(value)), None)


class Line(Input):
    """A compact input with the form's keys."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("form")


class Field(Horizontal):
    """A label and an input line."""

    def __init__(
        self, name: str, value: str = "", hint: str = "", complete: Complete | None = None
    ) -> None:
        super().__init__(id=f"field-{name.replace(' ', '-')}", classes="field")
        suggester = Completing(complete) if complete is not None else None
        self._label = Label(name)
        self.line = Line(value, placeholder=hint, suggester=suggester, compact=True)

    def compose(self) -> ComposeResult:
        """Lay out label and input."""
        yield self._label
        yield self.line

    @on(Input.Submitted)
    def _go_on(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.focus_next()

    @property
    def text(self) -> str:
        """The typed text, stripped."""
        return self.line.value.strip()


class FormLines(VerticalScroll, can_focus=False):
    """A growing list of lines: enter completes a line or opens the next."""

    def __init__(self, complete: Complete, id: str) -> None:
        super().__init__(id=id)
        self._complete = complete

    def compose(self) -> ComposeResult:
        """Begin with one empty line."""
        yield self._line()

    @property
    def texts(self) -> tuple[str, ...]:
        """The typed lines, without empty ones."""
        return tuple(line.value.strip() for line in self.query(Input) if line.value.strip())

    def mark(self, wrong: str | None) -> None:
        """Mark the lines with this text as wrong."""
        for line in self.query(Input):
            line.set_class(wrong is not None and line.value.strip() == wrong, WRONG)

    @on(Input.Submitted)
    async def _enter(self, event: Input.Submitted) -> None:
        event.stop()
        line, typed = event.input, event.value.strip()
        if typed and "=" not in typed and (found := self._complete(typed)):
            line.value = found[0]
            line.cursor_position = len(line.value)
        elif typed and line is self.query(Input).last():
            await self.mount(self._line())
            self.query(Input).last().focus()
        else:
            self.screen.focus_next()

    def _line(self) -> Input:
        suggester = Completing(self._complete)
        return Line(placeholder="key=value", suggester=suggester, compact=True)
