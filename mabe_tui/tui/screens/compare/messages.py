"""Messages from the threads of a comparison to its screen."""

from textual.message import Message

from mabe_tui.plotting.panel import Panel
from mabe_tui.runs.comparison.side_by_side import SideBySide
from mabe_tui.runs.launching.more_seeds import MoreSeeds


class ComparisonFound(Message):
    """More results of the comparison are available."""

    def __init__(self, names: tuple[str, ...], found: SideBySide) -> None:
        super().__init__()
        self.names, self.found = names, found


class Measuring(Message):
    """Progress in measuring checkpoints."""

    def __init__(self, names: tuple[str, ...], text: str) -> None:
        super().__init__()
        self.names, self.text = names, text


class Drawn(Message):
    """The curves for the current view settings."""

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self.panel = panel


class Offered(Message):
    """Candidates to add to the comparison."""

    def __init__(self, names: list[str], details: dict[str, str]) -> None:
        super().__init__()
        self.names, self.details = names, details


class Refused(Message):
    """The sides cannot be compared; the reason."""

    def __init__(self, names: tuple[str, ...], text: str) -> None:
        super().__init__()
        self.names, self.text = names, text


class SettlingReady(Message):
    """The runs that would settle a verdict are ready to start."""

    def __init__(self, wanted: MoreSeeds) -> None:
        super().__init__()
        self.wanted = wanted
