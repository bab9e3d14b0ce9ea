"""Launcher for this computer: one process per run, in its own session, that outlives its parent."""

import contextlib
import os
import platform
import re
import shlex
import shutil
import signal
import site
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import psutil

import core
from core.errors import ConfigError, RunError, UserError
from core.run.events import RunStarted
from core.run.records import Handle
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.system.files import replace_atomically
from mabe_tui.launch import local_queue, process
from mabe_tui.launch.attempts import (
    attempt_ending,
    first_event,
    has_spoken,
    log_lines,
    newest_attempt,
    was_touched_lately,
)
from mabe_tui.launch.launcher import (
    ForeignJob,
    LogLine,
    Quote,
    RunState,
    Say,
    StopOutcome,
    Tell,
    ignore,
    require_resumable,
    say_nothing,
)
from mabe_tui.launch.process import ProcessReference

NAME = "local"
JOB_COMMAND: tuple[str, ...] = (sys.executable, "-m", "core.job")
LAUNCH_SECONDS = 30.0
"""Seconds after which an attempt claimed without a handle counts as lost. Starting takes milliseconds, unless
the launching process was killed in between."""
KILL_SECONDS = 10.0
SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|ACCESS_KEY|KAGGLE", re.IGNORECASE
)
"""Environment variables that a job does not need and must not be able to leak into its log."""


class LocalLauncher:
    """Starts ``python -m core.job RUN_DIR --attempt NAME`` and finds it by process id and start time."""

    name = NAME

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = tuple(command or JOB_COMMAND)
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        """Child processes, kept so that they are reaped while a long-lived front end watches them."""

    def prepare(self, request: RunRequest) -> RunRequest:
        """Return the request unchanged: this computer has no time-out and no price.

        Raises:
            ConfigError: a budget was set, but nothing is charged here.
        """
        if request.limits.cost_usd is not None:
            raise ConfigError("--budget: nothing is charged for on this computer; use --max-time")
        return request

    def quote(self, request: RunRequest) -> Quote:
        """Return a description of this computer; runs are free of charge."""
        memory = psutil.virtual_memory().total / 2**30
        return Quote(
            launcher=self.name,
            machine=f"this computer ({platform.system()}, {os.cpu_count()} cores, {memory:.0f} GiB),"
            f" device {request.experiment.hardware.device}",
            timeout_seconds=request.limits.attempt_seconds,
            command=(*self._command, request.run, "--attempt", "NAME"),
        )

    def require_ready(self, request: RunRequest) -> None:
        """Do nothing: no service has to be reached."""
        del request

    def launch(self, run: RunDir) -> Handle:
        """Start the run's next attempt; see :class:`~mabe_tui.launch.launcher.Launcher`."""
        return self._launch(run)

    def launch_all(
        self, runs: Sequence[RunDir], parallel: int | None = None, say: Say = say_nothing
    ) -> None:
        """Start all runs; each process waits for its own turn. By default one runs at a time."""
        del say
        ahead: list[ProcessReference] = []
        for run in runs:
            handle = self._launch(run, ahead, parallel or 1)
            if (reference := self._reference(run, handle.attempt)) is not None:
                ahead.append(reference)

    def _launch(
        self, run: RunDir, ahead: Sequence[ProcessReference] = (), places: int = 1
    ) -> Handle:
        run.read_request()
        attempt = run.claim_attempt()
        command = [*self._command, str(run.path), "--attempt", attempt]
        try:
            return self._started(run, attempt, local_queue.waiting(command, ahead, places))
        except UserError:
            # An attempt that never began would make an ended run look queued.
            shutil.rmtree(run.attempt_folder(attempt), ignore_errors=True)
            raise

    def _started(self, run: RunDir, attempt: str, command: Sequence[str]) -> Handle:
        child = self._start(run, attempt, command)
        self._children[child.pid] = child
        reference = process.reference_to(child.pid)
        handle = Handle(
            launcher=self.name,
            attempt=attempt,
            reference={"pid": child.pid, "create_time": reference.create_time if reference else 0},
        )
        try:
            run.write_handle(handle)
        except UserError:
            child.kill()  # without a handle the process could not be found again
            child.wait()
            raise
        return handle

    def state(self, run: RunDir) -> RunState:
        """Derive the state from the newest attempt's events and its process."""
        attempt = newest_attempt(run)
        if attempt is None:
            return (
                RunState.QUEUED if was_touched_lately(run.path, LAUNCH_SECONDS) else RunState.LOST
            )
        if (ended := attempt_ending(run, attempt)) is not None:
            return ended
        spoke = has_spoken(run, attempt)
        reference = self._reference(run, attempt)
        if reference is None:
            fresh = not spoke and was_touched_lately(run.attempt_folder(attempt), LAUNCH_SECONDS)
            return RunState.QUEUED if fresh else RunState.LOST
        if self._is_alive(reference):
            if run.stop_requested(attempt):
                return RunState.STOPPING
            return RunState.RUNNING if spoke else RunState.QUEUED
        # It may have emitted its final event after we read the file and before it ended.
        died = RunState.STOPPED if run.stop_requested(attempt) else RunState.LOST
        return attempt_ending(run, attempt) or died

    def lines(self, run: RunDir, after: str | None = None) -> Iterator[LogLine]:
        """Return the complete lines of all attempts' logs. A cursor has the form ``attempt:offset``."""
        yield from log_lines(run, after)

    def following(self, run: RunDir, tell: Tell = ignore) -> AbstractContextManager[object]:
        """Do nothing: the job writes the run's files here itself."""
        del run, tell
        return contextlib.nullcontext()

    def sync(self, run: RunDir, quick: bool = False, say: Say = say_nothing) -> None:
        """Do nothing: there is no remote copy."""
        del run, quick, say

    def stop(self, run: RunDir, grace: float = 60.0) -> StopOutcome:
        """Send SIGUSR1, wait, and kill the session if the job does not end."""
        state, attempt = self.state(run), newest_attempt(run)
        if not state.is_alive:
            return StopOutcome.ENDED
        reference = self._reference(run, attempt) if attempt else None
        if attempt is None or reference is None:
            raise RunError(f"{run.id} is being started right now; try again in a moment")
        run.request_stop(attempt)
        process.send(reference, signal.SIGUSR1)
        if not process.wait_until(lambda: not self._is_alive(reference), grace):
            process.kill_session(reference)
            if not process.wait_until(lambda: not self._is_alive(reference), KILL_SECONDS):
                raise RunError(
                    f"{run.id}: process {reference.pid} does not die; look at it with ps"
                )
        return _stop_outcome(run, attempt)

    def resume(self, run: RunDir, say: Say = say_nothing) -> Handle:
        """Start a new attempt of a run that ended without finishing."""
        del say
        require_resumable(run, self.state(run))
        attempt = newest_attempt(run)
        reference = self._reference(run, attempt) if attempt else None
        if reference is not None and not process.wait_until(
            lambda: not self._is_alive(reference), KILL_SECONDS
        ):
            raise RunError(f"{run.id} has said its last word but its process still runs; try again")
        return self.launch(run)

    def fetch(self, run: RunDir, path: str, into: Path) -> Path:
        """Copy one file of the run; ``into`` is a file name or an existing folder."""
        source = (run.path / path).resolve()
        if not source.is_relative_to(run.path.resolve()) or not source.is_file():
            raise RunError(f"{run.id} has no file {path!r}")
        target = into / source.name if into.is_dir() else into
        with source.open("rb") as original, replace_atomically(target) as copy:
            shutil.copyfileobj(original, copy)
        return target

    def list_foreign(self, known: Collection[Handle]) -> list[ForeignJob]:
        """Return the jobs on this computer that belong to none of ``known``."""
        ours = {handle.reference.get("pid") for handle in known if handle.launcher == self.name}
        return [
            ForeignJob(
                launcher=self.name,
                reference=f"pid {reference.pid}",
                description=shlex.join(arguments),
                started=reference.create_time,
            )
            for reference, arguments in process.jobs(self._command[-1])
            if reference.pid not in ours
        ]

    def _start(
        self, run: RunDir, attempt: str, command: Sequence[str]
    ) -> "subprocess.Popen[bytes]":
        try:
            with run.log_path(attempt).open("ab") as log:
                return subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=run.path,  # never the user's folder, whose files could shadow ours
                    env=job_environment(),
                    start_new_session=True,  # detached, so that closing our terminal cannot kill it
                )
        except OSError as error:
            reason = error.strerror or str(error)
            culprit = error.filename or command[0]
            raise RunError(f"{run.id} cannot be started: {culprit}: {reason}") from error

    def _is_alive(self, reference: ProcessReference) -> bool:
        child = self._children.get(reference.pid)
        if child is not None and child.poll() is not None:
            del self._children[reference.pid]
        return process.is_alive(reference)

    def _reference(self, run: RunDir, attempt: str) -> ProcessReference | None:
        """Return the attempt's process, from the handle or else from the attempt's first event."""
        handle = run.read_handle()
        if handle is not None and handle.attempt == attempt:
            pid, created = (handle.reference.get(key) for key in ("pid", "create_time"))
            if isinstance(pid, int) and isinstance(created, (int, float)):
                return ProcessReference(pid, float(created), marker=attempt)
        first = first_event(run, attempt)
        if isinstance(first, RunStarted):  # the launching process died before it wrote the handle
            return next((r for r, args in process.jobs(attempt) if r.pid == first.pid), None)
        return None


def create() -> LocalLauncher:
    """Create the launcher, for :func:`~mabe_tui.launch.launcher.launcher_named`."""
    return LocalLauncher()


def job_environment() -> dict[str, str]:
    """Return a job's environment: ours without secrets, with this code on ``PYTHONPATH``."""
    environment = {k: v for k, v in os.environ.items() if not SECRET_NAME.search(k)}
    root = Path(core.__file__).resolve().parents[1]
    if str(root) not in (*site.getsitepackages(), site.getusersitepackages()):
        paths = [str(root), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return environment | {"PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"}


def _stop_outcome(run: RunDir, attempt: str) -> StopOutcome:
    outcomes = {RunState.STOPPED: StopOutcome.CLEAN, RunState.FINISHED: StopOutcome.FINISHED}
    ended = attempt_ending(run, attempt)
    if ended is not None:
        return outcomes.get(ended, StopOutcome.ENDED)
    spoke = has_spoken(run, attempt)
    return StopOutcome.KILLED if spoke else StopOutcome.BEFORE_START
