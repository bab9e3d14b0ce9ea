"""What a launcher does: starts runs somewhere, says how they are, and reaches into them.

A front end knows this Protocol and no launcher. A launcher is found by its file's name:
``launcher_named("local")`` takes ``local_launcher.py`` beside this file and calls its ``create()``, so
that a third one is one new file and no other change.
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
from core.run.rundir import Handle, RunDir, RunRequest
from mabe_tui.launch import unknown


class UnreachableError(RunError):
    """Where the run is cannot be asked now; another time it may be."""


class RunState(enum.StrEnum):
    """How a run is, as far as can be told now."""

    QUEUED = "queued"
    """Asked for; its first event is still to come."""
    RUNNING = "running"
    STOPPING = "stopping"
    """Asked to stop, and not at its end yet."""
    STOPPED = "stopped"
    PREEMPTED = "preempted"
    """The machine was taken away; it can go on from its last checkpoint."""
    FINISHED = "finished"
    FAILED = "failed"
    LOST = "lost"
    """Died without a word."""
    UNKNOWN = "unknown"
    """Cannot be reached now."""

    @property
    def is_alive(self) -> bool:
        """Return whether a job of the run exists, or may come to exist without being asked again."""
        return self in (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)

    @property
    def may_speak(self) -> bool:
        """Return whether something may still come from the run: also while it cannot be reached."""
        return self.is_alive or self is RunState.UNKNOWN


class StopOutcome(enum.Enum):
    """How a run came to its end when it was asked to; ``runs/endings.py`` says it in words."""

    CLEAN = "clean"
    """By its own last word."""
    KILLED = "killed"
    """It did not stop in time."""
    BEFORE_START = "before start"
    """Its newest attempt had not said a word."""
    FINISHED = "finished"
    """It was done before it could be stopped."""
    ENDED = "ended"
    """It had ended already."""
    ENDED_EARLIER = "ended earlier"
    """It had ended, but a call of an earlier start went on; that was stopped."""
    ASKED = "asked"
    """It was asked to; whether it has ended cannot be told now."""


class LogLine(msgspec.Struct, frozen=True):
    """One line that a run printed, or one of its events."""

    attempt: str
    raw: bytes
    """Without the line end."""
    cursor: str
    """Opaque: hand it back to go on after this line."""


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would be given, and what that costs."""

    launcher: str
    machine: str
    """For a person: processor, cores, memory."""
    usd_per_hour: float | None = None
    """With the most expensive GPU that it may get; ``None`` where nobody charges for it or the price is not
    known."""
    timeout_seconds: float | None = None
    """Longest time one attempt may take; ``None``: no limit."""
    command: tuple[str, ...] = ()
    """What would be started."""
    warnings: tuple[str, ...] = ()
    """What may turn out to be a mistake, a sentence each."""


class ForeignJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job that a launcher can see and that belongs to no run known here."""

    launcher: str
    reference: str
    description: str
    started: float
    """Seconds since the epoch."""
    cost_usd: float | None = None
    """Billed so far; ``None``: not known, or nothing yet."""


class Connection(msgspec.Struct, frozen=True):
    """How the connection to where a run is stands, while it is followed."""

    problem: str = ""
    """Why there is none now; empty: there is one."""
    retry_at: float | None = None
    """When it is tried again, on the clock of :func:`time.monotonic`; ``None``: it is given up."""
    notice: str = ""
    """Something else to know that came up on the way; with it, ``problem`` is empty."""


CONNECTED = Connection()
Tell = Callable[[Connection], None]
"""Is told when a connection is lost, before each new try, and when it is back; in any thread."""


def ignore(_: Connection) -> None:
    """Tell nobody."""


Say = Callable[[str], None]
"""Is given what there is to say while runs are started, a line at a time; in any thread."""


def say_nothing(_: str) -> None:
    """Say nothing."""


class Launcher(Protocol):
    """A place where runs are executed.

    Methods take the run's folder rather than its bare handle: a state is derived from the handle *and*
    the events, and both are in there. ``run.toml`` must have been written before ``launch``.
    """

    name: str

    def prepare(self, request: RunRequest) -> RunRequest:
        """Return the request with the limits that this launcher's machines and prices impose.

        Raises:
            ConfigError: what is asked cannot be had here; says why.
        """
        ...

    def quote(self, request: RunRequest) -> Quote:
        """Say what the run would be given and cost; starts nothing and touches nothing.

        Raises:
            UserError: it cannot run here; says why.
        """
        ...

    def require_ready(self, request: RunRequest) -> None:
        """Make sure that the run could be started now: once, before many are.

        Raises:
            UserError: the launcher cannot be asked, or the run's data are not there; says what to do.
        """
        ...

    def launch(self, run: RunDir) -> Handle:
        """Claim an attempt and start it; ``handle.toml`` is written before this returns.

        Raises:
            RunError: the job cannot be started.
        """
        ...

    def launch_all(
        self, runs: Sequence[RunDir], parallel: int | None = None, say: Say = say_nothing
    ) -> None:
        """Launch runs that ask for the same machine; it needs nobody to stay.

        Args:
            runs: each is queued until there is a place for it.
            parallel: how many may run at a time, the others waiting in order; ``None``: as many as this
                launcher has machines for.
            say: is told what takes long.

        Raises:
            RunError: one cannot be started; those that were have their ``handle.toml``.
        """
        ...

    def state(self, run: RunDir) -> RunState:
        """Say how the run's newest attempt is. Never raises for a damaged folder."""
        ...

    def lines(self, run: RunDir, after: str | None = None) -> Iterator[LogLine]:
        """Return the lines there are now, all attempts in order, from the one after a cursor on."""
        ...

    def following(self, run: RunDir, tell: Tell = ignore) -> AbstractContextManager[object]:
        """Keep the run's folder here up to date while the context is open.

        Args:
            run: whose folder.
            tell: is told what becomes of the connection.
        """
        ...

    def sync(self, run: RunDir, quick: bool = False, say: Say = say_nothing) -> None:
        """Bring the run's folder here up to date once: every hole that can be filled is.

        Args:
            run: whose folder.
            quick: only what the run said lately: for a glance at many.
            say: is given what came up on the way; a glance says nothing.

        Raises:
            UserError: where the run is cannot be reached.
        """
        ...

    def stop(self, run: RunDir, grace: float) -> StopOutcome:
        """Ask the run to save a checkpoint and end; after ``grace`` seconds, kill it.

        Raises:
            RunError: it cannot be stopped now; says why.
        """
        ...

    def resume(self, run: RunDir, say: Say = say_nothing) -> Handle:
        """Start a new attempt, which goes on from the last checkpoint; ``say`` is told what takes long.

        Raises:
            RunError: the run is alive, or finished.
        """
        ...

    def fetch(self, run: RunDir, path: str, into: Path) -> Path:
        """Bring one file of the run, named relative to its folder, to ``into``.

        Raises:
            RunError: there is no such file in the run.
        """
        ...

    def list_foreign(self, known: Collection[Handle]) -> list[ForeignJob]:
        """Name the jobs that this launcher can see and that none of ``known`` refers to."""
        ...


def launcher_names() -> list[str]:
    """Name all launchers there are."""
    files = Path(__file__).parent.glob("*_launcher.py")
    return sorted(file.stem.removesuffix("_launcher") for file in files)


def launcher_named(name: str) -> Launcher:
    """Return the launcher of this name.

    Raises:
        MisuseError: there is none.
    """
    if name in launcher_names():
        module = importlib.import_module(f"mabe_tui.launch.{name}_launcher")
        launcher: Launcher = module.create()
        return launcher
    raise MisuseError(f"no launcher {name!r}{nearest(name, launcher_names())}")


def require_resumable(run: RunDir, state: RunState) -> None:
    """Refuse what no launcher resumes.

    Raises:
        RunError: the run is alive, or finished.
        UnreachableError: whether it is cannot be told now.
    """
    if state.is_alive:
        raise RunError(f"{run.id} is {state} already; `mabe logs -f {run.id}` follows it")
    if state is RunState.FINISHED:
        raise RunError(f"{run.id} is finished; to train longer, start a run with more epochs")
    if state is RunState.UNKNOWN:
        raise UnreachableError(f"{unknown_words(run)}; nothing was started")


def unknown_words(run: RunDir) -> str:
    """Say that a run may be running, why that is not known, and what to do."""
    why = unknown.reason_of(run) or "it cannot be reached now; try again later"
    return why if run.id in why else f"{run.id} may be running: {why}"
