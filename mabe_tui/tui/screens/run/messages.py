"""Messages from the thread that follows a run to the run's screen."""

from textual.message import Message

from core.config.task_spec import TaskSpec
from mabe_tui.runs.following.feed_update import FeedUpdate
from mabe_tui.tui.screens.run.view import RunView


class Looked(Message):
    """An update from the feed is available."""

    def __init__(self, look: FeedUpdate) -> None:
        super().__init__()
        self.look = look


class Began(Message):
    """The saved view was read."""

    def __init__(self, view: RunView, has_price: bool, spec: TaskSpec) -> None:
        super().__init__()
        self.view, self.has_price, self.spec = view, has_price, spec


class PointFound(Message):
    """The x of a line of the log; ``None`` if nothing was measured there."""

    def __init__(self, x: float | None) -> None:
        super().__init__()
        self.x = x


class CursorKept(Message):
    """The x of the point under the cursor on another axis; ``None`` if there is none."""

    def __init__(self, x: float | None) -> None:
        super().__init__()
        self.x = x


class LineFound(Message):
    """The log position of a point; ``None`` if there is none."""

    def __init__(self, position: int | None) -> None:
        super().__init__()
        self.position = position


class ComparisonWanted(Message):
    """The run should be compared with the baseline."""

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.names = names
