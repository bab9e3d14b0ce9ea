"""One attempt of a run inside a container: the job as a child process, and what becomes of its words.

Every line that the job prints goes to the attempt's log on the volume and to the container's output. An
event after which somebody may rely on what is on disk is held until the volume has been committed; one
that takes long, or fails, holds up these events alone. The others pass, so that the order of a stream may
differ from the events' numbers.
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
"""Events that are forwarded once the volume holds what they speak of."""
WAYS_TO_END = (0, 1)
"""Exit codes of a job that has said what there is to say; it crashed with any other."""
HOLD_SECONDS = 5.0
"""How long what comes after a held event waits with it, so that the order is kept where all is well."""
CLAIM_SECONDS = 30.0
"""How long the job is not started while the claim of its attempt is not on the volume."""
LAST_COMMIT_SECONDS = 180.0
"""How long a job that has ended is waited for by its last commit, all of which is paid for."""
SECONDS_AFTER = {signal.SIGINT: 25.0, signal.SIGUSR1: 45.0}
"""How long the container may go on after a signal: Modal takes a preempted one away after 30 s, and
``mabe stop`` waits 60 s unless told otherwise."""
SLICE_SECONDS = 0.1
LINGER_SECONDS = 1.0
"""How long the output of a job that has ended is silent until it is left: another process may hold it."""
PIPE_BYTES = 1 << 20
"""The most that a pipe holds."""


class Attempt:
    """The child process, between its output, the volume, and the signals that are meant for it."""

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
        """Prepare an attempt; nothing is started.

        Args:
            run: its folder on the volume.
            name: the attempt, whose folder is there.
            commit: commits the volume once, and raises where that fails.
            environment: variables for the job, beside those of this process.
            seconds: after which Modal ends this container; ``None``: not known.
            command: the job; ``None``: ``python -m core.job`` with the run and the attempt.
        """
        self._run, self._name = run, name
        self._environment = os.environ | {"PYTHONUNBUFFERED": "1"} | dict(environment or {})
        job = [sys.executable, "-m", "core.job", str(run.path), "--attempt", name]
        self._command = list(command) if command is not None else job
        self._ends_at = None if seconds is None else time.monotonic() + seconds
        self._committer = Committer(commit, self._release, self._complain)
        self._child: subprocess.Popen[bytes] | None = None
        self._signals: dict[signal.Signals, float] = {}
        """When each came first."""
        self._early: list[int] = []
        self._last: AnyEvent | None = None
        self._lock = threading.Lock()
        """Of the output, and of what is held; two threads forward."""
        self._log: FileIO | None = None
        self._held: deque[tuple[int, AnyEvent, bytes]] = deque()
        self._unsaved = 0
        """Bytes that the log has got since a commit was asked for."""
        self._problem = ""
        self._is_outdated = False

    def see_through(self) -> str:
        """Run the job to its end; return the kind of its last event, empty where it had none.

        Raises:
            KeyboardInterrupt: it was preempted; Modal starts the input again elsewhere.
            InputCancellation: it was cancelled, and has stopped with a checkpoint.
            RuntimeError: it died without a word; Modal may try again.
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
        # Whoever reads the stream learns from it which attempt this container's lines belong to.
        container = os.environ.get("MODAL_TASK_ID", "")
        self._say(f"attempt {self._name} in container {container}")
        self._secure_claim()
        if self._is_outdated:
            return 0
        with self._start() as child:
            self._child = child
            for number in self._early:  # those that came before there was anybody to tell
                child.send_signal(number)
            for line in _lines_of(child):
                self._forward(line)
            return child.wait()

    def _secure_claim(self) -> None:
        """Commit the attempt's folder before the job speaks.

        A container that takes this one's place finds its attempts on the volume. If it did not find this
        one, it would take the same name, and two jobs would number their events alike. Where a newer attempt
        is there already, no job is started.
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

    # ── its words ─────────────────────────────────────────────────────────────────────────────

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
        if is_first:  # else the order is another already
            self._committer.wait_for_try(ticket, HOLD_SECONDS)

    def _say(self, words: str) -> None:
        """Say something as a plain line: only the job numbers events."""
        line = f"mabe: {words}\n".encode()
        with self._lock:
            self._write_log(line)
            self._print(line)

    def _write_log(self, line: bytes) -> None:
        self._unsaved += len(line)
        try:
            if self._log is not None:
                append_all(self._log, line)
        except (OSError, ValueError) as error:  # a full volume: the stream has it still
            self._log = None
            self._print(f"mabe: the log on the volume ends here ({reason_of(error)})\n".encode())

    @staticmethod
    def _print(line: bytes) -> None:
        # Nobody reads, or there is no output at all: the volume has it.
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

    def _complain(self, error: BaseException) -> None:
        """Say why a commit failed, where that was not the reason last time."""
        self._is_outdated |= isinstance(error, OutdatedError)
        problem = reason_of(error)
        if problem != self._problem:
            self._problem = problem
            further = "" if self._is_outdated else "; the job goes on, trying again"
            self._say(f"the volume could not be committed ({problem}){further}")

    def _commit_the_end(self) -> None:
        """Commit what the job left, within the time there is; then forward its ending anyhow."""
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
        """Wait until a commit has succeeded, or cannot any more; return whether it has."""
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
    """Yield the lines of a process until its output ends, or the process itself has and is silent.

    A process that it left behind may hold the other end of the pipe for hours.
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
