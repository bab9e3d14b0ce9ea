"""What processes started by another one have in common: they end with it, and leave its signals to it."""

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import parent_process, resource_tracker
from types import ModuleType


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


@contextmanager
def without_main() -> Iterator[None]:
    """Start processes that do not import this program's main module.

    A spawned process imports it first, under another name: in vain where it came from standard input, and
    for a second time the whole of a script without ``if __name__ == "__main__"``. Who starts only functions
    of modules that can be imported needs none of that.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
