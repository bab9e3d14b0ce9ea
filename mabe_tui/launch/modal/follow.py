"""Keep the mirror of a Modal run up to date while it is being watched.

A thread reads the log of the run's function call from the beginning and records what is new. Whenever the
stream ends (a disconnect, a refusal by the server, a laptop that slept), it opens another one after a
pause that grows with every failure; since each stream starts from the beginning, nothing is missed. When
the call is over, the volume is the final authority.
"""

import asyncio
import contextlib
import datetime as dt
import os
import random
import threading
import time
import traceback

import modal

from core.errors import RunError, UserError
from core.run.rundir import RunDir
from mabe_tui.launch.attempts import attempt_ending, newest_attempt
from mabe_tui.launch.launcher import (
    CONNECTED,
    Connection,
    Say,
    Tell,
    UnreachableError,
    say_nothing,
)
from mabe_tui.launch.modal import apps as modal_apps
from mabe_tui.launch.modal import calls as modal_calls
from mabe_tui.launch.modal import client as modal_client
from mabe_tui.launch.modal import loop as modal_loop
from mabe_tui.launch.modal import volume as modal_volume
from mabe_tui.launch.modal.calls import CallOutcome
from mabe_tui.launch.modal.handle import Call, call_of
from mabe_tui.launch.modal.lookup import state_of_call
from mabe_tui.launch.modal.stream import StreamReader
from mabe_tui.launch.recorder import Recorder, writing

IDLE_SECONDS = 20.0
"""A running job emits something about once a second. After this long a silence the call may be over, though
its app continues with others, or the connection may be dead unnoticed: the stream is reopened."""
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 30.0
MOST_DOUBLINGS = 10
"""Maximum doublings of the first pause, which then exceeds the longest; a day offline means thousands."""
LOCK_SECONDS = 1.0
"""How often a second reader checks whether the first, which writes the mirror, has exited."""
SETTLE_SECONDS = 15.0
"""How long the end of a run may take: the last commit, and the files then fetched from the volume."""
LEAVE_SECONDS = 5.0
DEBUG = "MABE_DEBUG"
"""Set by --debug; enables tracebacks."""
POLL_SECONDS = 0.2
MOST_LOCK_SECONDS = 5.0
QUICK_SECONDS = 10.0
OVER_SECONDS = 3.0
"""How long a quick sync waits for the call to end after its run has emitted the final event."""
OVERLAP = dt.timedelta(minutes=2)
"""Clocks differ, and an entry may reach the log later than younger ones."""
QUICK_OVERLAP = dt.timedelta(seconds=20)
"""Overlap of a quick sync, which is repeated often; a follow or full sync fills any gap that it leaves."""


class Follower:
    """A thread that follows one run until it is done or the context is closed."""

    def __init__(self, run: RunDir, call_id: str, tell: Tell) -> None:
        """Prepare to follow ``run``; entering the context starts the thread.

        Args:
            run: the run whose mirror is written.
            call_id: the function call of the run's newest attempt, or of several in turn.
            tell: called when the connection is lost and when it is back.
        """
        self._run, self._call_id, self._tell = run, call_id, tell
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"follow {run.id}", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self.problem: UserError | None = None
        """Why following was given up; ``None`` if it was not."""

    def __enter__(self) -> "Follower":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if attempt_ending(self._run, newest_attempt(self._run) or "") is not None:
            self._thread.join(SETTLE_SECONDS)  # it is fetching the rest from the volume
        self._leave.set()
        if self._loop is not None and self._task is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(LEAVE_SECONDS)

    def _work(self) -> None:
        try:
            while not self._leave.is_set():
                with writing(self._run, LOCK_SECONDS) as recorder:
                    if recorder is None:
                        continue  # another process writes the mirror; take over when it exits
                    self._follow(recorder)
                    return
        except (
            Exception
        ) as error:  # an error of this computer or this code, which waiting would not fix
            self.problem = self._in_words(error)
            self._tell(Connection(str(self.problem)))
            if os.environ.get(DEBUG):
                traceback.print_exception(error)

    def _in_words(self, error: Exception) -> UserError:
        if isinstance(error, UserError):
            return error
        if isinstance(error, OSError):
            return modal_client.in_words(error)
        return RunError(
            f"an error of mabe itself ({type(error).__name__}: {error}, {modal_client.place_of(error)});"
            f" the run goes on, `mabe sync {self._run.id}` brings what it says, and --debug shows the"
            " traceback"
        )

    def _follow(self, recorder: Recorder) -> None:
        """Open one stream after another until the call is over."""
        while not self._leave.is_set():
            try:
                if self._read_stream(recorder):
                    modal_volume.sync_into(recorder, while_read=True)
                    modal_apps.stop_if_over(self._run, say=self._notice)
                    if not self._switched_to_newer_call():
                        return
            except Exception as error:
                if self._leave.is_set():
                    return  # the client's stream handles interruption badly
                if not modal_client.says_nothing_of_work(error):
                    raise
                self._pause(error)

    def _switched_to_newer_call(self) -> bool:
        """Switch to a newer call of the run, started by another computer, if there is one."""
        newest = call_of(self._run)
        if newest is None or newest.id == self._call_id:
            return False
        self._call_id = newest.id
        self._notice(f"{self._run.id}: a newer attempt of it was started elsewhere; following that")
        return True

    def _read_stream(self, recorder: Recorder) -> bool:
        """Read one stream until it ends; return whether the call is over.

        That is determined even if Modal refuses the log or no longer stores it: the volume has everything
        that matters, and others wait for the mirror.
        """
        try:
            if self._stream(recorder):
                self._wait_for_call()
        except Exception as error:
            call = call_of(self._run)
            if self._leave.is_set() or call is None or modal_client.is_transient(error):
                raise
            if modal_client.says_nothing_of_work(error) and self._is_over(call):
                return True
            raise
        return self._is_done()

    def _is_over(self, call: Call) -> bool:
        try:
            return state_of_call(self._run, call).outcome is not CallOutcome.RUNNING
        except UserError:
            return False

    def _notice(self, words: str) -> None:
        self._tell(Connection(notice=words))

    def _is_done(self) -> bool:
        return modal_calls.state(self._call_id).outcome is not CallOutcome.RUNNING

    def _wait_for_call(self) -> None:
        """Give the container time to exit after the run's final event."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline and not self._leave.wait(POLL_SECONDS):
            if self._is_done():
                return

    def _stream(self, recorder: Recorder) -> bool:
        """Read one stream until it ends; return whether the run has emitted its final event."""
        modal_client.require()
        reader = StreamReader(recorder)

        async def work() -> None:
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
            if self._leave.is_set():
                return
            call: modal.FunctionCall[str] = modal.FunctionCall.from_id(self._call_id)
            async for entry in call.logs.stream.aio(timeout=IDLE_SECONDS):
                self._reset_failures()
                reader.feed(entry)
                if reader.has_ended or self._leave.is_set():
                    return

        with contextlib.suppress(asyncio.CancelledError):
            modal_loop.run(work())
        recorder.flush()
        return reader.has_ended

    def _reset_failures(self) -> None:
        if self._failures > 1:
            self._tell(CONNECTED)
        self._failures = 0

    def _pause(self, error: Exception) -> None:
        modal_client.forget_probe()
        self._failures += 1
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures, MOST_DOUBLINGS))
        pause = random.uniform(longest / 2, longest)
        if self._failures > 1:  # a single disconnect is normal
            self._tell(Connection(modal_client.trouble(error), time.monotonic() + pause))
        self._leave.wait(pause)


def catch_up(
    run: RunDir,
    call_id: str,
    seconds: float = modal_client.ANSWER_SECONDS,
    say: Say = say_nothing,
) -> bool:
    """Record the log's current content, from its beginning, then that of the volume.

    Args:
        run: the run whose mirror is written.
        call_id: the call whose log is read.
        seconds: time limit for Modal's answer.
        say: called, once per process, with a message that the app of an ended run could not be stopped.

    Returns:
        Whether the mirror was updated; if another process writes it, that is left to the other process.

    Raises:
        UserError: Modal is unreachable or refuses.
    """
    with writing(run, MOST_LOCK_SECONDS) as recorder:
        if recorder is None:
            return False
        _read_log(recorder, run, call_id, seconds)
        modal_volume.sync_into(recorder)
    modal_apps.stop_if_over(run, say=say)
    return True


def hear_latest(run: RunDir, call_id: str) -> None:
    """Record the log's events since the last known one, and the volume's content after the final event.

    Plain lines are skipped: such a pass begins in the middle, where the first piece of a line may be missing.
    The lines of an ended attempt come from its own log.

    Raises:
        UserError: Modal is unreachable or refuses.
    """
    with writing(run) as recorder:
        if recorder is not None:
            last = max((event.time for event in run.events()), default=None)
            since = last - QUICK_OVERLAP if last is not None else run.read_request().created
            _read(StreamReader(recorder, events_only=True), call_id, since, QUICK_SECONDS)
            if attempt_ending(run, newest_attempt(run) or "") is not None:
                modal_volume.sync_into(recorder)
    modal_apps.stop_if_over(run, OVER_SECONDS)


def _read_log(recorder: Recorder, run: RunDir, call_id: str, seconds: float) -> None:
    since = run.read_request().created - OVERLAP
    try:
        _read(StreamReader(recorder), call_id, since, seconds)
    except UnreachableError:
        raise
    except RunError:
        return  # the log has expired or is too long to fetch; the volume has everything that matters


def _read(reader: StreamReader, call_id: str, since: dt.datetime, seconds: float) -> None:
    async def question() -> None:
        call: modal.FunctionCall[str] = modal.FunctionCall.from_id(call_id)
        async for entry in call.logs.fetch.aio(since=since):
            reader.feed(entry)

    modal_client.ask(question, seconds)
