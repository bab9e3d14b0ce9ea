"""Image build output from Modal, and the reason for a failed build.

The client passes a build's log to its output manager. Our own manager receives the lines without enabling
the client's output, which writes to standard output and makes every detached launch wait for the app's
log. Neither the class nor the way to install it is a supported interface; with a client that lacks them,
no build output is shown.
"""

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import modal.exception

from core.errors import RunError
from mabe_tui.launch.launcher import Say
from mabe_tui.launch.line_buffer import LineBuffer

SHOWN_LINES = 5
"""Number of lines from the end of a failed build's log that its error includes."""
PATIENCE_SECONDS = 3.0
WAITING = "waiting for Modal, which builds the image where it is new: minutes the first time"
LEFT = (
    "the image was still being built; Modal is left to it, and nothing was started: the same command goes"
    " on from what is built by then"
)
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_installing = threading.Lock()


class BuildLog:
    """Collects the log of image builds and forwards its lines."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._lines = LineBuffer()
        self.are_over = False
        """Whether the builds are done and the next phase has begun, where Ctrl-C has other effects."""
        self.last: deque[str] = deque(maxlen=SHOWN_LINES)
        """The last lines of the log."""

    @property
    def has_begun(self) -> bool:
        """Whether any build output has arrived."""
        return bool(self.last)

    def feed(self, piece: str) -> None:
        """Process part of a line, or several lines."""
        for line, _ in self._lines.feed(piece.replace("\r", "\n")):
            words = "".join(c for c in ESCAPES.sub("", line) if c.isprintable()).strip()
            if words:
                self.last.append(words)
                self.tell(f"image: {words}")

    def tell(self, words: str) -> None:
        """Forward a message; a failing callback must not interrupt the launch."""
        with suppress(OSError, ValueError):
            self._say(words)

    def failure(self, error: modal.exception.ImageBuildError) -> RunError:
        """Return on one line why a build failed."""
        reason = " ".join(str(error).split())
        end = f"; its log ends: {' | '.join(self.last)}" if self.last else ""
        return RunError(f"Modal could not build the image, and nothing was started: {reason}{end}")


@contextmanager
def hearing_builds(say: Say) -> Iterator[BuildLog]:
    """Forward image build output while the context is open.

    Args:
        say: called with one line at a time, from any thread.

    Raises:
        RunError: a build failed; the message includes the end of its log.
        KeyboardInterrupt: Ctrl-C; if a build was in progress, ``say`` has been called with what happens
            to it.
    """
    log = BuildLog(say)
    patience = threading.Timer(PATIENCE_SECONDS, log.tell, [WAITING])
    patience.daemon = True
    patience.start()
    try:
        with _installing, _installed(log):
            yield log
    except modal.exception.ImageBuildError as error:
        raise log.failure(error) from error
    except KeyboardInterrupt:
        if log.has_begun and not log.are_over:
            log.tell(LEFT)
        raise
    finally:
        patience.cancel()


@contextmanager
def _installed(log: BuildLog) -> Iterator[None]:
    try:
        from modal._output.manager import DisabledOutputManager
        from modal.output import OutputManager

        before, install = OutputManager.get(), OutputManager._set
    except (ImportError, AttributeError):
        yield
        return
    install(_manager(DisabledOutputManager, log.feed))
    try:
        yield
    finally:
        install(before)


def _manager(base: type[Any], feed: Callable[[str], None]) -> Any:
    class Manager(base):  # type: ignore[misc] # the base is a class of whatever client is installed
        """The client's own manager without output, which forwards the logs of builds."""

        async def put_streaming_log(self, log: Any, prefix: str = "") -> None:
            del prefix
            feed(str(log.data))

    return Manager()
