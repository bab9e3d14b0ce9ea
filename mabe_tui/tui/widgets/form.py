"""Lines to type in, with their names before them and what may come next behind the cursor."""

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
    """Suggests the first that a function finds to begin as typed; it may read files."""

    def __init__(self, complete: Complete) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        """Return what the line may become; → takes it."""
        found = await in_thread(lambda: self._complete(value)) if value else ()
        return next((text for text in found if text.startswith(value)), None)


class Line(Input):
    """A compact input with the form's keys."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("form")


class Field(Horizontal):
    """A name and a line."""

    def __init__(
        self, name: str, value: str = "", hint: str = "", complete: Complete | None = None
    ) -> None:
        super().__init__(id=f"field-{name.replace(' ', '-')}", classes="field")
        suggester = Completing(complete) if complete is not None else None
        self._label = Label(name)
        self.line = Line(value, placeholder=hint, suggester=suggester, compact=True)

    def compose(self) -> ComposeResult:
        """Lay out name and line."""
        yield self._label
        yield self.line

    @on(Input.Submitted)
    def _go_on(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.focus_next()

    @property
    def text(self) -> str:
        """What was typed, without blanks around it."""
        return self.line.value.strip()


class Lines(VerticalScroll, can_focus=False):
    """Any number of lines: enter completes one, or opens the next."""

    def __init__(self, complete: Complete, id: str) -> None:
        super().__init__(id=id)
        self._complete = complete

    def compose(self) -> ComposeResult:
        """Begin with one line."""
        yield self._line()

    @property
    def texts(self) -> tuple[str, ...]:
        """What was typed, without empty lines."""
        return tuple(line.value.strip() for line in self.query(Input) if line.value.strip())

    def mark(self, wrong: str | None) -> None:
        """Mark the lines that say this."""
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
