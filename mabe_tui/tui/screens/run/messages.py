"""What the thread that follows a run tells the run's screen."""

from textual.message import Message

from core.config.task_spec import TaskSpec
from mabe_tui.runs.following.feed import FeedUpdate
from mabe_tui.tui.screens.run.view import RunView


class Looked(Message):
    """There is something new to show."""

    def __init__(self, look: FeedUpdate) -> None:
        super().__init__()
        self.look = look


class Began(Message):
    """What was kept of the view was read."""

    def __init__(self, view: RunView, has_price: bool, spec: TaskSpec) -> None:
        super().__init__()
        self.view, self.has_price, self.spec = view, has_price, spec


class PointFound(Message):
    """Where in x a line of the log was said; ``None``: nothing was measured there."""

    def __init__(self, x: float | None) -> None:
        super().__init__()
        self.x = x


class CursorKept(Message):
    """Where the point under the cursor is on another axis; ``None``: nowhere."""

    def __init__(self, x: float | None) -> None:
        super().__init__()
        self.x = x


class LineFound(Message):
    """Where in the log a point was said; ``None``: nowhere."""

    def __init__(self, position: int | None) -> None:
        super().__init__()
        self.position = position


class ComparisonWanted(Message):
    """The run is to be compared with the baseline."""

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.names = names
