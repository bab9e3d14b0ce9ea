"""Messages from workers to screens: a worker posts a message and never touches a widget."""

from collections.abc import Callable

from textual.message import Message


class WorkFailed(Message):
    """Something failed; one line that says what, and what to do."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Done(Message):
    """Something that the user requested is done; one line."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Question(Message):
    """Something needs the user's confirmation."""

    def __init__(
        self, title: str, consequences: str, work: Callable[[], str], run: str, ends: bool = False
    ) -> None:
        super().__init__()
        self.title, self.consequences = title, consequences
        self.work = work
        """Work to do on "yes"; returns a one-line message about what was done."""
        self.run, self.ends = run, ends
        """The run concerned, and whether the work stops it."""


class LineWanted(Message):
    """A line of text is needed from the user; the arguments are those of the dialog and of Question."""

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
        """Work to do with the line; returns a one-line message about what was done."""
        self.run = run


class Progressed(Message):
    """A piece of work has made progress."""

    def __init__(self, about: str, text: str) -> None:
        super().__init__()
        self.about, self.text = about, text


class RunChanged(Message):
    """A run was changed from here; screens that show it may want to reload it."""

    def __init__(self, run: str) -> None:
        super().__init__()
        self.run = run
