"""What processes started by another one have in common: they end with it, and leave its signals to it."""

import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import parent_process, resource_tracker


def end_with_parent() -> None:
    """Let this process leave at once when its parent is gone, even from a wait without end."""
    parent = parent_process()
    if parent is not None:

        def wait() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=wait, daemon=True).start()


@contextmanager
def deaf_to(signals: Iterable[signal.Signals]) -> Iterator[None]:
    """Start processes that these signals do not reach, from their first moment on; here they wait."""
    # A blocked signal stays blocked in the process that is started. Python's resource tracker, which
    # starts with the first such process, would unblock it again: it is started before.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
