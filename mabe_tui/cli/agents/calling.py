"""Run a command of ``mabe`` in this process, and return what it printed."""

import contextlib
import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import typer

from core.errors import UserError, first_line
from mabe_tui.cli.main import UsageError, app

_LOCK = threading.Lock()
"""Standard streams belong to the process: one command at a time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed."""

    output: str
    notes: str
    """Messages on standard error."""


class CommandError(UserError):
    """A command failed; the message is the one line that it would have printed."""


def call(words: Sequence[str], registry: str | None = None) -> Answer:
    """Run a command; other threads wait for it.

    Args:
        words: the command line, without ``mabe``.
        registry: the registry to use, as ``mabe --registry``.

    Raises:
        CommandError: it failed.
    """
    before = [] if registry is None else [f"--registry={registry}"]
    output, notes = _stream(), _stream()
    with _LOCK, contextlib.redirect_stdout(output), contextlib.redirect_stderr(notes):
        problem = _problem([*before, *words])
        said = _content(notes)
    if problem is not None:
        raise CommandError(problem or (said.splitlines() or ["it failed, and said nothing"])[-1])
    return Answer(_content(output), said)


def _problem(words: list[str]) -> str | None:
    """Run a command; return why it failed, empty if it has said that itself, or ``None``."""
    try:
        code = app(args=words, prog_name="mabe", standalone_mode=False)
    except UsageError as error:
        return first_line(Exception(error.format_message()))
    except typer.Abort:
        return "nothing was done"
    except UserError as error:
        return first_line(error)
    except SystemExit as exit_:
        code = exit_.code
    except Exception as error:  # an agent gets a sentence for any error, as a person does
        return f"unexpected {type(error).__name__}: {first_line(error)}"
    return "" if code else None


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="replace", write_through=True)


def _content(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode(errors="replace")
