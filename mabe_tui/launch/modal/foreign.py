"""Logs of any Modal app or function call, including those that this program did not start."""

import datetime as dt
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator

import modal
import modal.exception

from core.errors import RunError
from mabe_tui.launch.launcher import CONNECTED, Connection, Tell, ignore
from mabe_tui.launch.modal import client as modal_client
from mabe_tui.launch.modal import loop as modal_loop
from mabe_tui.launch.modal.stream import container_of

RETENTION = dt.timedelta(days=34)
"""Modal serves entries of at most 35 days."""
TAIL = 20_000
"""Maximum number of lines of an app that Modal returns at once."""
PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each retry after a disconnect; the last value repeats."""
IDLE_SECONDS = 20.0
"""Seconds without output after which a stream is closed to check whether the work is over."""
REOPEN_SECONDS = 1.0
"""Seconds before reopening a stream that ended although the work continues."""
Show = Callable[[str, dt.datetime | None, str], None]
"""Called with a piece of the log (part of a line or several lines, including line ends), the time it was
printed, and the container output it came from; for an app's log, with the piece only."""


def attach(
    reference: str,
    follow: bool,
    show: Show,
    tell: Tell = ignore,
    is_over: Callable[[], bool] | None = None,
) -> None:
    """Show a log as it was printed; with ``follow``, until the app or call ends.

    A reopened stream starts from the beginning, and the client delivers some entries of a call twice after a
    disconnect; pieces that were already shown are skipped. They are identified by time, container, output and
    text, or, for an app, whose log holds lines only, by their position.

    Args:
        reference: ``ap-…`` or ``fc-…``.
        follow: continue until the work is over, whatever happens to the connection.
        show: called with one piece after another.
        tell: called when the connection is lost and when it is back.
        is_over: with ``follow``, decides whether the work is over; called whenever a stream ends, or a call's
            stream has been silent for :data:`IDLE_SECONDS`. A Modal error, including one that this function
            raises, is no answer, and the query is retried. ``None``: the end of the stream decides, and a
            refusal is raised.

    Raises:
        UserError: Modal is unreachable or does not know the reference.
    """
    _Attached(reference, follow, show, tell, is_over).read_to_the_end()


class _Attached:
    """The reader of one log, over a sequence of streams."""

    def __init__(
        self,
        reference: str,
        follow: bool,
        show: Show,
        tell: Tell,
        is_over: Callable[[], bool] | None,
    ) -> None:
        self._reference, self._follow, self._is_over = reference, follow, is_over
        self._show, self._tell = show, tell
        self._seen, self._failures = set[int](), 0

    def read_to_the_end(self) -> None:
        """Open one stream after another until the work is over."""
        while True:
            try:
                if self._read_on():
                    return
            except Exception as error:
                if not (self._follow and self._should_retry(error)):
                    if isinstance(error, modal.exception.Error):
                        raise modal_client.in_words(error) from error
                    raise
                self._pause(error)
            else:
                self._reset_failures()
                time.sleep(REOPEN_SECONDS)

    def _read_on(self) -> bool:
        """Read one stream until it ends; return whether the work is over.

        That is determined even if Modal refuses the log or no longer stores it.
        """
        try:
            modal_client.require()
            self._read_once()
        except Exception as error:
            if self._is_over is None or modal_client.is_transient(error):
                raise
            if self._should_retry(error) and self._is_over():
                return True
            raise
        return self._is_over is None or self._is_over()

    def _read_once(self) -> None:
        position = 0

        def show(piece: str, at: dt.datetime | None, origin: str) -> None:
            nonlocal position
            position += 1
            known_by = position if at is None else hash((at, origin, piece))
            if known_by not in self._seen:
                self._seen.add(known_by)
                self._reset_failures()
                self._show(piece, at, origin)

        if self._reference.startswith("fc-"):
            idle = None if self._is_over is None else IDLE_SECONDS
            _read_call(self._reference, self._follow, show, idle)
        else:
            _read_app(self._reference, self._follow, show)

    def _should_retry(self, error: Exception) -> bool:
        if self._is_over is None:
            return modal_client.is_transient(error)
        return modal_client.says_nothing_of_work(error)

    def _reset_failures(self) -> None:
        if self._failures > 1:
            self._tell(CONNECTED)
        self._failures = 0

    def _pause(self, error: Exception) -> None:
        problem = modal_client.trouble(error)
        modal_client.forget_probe()
        pause = PAUSES[min(self._failures, len(PAUSES) - 1)]
        self._failures += 1
        if self._failures > 1:  # a single disconnect is normal
            self._tell(Connection(problem, time.monotonic() + pause))
        time.sleep(pause)


def _read_call(call_id: str, follow: bool, show: Show, idle: float | None) -> None:
    async def work() -> None:
        logs = modal.FunctionCall.from_id(call_id).logs
        since = dt.datetime.now(dt.UTC) - RETENTION
        entries: AsyncIterator[modal.types.LogEntry] = (
            logs.stream.aio(timeout=idle) if follow else logs.fetch.aio(since=since)
        )
        async for entry in entries:
            modal_loop.leave_if_cancelled()
            show(entry.message, entry.timestamp, f"{container_of(entry)}/{entry.source}")

    modal_loop.run(work())


def _read_app(app_id: str, follow: bool, show: Show) -> None:
    """Read the log through the ``modal`` command: the package has no handle for a stopped app."""
    how = ["--follow"] if follow else ["--tail", str(TAIL)]
    command = [sys.executable, "-m", "modal", "app", "logs", app_id, *how]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        for line in _lines(process):
            show(line, None, "")
        said = process.stderr.read() if process.stderr is not None else ""
    if process.returncode:
        words = re.sub(r"[^\w\s.,:;'()/-]+", " ", said).split()
        if _was_cut(said):
            raise ConnectionError(" ".join(words))
        raise RunError(f"Modal: {app_id}: {' '.join(words)[:300] or 'no log'}")


def _was_cut(said: str) -> bool:
    if modal_client.RATE_LIMIT.search(said):
        return True
    return any(word in said.lower() for word in ("connect", "unavailable", "timed out", "reset"))


def _lines(process: "subprocess.Popen[str]") -> Iterator[str]:
    if process.stdout is not None:
        yield from process.stdout
