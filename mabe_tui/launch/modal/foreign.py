"""The log of any Modal app or function call, also of one that nothing here started."""

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
"""Modal gives what is at most 35 days old."""
TAIL = 20_000
"""The most lines of an app that Modal gives at once."""
PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before another try after a cut, the last one again and again."""
Show = Callable[[str, dt.datetime | None, str], None]
"""Is given a piece of the log (part of a line or several lines, line ends included), when it was printed,
and by which output of which container; an app's log tells no more than the piece."""


def attach(reference: str, follow: bool, show: Show, tell: Tell = ignore) -> None:
    """Show a log as it was printed; with ``follow``, until the app or the call is done.

    A stream that is opened anew starts from the beginning, and the client gives some entries twice where
    the last of a call is cut: what was shown is passed over. It is known by its time, container, output
    and text; of an app, which tells no more than lines, by its place.

    Args:
        reference: ``ap-…`` or ``fc-…``.
        follow: go on until it is done, whatever happens to the connection.
        show: is given one piece after another.
        tell: is told when the connection is lost, and when it is back.

    Raises:
        UserError: Modal cannot be asked, or does not know it.
    """
    read = _read_call if reference.startswith("fc-") else _read_app
    seen, failures = set[int](), 0
    while True:
        position = 0

        def once(piece: str, at: dt.datetime | None, origin: str) -> None:
            nonlocal position, failures
            position += 1
            known_by = position if at is None else hash((at, origin, piece))
            if known_by in seen:
                return
            seen.add(known_by)
            if failures > 1:
                tell(CONNECTED)
            failures = 0
            show(piece, at, origin)

        try:
            modal_client.require()
            read(reference, follow, once)
            return
        except Exception as error:
            if not (follow and modal_client.is_transient(error)):
                if isinstance(error, modal.exception.Error):
                    raise modal_client.in_words(error) from error
                raise
            problem = modal_client.trouble(error)
        modal_client.forget_probe()
        pause = PAUSES[min(failures, len(PAUSES) - 1)]
        failures += 1
        if failures > 1:  # one cut is nothing unusual
            tell(Connection(problem, time.monotonic() + pause))
        time.sleep(pause)


def _read_call(call_id: str, follow: bool, show: Show) -> None:
    async def work() -> None:
        logs = modal.FunctionCall.from_id(call_id).logs
        since = dt.datetime.now(dt.UTC) - RETENTION
        entries: AsyncIterator[modal.types.LogEntry] = (
            logs.stream.aio() if follow else logs.fetch.aio(since=since)
        )
        async for entry in entries:
            modal_loop.leave_if_cancelled()
            show(entry.message, entry.timestamp, f"{container_of(entry)}/{entry.source}")

    modal_loop.run(work())


def _read_app(app_id: str, follow: bool, show: Show) -> None:
    """Let the ``modal`` command read it: the package has no handle for an app that has stopped."""
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
    return any(word in said.lower() for word in ("connect", "unavailable", "timed out", "reset"))


def _lines(process: "subprocess.Popen[str]") -> Iterator[str]:
    if process.stdout is not None:
        yield from process.stdout
