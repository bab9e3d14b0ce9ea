"""Processes of this computer, told apart by more than their number.

Process numbers are given out again. A process is therefore named by its number *and* the time it was
made: a recycled number is another process. That time moves with the computer's clock when it is set,
so a word that only this process has among its arguments counts as well. A zombie has ended; only its
parent has not looked yet.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

import msgspec
import psutil

CREATE_TIME_TOLERANCE = 0.05
"""Seconds; the kernel counts in hundredths, and TOML keeps the number as it was read."""
POLL_SECONDS = 0.05


class ProcessReference(msgspec.Struct, frozen=True):
    """Which process: its number, and when it was made in seconds since the epoch."""

    pid: int
    create_time: float
    marker: str = ""
    """An argument that no other process has."""


def reference_to(pid: int) -> ProcessReference | None:
    """Name the process that has this number now, or ``None``."""
    try:
        return ProcessReference(pid, psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def find(reference: ProcessReference) -> psutil.Process | None:
    """Return the process while it lives; ``None`` once it has ended, also where its number lives on."""
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
    """Return whether the process still runs."""
    return find(reference) is not None


def send(reference: ProcessReference, number: signal.Signals) -> bool:
    """Send a signal; ``False`` where the process has ended."""
    process = find(reference)
    if process is None:
        return False
    try:
        process.send_signal(number)
    except psutil.Error:
        return False
    return True


def kill_session(reference: ProcessReference) -> None:
    """Kill a process that leads its own session, and all that it started."""
    process = find(reference)
    if process is None:
        return
    descendants = list(_descendants(process))
    with contextlib.suppress(OSError):
        os.killpg(reference.pid, signal.SIGKILL)  # it leads its group: the two numbers are one
    for other in (process, *descendants):
        with contextlib.suppress(psutil.Error):
            other.kill()


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition, at most so long; say whether it came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def jobs(marker: str) -> Iterator[tuple[ProcessReference, list[str]]]:
    """Find live processes with ``marker`` as one of their arguments, and give all their arguments."""
    for process in psutil.process_iter(["cmdline", "create_time", "status"]):
        arguments = process.info["cmdline"] or []
        if marker in arguments and process.info["status"] != psutil.STATUS_ZOMBIE:
            yield ProcessReference(process.pid, process.info["create_time"]), arguments


def _descendants(process: psutil.Process) -> Iterator[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        yield from process.children(recursive=True)
