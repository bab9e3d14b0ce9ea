"""Make the standard streams safe to use, even if they are closed, on a full disk, or not UTF-8.

Everything that a command prints passes through :class:`NeutralOutput`, so that no terminal sequence in an
untrusted log, note or file name reaches the terminal. Only rich, whose colours are such sequences, bypasses
it through :func:`console`; it only gets text that has been neutralised.
"""

import codecs
import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from core.errors import UserError
from mabe_tui.runs.format.untrusted_text import neutral

if TYPE_CHECKING:
    from rich.console import Console

REPLACING = "mabe.replace"
FIRST_BYTE, LAST_BYTE = 0xDC80, 0xDCFF
"""Surrogates by which Python represents bytes of file names that are not UTF-8."""


class OutputError(UserError):
    """Standard output cannot be written."""


class ReaderGoneError(OutputError):
    """The reader has closed the pipe, as in ``mabe runs | head``; this is not an error."""


def prepare() -> None:
    """Make the standard streams safe to use, whatever their state."""
    _open_closed()
    codecs.register_error(REPLACING, _replaced)
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None:  # Python's value for a closed stream, by now open on the null device
            stream = os.fdopen(number, "w", encoding="utf-8", closefd=False)
            setattr(sys, f"__{name}__", stream)
        if isinstance(stream, io.TextIOWrapper) and not isinstance(stream, NeutralOutput):
            stream.reconfigure(errors=REPLACING)
            setattr(sys, name, NeutralOutput(stream, reports_errors=name == "stdout"))
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)


def _open_closed() -> None:
    """Open the null device in place of closed standard streams.

    Otherwise the next file that is opened would become the standard output of every child.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)


def discard(*numbers: int) -> None:
    """Redirect unwritten output of standard streams to the null device: Python flushes them at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    for number in numbers:
        os.dup2(null, number)
    os.close(null)


def finish() -> None:
    """Flush the rest silently: an error has already been reported, and Python would print another."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, OutputError):
            with suppress(OSError, ValueError):
                discard(stream.fileno())


class NeutralOutput(io.TextIOWrapper):
    """A standard stream that removes untrusted terminal sequences, and reports or ignores its own errors.

    Args:
        stream: the original standard stream.
        reports_errors: raise errors, to be reported on standard error; otherwise ignore them.
    """

    def __init__(self, stream: io.TextIOWrapper, reports_errors: bool) -> None:
        super().__init__(
            cast(BinaryIO, stream.buffer),
            encoding=stream.encoding,
            errors=REPLACING,
            newline="",
            line_buffering=stream.line_buffering,
            write_through=True,
        )
        self._reports_errors = reports_errors
        self.plain = stream
        """The original stream, for drawing on a terminal."""

    def write(self, text: str, /) -> int:
        """Write a text after removing terminal sequences and control characters.

        Raises:
            ReaderGoneError: the reader has closed the pipe.
            OutputError: standard output cannot be written.
        """
        if text == "":  # typer tests whether a stream accepts text, and hides errors
            return 0
        try:
            super().write(neutral(text))
        except OSError as error:
            self._fail(error)
        return len(text)

    def flush(self) -> None:
        """Flush; raises the same errors as :meth:`write`."""
        try:
            super().flush()
        except OSError as error:
            self._fail(error)

    def write_bytes(self, content: bytes) -> None:
        """Write bytes unchanged; raises the same errors as :meth:`write`."""
        try:
            self.buffer.write(content)
            self.buffer.flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        discard(self.fileno())
        with suppress(OSError):
            super().flush()
        if isinstance(error, BrokenPipeError):
            raise ReaderGoneError("nobody reads standard output") from error
        if self._reports_errors:
            reason = error.strerror or error
            raise OutputError(f"standard output cannot be written ({reason})") from error


def pass_on(content: bytes) -> None:
    """Write bytes to standard output unchanged.

    Raises:
        ReaderGoneError: the reader has closed the pipe.
        OutputError: it cannot be written.
    """
    if isinstance(sys.stdout, NeutralOutput):
        sys.stdout.write_bytes(content)
    else:
        sys.stdout.buffer.write(content)


def to_terminal(sequence: str) -> None:
    """Write a terminal sequence of ours, such as the bell, to standard error if that is a terminal."""
    stream: Any = sys.stderr
    if sequence and stream.isatty():
        plain = stream.plain if isinstance(stream, NeutralOutput) else stream
        with suppress(OSError):
            plain.write(sequence)
            plain.flush()


def console(to_stderr: bool = False) -> "Console":
    """Return a rich console on a standard stream; text printed on it must already be neutralised."""
    from rich.console import Console

    stream: Any = sys.stderr if to_stderr else sys.stdout
    return Console(file=stream.plain if isinstance(stream, NeutralOutput) else stream)


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    """Write bytes of file names unchanged, except on a terminal, and ``?`` for unencodable characters.

    Raises:
        UnicodeError: the error is from decoding, not encoding.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    is_bytes = all(FIRST_BYTE <= ord(character) <= LAST_BYTE for character in text)
    if is_bytes and not any(os.isatty(number) for number in (1, 2)):
        return bytes(ord(character) - 0xDC00 for character in text), error.end
    return "?" * len(text), error.end
