"""What the threads of a comparison tell its screen."""

from textual.message import Message

from mabe_tui.plotting.panel import Panel
from mabe_tui.runs.comparison.side_by_side import SideBySide


class Found(Message):
    """More is known of the comparison."""

    def __init__(self, names: tuple[str, ...], found: SideBySide) -> None:
        super().__init__()
        self.names, self.found = names, found


class Measuring(Message):
    """Checkpoints are being measured, and how far that is."""

    def __init__(self, names: tuple[str, ...], text: str) -> None:
        super().__init__()
        self.names, self.text = names, text


class Drawn(Message):
    """The curves, as they are wanted now."""

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self.panel = panel


class Offered(Message):
    """What could be added."""

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.names = names


class Refused(Message):
    """These cannot be compared, and why."""

    def __init__(self, names: tuple[str, ...], text: str) -> None:
        super().__init__()
        self.names, self.text = names, text
