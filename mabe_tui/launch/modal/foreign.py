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
from mabe_tui.launch.modal import client as modal_client
from mabe_tui.launch.modal import loop as modal_loop

RETENTION = dt.timedelta(days=34)
"""Modal gives what is at most 35 days old."""
TAIL = 20_000
"""The most lines of an app that Modal gives at once."""
PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before another try after a cut, the last one again and again."""
Show = Callable[[str], None]


def attach(reference: str, follow: bool, show: Show) -> None:
    """Show a log as it was printed; with ``follow``, until the app or the call is done.

    A stream that is opened anew starts from the beginning: what was shown is passed over.

    Args:
        reference: ``ap-…`` or ``fc-…``.
        follow: go on until it is done, whatever happens to the connection.
        show: is given one piece after another, line ends included.

    Raises:
        UserError: Modal cannot be asked, or does not know it.
    """
    read = _read_call if reference.startswith("fc-") else _read_app
    shown = failures = 0
    while True:
        position = 0

        def once(piece: str) -> None:
            nonlocal shown, position, failures
            position += 1
            if position > shown:
                shown, failures = position, 0
                show(piece)

        try:
            modal_client.require()
            read(reference, follow, once)
            return
        except Exception as error:
            if not (follow and modal_client.is_transient(error)):
                if isinstance(error, modal.exception.Error):
                    raise modal_client.in_words(error) from error
                raise
        time.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
        failures += 1


def _read_call(call_id: str, follow: bool, show: Show) -> None:
    async def work() -> None:
        logs = modal.FunctionCall.from_id(call_id).logs
        since = dt.datetime.now(dt.UTC) - RETENTION
        entries: AsyncIterator[modal.types.LogEntry] = (
            logs.stream.aio() if follow else logs.fetch.aio(since=since)
        )
        async for entry in entries:
            modal_loop.leave_if_cancelled()
            show(entry.message)

    modal_loop.run(work())


def _read_app(app_id: str, follow: bool, show: Show) -> None:
    """Let the ``modal`` command read it: the package has no handle for an app that has stopped."""
    how = ["--follow"] if follow else ["--tail", str(TAIL)]
    command = [sys.executable, "-m", "modal", "app", "logs", app_id, *how]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        for line in _lines(process):
            show(line)
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
