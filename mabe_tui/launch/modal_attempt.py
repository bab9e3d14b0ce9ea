"""One attempt of a run inside a container: run the job as a child process and forward its output.

Every line that the job prints is written to the attempt's log on the volume and to the container's
output. An event that promises something about the disk is held back until the volume has been committed.
A slow or failed commit delays only those events: others overtake them, so the order of a stream may
differ from the order of the events' numbers.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from io import FileIO
from types import FrameType

from modal.exception import InputCancellation

from core.run.events import (
    ENDINGS,
    AnyEvent,
    CheckpointSaved,
    Failed,
    Finished,
    Preempted,
    Stopped,
    decode,
)
from core.run.rundir import RunDir
from core.system.files import append_all
from mabe_tui.launch.modal_claims import OutdatedError
from mabe_tui.launch.modal_commits import Commit, Committer, reason_of

COMMITTED = (CheckpointSaved, Preempted, Stopped, Finished, Failed)
"""Events that are forwarded only once the volume holds what they announce."""
WAYS_TO_END = (0, 1)
"""Exit codes of a job that has emitted its final event; any other code means a crash."""
HOLD_SECONDS = 5.0
"""How long later lines wait behind a held event, so that the order is kept in the normal case."""
CLAIM_SECONDS = 30.0
"""How long to wait, before starting the job, for the claim of its attempt to be committed."""
LAST_COMMIT_SECONDS = 180.0
"""Time allowed for the last commit after the job has ended; all of it is billed."""
SECONDS_AFTER = {signal.SIGINT: 25.0, signal.SIGUSR1: 45.0}
"""How long the container may continue after a signal: Modal kills a preempted one after 30 s, and
``mabe stop`` waits 60 s by default."""
SLICE_SECONDS = 0.1
LINGER_SECONDS = 1.0
"""How long the output of an ended job must be silent before it is abandoned: another process may hold it."""
PIPE_BYTES = 1 << 20
"""Maximum capacity of a pipe."""


class Attempt:
    """The child process, with its output, the volume, and the signals meant for it."""

    def __init__(
        self,
        run: RunDir,
        name: str,
        commit: Commit,
        *,
        environment: Mapping[str, str] | None = None,
        seconds: float | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        """Prepare an attempt without starting it.

        Args:
            run: the run's folder on the volume.
            name: the attempt, whose folder exists.
            commit: commits the volume once; raises if that fails.
            environment: environment variables for the job, in addition to those of this process.
            seconds: time after which Modal ends this container; ``None`` if unknown.
            command: the job; ``None`` means ``python -m core.job`` with the run and the attempt.
        """
        self._run, self._name = run, name
        self._environment = os.environ | {"PYTHONUNBUFFERED": "1"} | dict(environment or {})
        job = [sys.executable, "-m", "core.job", str(run.path), "--attempt", name]
        self._command = list(command) if command is not None else job
        self._ends_at = None if seconds is None else time.monotonic() + seconds
        self._committer = Committer(commit, self._release, self._report_failure)
        self._child: subprocess.Popen[bytes] | None = None
        self._signals: dict[signal.Signals, float] = {}
        """Time at which each signal first arrived."""
        self._early: list[int] = []
        self._last: AnyEvent | None = None
        self._lock = threading.Lock()
        """Protects the output and the held lines: two threads forward."""
        self._log: FileIO | None = None
        self._held: deque[tuple[int, AnyEvent, bytes]] = deque()
        self._unsaved = 0
        """Bytes written to the log since the last commit request."""
        self._problem = ""
        self._is_outdated = False

    def see_through(self) -> str:
        """Run the job to its end; return the kind of its last event, or "" if it emitted none.

        Raises:
            KeyboardInterrupt: the container was preempted; Modal restarts the input elsewhere.
            InputCancellation: the call was cancelled, and the job has stopped with a checkpoint.
            RuntimeError: the job died without a final event; Modal may retry.
        """
        before = {number: signal.signal(number, self._pass_on) for number in SECONDS_AFTER}
        try:
            with self._run.log_path(self._name).open("ab", buffering=0) as log, self._committer:
                self._log = log
                code = self._run_child()
                self._commit_the_end()
        finally:
            self._log = None
            for number, handler in before.items():
                signal.signal(number, handler)
        return self._outcome(code)

    # ── the child ─────────────────────────────────────────────────────────────────────────────

    def _run_child(self) -> int:
        # Readers of the stream learn from this line which attempt this container's output belongs to.
        container = os.environ.get("MODAL_TASK_ID", "")
        self._say(f"attempt {self._name} in container {container}")
        self._secure_claim()
        if self._is_outdated:
            return 0
        with self._start() as child:
            self._child = child
            for number in self._early:  # signals that arrived before the job existed
                child.send_signal(number)
            for line in _lines_of(child):
                self._forward(line)
            return child.wait()

    def _secure_claim(self) -> None:
        """Commit the attempt's folder before the job emits anything.

        A replacement container must find this attempt on the volume. Otherwise it would claim the same name,
        and two jobs would emit events with the same numbers. If a newer attempt already exists there, the job
        is not started.
        """
        ticket = self._request()
        deadline = time.monotonic() + CLAIM_SECONDS
        while not self._committer.wait_for_success(ticket, SLICE_SECONDS):
            if self._is_outdated:
                return
            if self._signals or time.monotonic() > deadline:
                self._say("the job starts although its attempt is not on the volume yet")
                return

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment,
        )

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        self._signals.setdefault(signal.Signals(number), time.monotonic())
        if self._child is not None:
            self._child.send_signal(number)
        else:
            self._early.append(number)

    # ── its output ────────────────────────────────────────────────────────────────────────────

    def _forward(self, line: bytes) -> None:
        event = decode(line)
        self._last = event or self._last
        if not isinstance(event, COMMITTED):
            with self._lock:
                self._write_log(line)
                self._print(line)
            return
        with self._lock:
            self._write_log(line)
            ticket, is_first = self._request(), not self._held
            self._held.append((ticket, event, line))
        if is_first:  # otherwise the order has already changed
            self._committer.wait_for_try(ticket, HOLD_SECONDS)

    def _say(self, words: str) -> None:
        """Write a message as a plain line: only the job numbers events."""
        line = f"mabe: {words}\n".encode()
        with self._lock:
            self._write_log(line)
            self._print(line)

    def _write_log(self, line: bytes) -> None:
        self._unsaved += len(line)
        try:
            if self._log is not None:
                append_all(self._log, line)
        except (OSError, ValueError) as error:  # the volume is full: the stream still has the line
            self._log = None
            self._print(f"mabe: the log on the volume ends here ({reason_of(error)})\n".encode())

    @staticmethod
    def _print(line: bytes) -> None:
        # Nothing reads the output, or there is none: the volume has the line.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()

    # ── commits ───────────────────────────────────────────────────────────────────────────────

    def _request(self) -> int:
        self._unsaved = 0
        return self._committer.request()

    def _release(self, ticket: int) -> None:
        """Forward the events that a commit covers."""
        if self._problem:
            self._problem = ""
            self._say("the volume is committed again")
        with self._lock:
            while self._held and self._held[0][0] <= ticket:
                self._print(self._held.popleft()[2])

    def _report_failure(self, error: BaseException) -> None:
        """Report why a commit failed, unless the reason is the same as last time."""
        self._is_outdated |= isinstance(error, OutdatedError)
        problem = reason_of(error)
        if problem != self._problem:
            self._problem = problem
            further = "" if self._is_outdated else "; the job goes on, trying again"
            self._say(f"the volume could not be committed ({problem}){further}")

    def _commit_the_end(self) -> None:
        """Commit the job's files within the time available; then forward its final event in any case."""
        if self._unsaved or self._held:
            self._committer.hurry()
            ticket = self._request()
            left = self._seconds_left()
            seconds = left if self._held else min(left, HOLD_SECONDS)
            if self._wait_for_commit(ticket, seconds):
                return
        with self._lock:
            missing = [event for _, event, _ in self._held if isinstance(event, CheckpointSaved)]
            ending = self._held[-1] if self._held else None
            self._held.clear()
        if ending is None:
            return
        files = f", {', '.join(event.file for event in missing)} among it" if missing else ""
        why = "no commit succeeded before the container had to end"
        if self._is_outdated:
            why = "a newer attempt of the run owns its folder"
        self._say(
            f"the volume may lack what the job wrote last{files}: {why}; how the job ended is told by"
            " the container alone"
        )
        if isinstance(ending[1], ENDINGS):
            with self._lock:
                self._print(ending[2])

    def _wait_for_commit(self, ticket: int, seconds: float) -> bool:
        """Wait until a commit succeeds or no longer can; return whether it did."""
        deadline = time.monotonic() + seconds
        while not self._committer.wait_for_success(ticket, SLICE_SECONDS):
            if self._is_outdated or time.monotonic() > deadline:
                return False
        return True

    def _seconds_left(self) -> float:
        now = time.monotonic()
        if self._is_outdated:
            return 0.0
        ends = [now + LAST_COMMIT_SECONDS]
        ends += [] if self._ends_at is None else [self._ends_at]
        ends += [at + SECONDS_AFTER[number] for number, at in self._signals.items()]
        return min(ends) - now

    def _outcome(self, code: int) -> str:
        last = self._last if isinstance(self._last, ENDINGS) else None
        if isinstance(last, Preempted):
            raise KeyboardInterrupt
        if isinstance(last, Stopped) and signal.SIGUSR1 in self._signals:
            raise InputCancellation("stopped with a checkpoint, as it was asked to")
        if last is None and code not in WAYS_TO_END:
            raise RuntimeError(f"the job of {self._run.id} died without a word (exit code {code})")
        return str(last.__struct_config__.tag) if last is not None else ""


def _lines_of(child: "subprocess.Popen[bytes]") -> Iterator[bytes]:
    """Yield the lines of a process until its output closes, or the process has ended and is silent.

    A process that it left behind may keep the other end of the pipe open for hours.
    """
    assert child.stdout is not None
    output, rest = child.stdout.fileno(), b""
    left = PIPE_BYTES
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while left > 0:
            has_ended = child.poll() is not None
            if selector.select(LINGER_SECONDS if has_ended else SLICE_SECONDS):
                if not (piece := os.read(output, PIPE_BYTES)):
                    break
                left -= len(piece) if has_ended else 0
                *whole, rest = (rest + piece).split(b"\n")
                yield from (line + b"\n" for line in whole)
            elif has_ended:
                break
    if rest:
        yield rest + b"\n"
