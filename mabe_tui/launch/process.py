"""Processes of this computer, identified by more than their process id.

Process ids are reused, so a process is identified by its id *and* its creation time. That time shifts when
the computer's clock is set, so a unique command-line argument identifies the process as well. A zombie
counts as ended; its parent has merely not reaped it yet.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

import msgspec
import psutil

CREATE_TIME_TOLERANCE = 0.05
"""Tolerance in seconds; the kernel counts in hundredths, and TOML keeps the number exactly."""
POLL_SECONDS = 0.05


class ProcessReference(msgspec.Struct, frozen=True):
    """Identity of a process: its id, and its creation time in seconds since the epoch."""

    pid: int
    create_time: float
    marker: str = ""
    """A command-line argument that no other process has."""


def reference_to(pid: int) -> ProcessReference | None:
    """Return the process that has this id now; ``None`` if there is none."""
    try:
        return ProcessReference(pid, psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def find(reference: ProcessReference) -> psutil.Process | None:
    """Return the process while it is alive; ``None`` once it has ended, even if its id was reused."""
    try:
        process = psutil.Process(reference.pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return None
        same_time = abs(process.create_time() - reference.create_time) <= CREATE_TIME_TOLERANCE
        same = same_time or (reference.marker and reference.marker in process.cmdline())
    except psutil.Error:
        return None
    return process if same else None


def is_alive(reference: ProcessReference) -> bool:
    """Return whether the process is still running."""
    return find(reference) is not None


def send(reference: ProcessReference, number: signal.Signals) -> bool:
    """Send a signal; return ``False`` if the process has ended."""
    process = find(reference)
    if process is None:
        return False
    try:
        process.send_signal(number)
    except psutil.Error:
        return False
    return True


def kill_session(reference: ProcessReference) -> None:
    """Kill a session leader and everything it started."""
    process = find(reference)
    if process is None:
        return
    descendants = list(_descendants(process))
    with contextlib.suppress(OSError):
        os.killpg(
            reference.pid, signal.SIGKILL
        )  # it leads its process group: the group id is its process id
    for other in (process, *descendants):
        with contextlib.suppress(psutil.Error):
            other.kill()


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition for at most that long; return whether it became true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def jobs(marker: str) -> Iterator[tuple[ProcessReference, list[str]]]:
    """Return the arguments of all live processes that have ``marker`` among them."""
    for process in psutil.process_iter(["cmdline", "create_time", "status"]):
        arguments = process.info["cmdline"] or []
        if marker in arguments and process.info["status"] != psutil.STATUS_ZOMBIE:
            yield ProcessReference(process.pid, process.info["create_time"]), arguments


def _descendants(process: psutil.Process) -> Iterator[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        yield from process.children(recursive=True)
