"""What workers tell screens. A worker never touches a widget: it posts one of these, a handler shows it."""

from collections.abc import Callable

from textual.message import Message


class Problem(Message):
    """Something could not be done; one line that says what, and what to do."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Done(Message):
    """Something was done that a person asked for; one line."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Question(Message):
    """Something is to be done that a person has to agree to."""

    def __init__(
        self, title: str, consequences: str, work: Callable[[], str], run: str, ends: bool = False
    ) -> None:
        super().__init__()
        self.title, self.consequences = title, consequences
        self.work = work
        """What to do at yes; gives one line on what was done."""
        self.run, self.ends = run, ends
        """The run, and whether the work stops it."""


class LineWanted(Message):
    """A line of text is wanted from a person; the arguments are those of the dialog and of Question."""

    def __init__(
        self,
        title: str,
        value: str,
        work: Callable[[str], str],
        run: str,
        *,
        hint: str = "",
        words: str = "",
        check: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__()
        self.title, self.value = title, value
        self.hint, self.words, self.check = hint, words, check
        self.work = work
        """What to do with the line; gives one line on what was done."""
        self.run = run


class Progressed(Message):
    """A piece of work is so far."""

    def __init__(self, about: str, text: str) -> None:
        super().__init__()
        self.about, self.text = about, text


class RunChanged(Message):
    """A run was changed from here: what shows it may want to read it anew."""

    def __init__(self, run: str) -> None:
        super().__init__()
        self.run = run
