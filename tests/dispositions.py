"""Reset signal dispositions to those of a terminal's first process."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

EXPECTED: dict[signal.Signals, object] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGPIPE: signal.SIG_IGN,  # as Python sets it; subprocess restores the default in children
    **dict.fromkeys(
        (
            signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2,
            signal.SIGCHLD, signal.SIGCONT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU,
        ),
        signal.SIG_DFL,
    ),
}  # fmt: skip


@contextmanager
def as_from_a_terminal() -> Iterator[None]:
    """Undo inherited dispositions, and those left by earlier tests, for this process and its children.

    A shell ignores SIGINT and SIGQUIT for background processes, ``nohup`` ignores SIGHUP, and a
    process may inherit any signal blocked. SIGALRM stays as it is: pytest-timeout uses it.
    """
    before = {number: signal.signal(number, handler) for number, handler in EXPECTED.items()}  # type: ignore[arg-type]  # a dict of handlers, which typeshed types one by one
    blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, EXPECTED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
