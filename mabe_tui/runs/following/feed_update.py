"""What a screen and the thread that follows its run tell each other: the request and the updates."""

from dataclasses import dataclass, field

from mabe_tui.plotting.panel import Panel
from mabe_tui.runs.following.alerts import Alert
from mabe_tui.runs.following.chart_cache import ChartOptions
from mabe_tui.runs.following.live import RunSource
from mabe_tui.runs.following.replay import Replay
from mabe_tui.runs.following.run_log import LogRow
from mabe_tui.runs.summary.run_summary import RunSummary

GONE = "the folder of the run was removed"


@dataclass(frozen=True)
class FeedRequest:
    """The part of a run that is visible, and therefore has to be computed."""

    charts: tuple[str, ...] = ()
    """See :func:`~mabe_tui.runs.curves.curves.curves_named`."""
    view: ChartOptions = field(default_factory=ChartOptions)
    tail: int = 0
    """Number of last lines of the log."""
    unseen: bool = False
    """Nobody is watching now; alerts are reported anyway."""


@dataclass(frozen=True)
class LogBounds:
    """The known part of the log; see :class:`~mabe_tui.runs.following.run_log.RunLog`."""

    first: int = 0
    stop: int = 0
    generation: tuple[int, int] = (0, 0)
    """Changes when every position becomes void: the log was replaced, or belongs to a replay."""
    complete: bool = False
    counted: dict[str, float] = field(default_factory=dict)
    """Attempt → its last event that is not superseded; later ones are."""

    @classmethod
    def of(cls, source: RunSource) -> "LogBounds":
        """Take the state of a run's log."""
        log = source.log
        counted = dict(source.history.counted)
        generation = (id(log), log.generation)
        return cls(log.first, log.stop, generation, log.complete, counted)


@dataclass(frozen=True)
class ReplayPosition:
    """Position of a replay."""

    position: float
    """Seconds of the run."""
    duration: float
    speed: float
    paused: bool

    @classmethod
    def of(cls, source: Replay) -> "ReplayPosition":
        """Take the position of a replay."""
        return cls(source.position, source.duration, source.speed, source.paused)


@dataclass(frozen=True)
class FeedUpdate:
    """Everything that a screen shows of a run, at one moment."""

    summary: RunSummary
    charts: dict[str, Panel]
    log: LogBounds
    tail: list[LogRow]
    alerts: tuple[Alert, ...] = ()
    replay: ReplayPosition | None = None
    is_gone: bool = False
    """Whether the run's folder was removed; the rest is its last state."""
    connection: str = ""
    """Why the log of a run elsewhere is delayed; empty if it is not."""

    has_free: bool = False
    """Whether the run's own code reported metrics."""

    @property
    def grows(self) -> bool:
        """Whether more may come without user action: from a live run, or from a running replay."""
        return not self.is_gone and (self.summary.state.may_speak or self.replay is not None)
