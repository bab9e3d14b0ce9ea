"""The launcher protocol: start runs somewhere, query their state, follow, stop and resume them.

Front ends depend on this Protocol and on no concrete launcher. Launchers are found by file name:
``launcher_named("local")`` imports ``local_launcher.py`` from this folder and calls its ``create()``, so
adding a launcher means adding one file and changing nothing else.
"""

import enum
import importlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import msgspec

from core.config.strict import nearest
from core.errors import MisuseError, RunError
from core.run.records import Handle
from core.run.request import RunRequest
from core.run.rundir import RunDir
from mabe_tui.launch import unknown


class UnreachableError(RunError):
    """The place where the run executes cannot be reached now; a later attempt may succeed."""


class RunState(enum.StrEnum):
    """State of a run, as far as it can be determined now."""

    QUEUED = "queued"
    """Launched; no event has arrived yet."""
    RUNNING = "running"
    STOPPING = "stopping"
    """Asked to stop, but not ended yet."""
    STOPPED = "stopped"
    PREEMPTED = "preempted"
    """The machine was taken away; the run can resume from its last checkpoint."""
    FINISHED = "finished"
    FAILED = "failed"
    LOST = "lost"
    """The job died without a final event."""
    UNKNOWN = "unknown"
    """The run cannot be reached now."""

    @property
    def is_alive(self) -> bool:
        """Return whether a job of the run exists, or may start without another request."""
        return self in (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)

    @property
    def may_speak(self) -> bool:
        """Return whether more output may arrive; also true while the run cannot be reached."""
        return self.is_alive or self is RunState.UNKNOWN


class StopOutcome(enum.Enum):
    """Result of a stop request; ``runs/endings.py`` puts it into words."""

    CLEAN = "clean"
    """The run stopped by itself, with a final event."""
    KILLED = "killed"
    """The run did not stop in time and was killed."""
    BEFORE_START = "before start"
    """The newest attempt was stopped before its first event."""
    FINISHED = "finished"
    """The run finished before it could be stopped."""
    ENDED = "ended"
    """The run had already ended."""
    ENDED_EARLIER = "ended earlier"
    """The run had ended, but a call of an earlier start was still running; that call was stopped."""
    ASKED = "asked"
    """The stop was requested; whether the run has ended cannot be determined now."""


class LogLine(msgspec.Struct, frozen=True):
    """One line of a run's log: plain output or an event."""

    attempt: str
    raw: bytes
    """Content without the line end."""
    cursor: str
    """Opaque position; pass it back to continue after this line."""


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """Machine and price that a run would get."""

    launcher: str
    machine: str
    """Human-readable machine description: processor, cores, memory."""
    usd_per_hour: float | None = None
    """Price with the most expensive GPU that the run may get; ``None`` if nothing is charged or the price is
    unknown."""
    timeout_seconds: float | None = None
    """Maximum duration of one attempt; ``None`` means no limit."""
    command: tuple[str, ...] = ()
    """The command that would be started."""
    warnings: tuple[str, ...] = ()
    """Possible mistakes in the request, one sentence each."""


class ForeignJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job that a launcher can see and that belongs to no known run."""

    launcher: str
    reference: str
    description: str
    started: float
    """Start time in seconds since the epoch."""
    cost_usd: float | None = None
    """Amount billed so far; ``None`` if unknown or nothing yet."""


class Connection(msgspec.Struct, frozen=True):
    """State of the connection to a run while it is followed."""

    problem: str = ""
    """Why the connection is down; empty while it is up."""
    retry_at: float | None = None
    """Time of the next retry, on the clock of :func:`time.monotonic`; ``None`` after giving up."""
    notice: str = ""
    """Any other message that came up meanwhile; ``problem`` is then empty."""


CONNECTED = Connection()
Tell = Callable[[Connection], None]
"""Callback for connection changes: called on loss, before each retry, and on recovery; from any thread."""


def ignore(_: Connection) -> None:
    """Discard the connection state."""


Say = Callable[[str], None]
"""Progress callback: called with one line of text at a time; from any thread."""


def say_nothing(_: str) -> None:
    """Discard the message."""


class Launcher(Protocol):
    """A place where runs are executed.

    Methods take the run's folder rather than a bare handle, because a run's state is derived from both its
    handle and its events. ``run.toml`` must exist before ``launch`` is called.
    """

    name: str

    def prepare(self, request: RunRequest) -> RunRequest:
        """Return the request with the limits that this launcher's machines and prices impose.

        Raises:
            ConfigError: the launcher cannot provide what is requested; the message says why.
        """
        ...

    def quote(self, request: RunRequest) -> Quote:
        """Return the machine and price that the run would get, without starting or changing anything.

        Raises:
            UserError: the run cannot be executed here; the message says why.
        """
        ...

    def require_ready(self, request: RunRequest) -> None:
        """Check that the run could be started now; called once before a group of launches.

        Raises:
            UserError: the launcher cannot be reached, or the run's data are missing; the message says what
                to do.
        """
        ...

    def launch(self, run: RunDir) -> Handle:
        """Claim an attempt and start it; ``handle.toml`` is written before this method returns.

        Raises:
            RunError: the job cannot be started.
        """
        ...

    def launch_all(
        self, runs: Sequence[RunDir], parallel: int | None = None, say: Say = say_nothing
    ) -> None:
        """Launch several runs that request the same machine; no process has to stay alive afterwards.

        Args:
            runs: the runs to launch; each is queued until a machine is free.
            parallel: maximum number of runs at a time, the rest waiting in order; ``None`` means as many as
                the launcher has machines for.
            say: called with messages about slow steps.

        Raises:
            RunError: one of the runs cannot be started; those already started have their ``handle.toml``.
        """
        ...

    def state(self, run: RunDir) -> RunState:
        """Return the state of the run's newest attempt. Never raises for a damaged folder."""
        ...

    def lines(self, run: RunDir, after: str | None = None) -> Iterator[LogLine]:
        """Return the log lines available now, of all attempts in order, starting after ``cursor``."""
        ...

    def following(self, run: RunDir, tell: Tell = ignore) -> AbstractContextManager[object]:
        """Keep the run's local folder up to date while the context is open.

        Args:
            run: the run to follow.
            tell: called when the connection state changes.
        """
        ...

    def sync(self, run: RunDir, quick: bool = False, say: Say = say_nothing) -> None:
        """Bring the run's local folder up to date once, filling every gap that can be filled.

        Args:
            run: the run to update.
            quick: fetch only recent events; meant for an overview of many runs.
            say: called with messages that come up on the way, but not if ``quick`` is set.

        Raises:
            UserError: the place where the run executes cannot be reached.
        """
        ...

    def stop(self, run: RunDir, grace: float) -> StopOutcome:
        """Ask the run to save a checkpoint and exit; kill it after ``grace`` seconds.

        Raises:
            RunError: the run cannot be stopped now; the message says why.
        """
        ...

    def resume(self, run: RunDir, say: Say = say_nothing) -> Handle:
        """Start a new attempt from the last checkpoint; ``say`` is called with messages about slow steps.

        Raises:
            RunError: the run is alive or finished.
        """
        ...

    def fetch(self, run: RunDir, path: str, into: Path) -> Path:
        """Copy one file of the run, named relative to its folder, to ``into``.

        Raises:
            RunError: the run has no such file.
        """
        ...

    def list_foreign(self, known: Collection[Handle]) -> list[ForeignJob]:
        """Return the jobs that this launcher can see and that belong to none of ``known``."""
        ...


def launcher_names() -> list[str]:
    """Return the names of all launchers."""
    files = Path(__file__).parent.glob("*_launcher.py")
    return sorted(file.stem.removesuffix("_launcher") for file in files)


def launcher_named(name: str) -> Launcher:
    """Return the launcher with this name.

    Raises:
        MisuseError: there is no such launcher.
    """
    if name in launcher_names():
        module = importlib.import_module(f"mabe_tui.launch.{name}_launcher")
        launcher: Launcher = module.create()
        return launcher
    raise MisuseError(f"no launcher {name!r}{nearest(name, launcher_names())}")


def require_resumable(run: RunDir, state: RunState) -> None:
    """Check that a run in this state can be resumed.

    Raises:
        RunError: the run is alive or finished.
        UnreachableError: the state cannot be determined now.
    """
    if state.is_alive:
        raise RunError(f"{run.id} is {state} already; `mabe logs -f {run.id}` follows it")
    if state is RunState.FINISHED:
        raise RunError(f"{run.id} is finished; to train longer, start a run with more epochs")
    if state is RunState.UNKNOWN:
        raise UnreachableError(f"{unknown_words(run)}; nothing was started")


def unknown_words(run: RunDir) -> str:
    """Return a message saying that the run may still be running, why that is uncertain, and what to do."""
    why = unknown.reason_of(run) or "it cannot be reached now; try again later"
    return why if run.id in why else f"{run.id} may be running: {why}"
