"""Child processes that end with their parent and leave its signals to it."""

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import parent_process, resource_tracker
from types import ModuleType


def end_with_parent() -> None:
    """Exit as soon as the parent process is gone, even out of an endless wait."""
    parent = parent_process()
    if parent is not None:

        def wait() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=wait, daemon=True).start()


@contextmanager
def deaf_to(signals: Iterable[signal.Signals]) -> Iterator[None]:
    """Block signals in every process started inside the context; here they stay pending until its end."""
    # A child inherits the blocked signals. Python's resource tracker, which starts with the first child,
    # would unblock them again, so it is started beforehand.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def without_main() -> Iterator[None]:
    """Start processes that do not import this program's main module.

    A spawned process imports it first, under another name: that fails for a program read from standard
    input, and runs a script without ``if __name__ == "__main__"`` a second time. A caller that only starts
    functions of importable modules does not need it.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
