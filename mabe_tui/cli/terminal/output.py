"""Print data to standard output and messages to standard error.

A table is drawn with rich on a terminal and as plain aligned columns elsewhere, so that nothing is
truncated in a pipe. Progress is a bar on a terminal and an occasional line elsewhere.
"""

import csv
import shutil
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import msgspec
import typer

from core.system.progress import Progress
from mabe_tui.cli.terminal.streams import OutputError, console
from mabe_tui.runs.format.untrusted_text import ascii_json, neutral, neutral_json
from mabe_tui.runs.format.untrusted_text import clean as clean

if TYPE_CHECKING:
    from rich.table import Table

JsonOption = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print as CSV.")]
SECONDS_BETWEEN_LINES = 5.0
NO_BREAK = "\u00a0"
"""A non-breaking space for :func:`wrapped`, which prints it as a plain space."""


def say(message: str) -> None:
    """Print a message on standard error, without control characters; words are not broken."""
    lines = [wrapped(line, "  ", sys.stderr) for line in neutral(message).split("\n")]
    print("\n".join(lines), file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """Print a value, structs included, as indented JSON on standard output."""
    try:
        encoded = msgspec.json.encode(value, enc_hook=str)
    except UnicodeEncodeError:  # a file name that is not UTF-8
        encoded = msgspec.json.encode(_encodable(msgspec.to_builtins(value, enc_hook=str)))
    print_json_text(msgspec.json.format(encoded, indent=2).decode())


def print_json_text(text: str) -> None:
    """Print JSON free of terminal sequences, as ASCII if standard output is not UTF-8 or similar."""
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    print(neutral_json(text) if is_unicode else ascii_json(text), flush=True)


def _encodable(value: Any) -> Any:
    """Return plain values with valid UTF-8 texts: other bytes, as in file names, are escaped in hex."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {_encodable(key): _encodable(inner) for key, inner in value.items()}
    return [_encodable(inner) for inner in value] if isinstance(value, list | tuple) else value


def print_csv(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under headers as CSV on standard output; ``None`` is an empty field."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(headers)
    writer.writerows(rows)


def print_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    right: Sequence[int] = (),
    title: str | None = None,
    parts: Sequence[object] = (),
) -> None:
    """Print rows under headers; ``None`` shows as ``–``.

    Args:
        headers: one per column.
        rows: cells of any type; shown as text with control characters removed.
        right: indices of the columns aligned to the right.
        title: shown above the table, on a terminal only.
        parts: of each row, the part that it belongs to: on a terminal, a line separates the parts.
    """
    cells = [[clean(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        console().print(rich_table(headers, cells, right=right, title=title, parts=parts))
        return
    widths = [
        max([len(header), *(len(row[i]) for row in cells)]) for i, header in enumerate(headers)
    ]
    for line in [list(headers), *cells]:
        aligned = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(aligned).rstrip())


def rich_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    right: Sequence[int] = (),
    title: str | None = None,
    parts: Sequence[object] = (),
) -> "Table":
    """Return the table that :func:`print_table` prints on a terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    named = Text(clean(title)) if title is not None else None
    table = Table(box=box.SIMPLE_HEAD, title=named, title_justify="left", pad_edge=False)
    for number, header in enumerate(headers):
        table.add_column(
            Text(clean(header)), justify="right" if number in right else "left", overflow="fold"
        )
    for number, row in enumerate(rows):
        last = bool(parts) and parts[number : number + 2] != [parts[number]] * 2
        table.add_row(*(Text(clean(cell)) for cell in row), end_section=last)
    return table


@contextmanager
def progress(label: str) -> Iterator[Progress]:
    """Show the progress of long work on standard error.

    Yields:
        A progress callback for (done, total, unit); ``total`` may grow. If it is 0, ``unit`` says
        what is being waited for.
    """
    if sys.stderr.isatty():
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[words]}", markup=False),
            TimeRemainingColumn(),
        )
        with RichProgress(*columns, console=console(to_stderr=True), transient=True) as bar:
            task = bar.add_task(label, total=None, words="")
            yield lambda done, total, unit: bar.update(
                task,
                completed=done,
                total=total or None,
                words=_how_far(done, total, unit),
            )
        return
    yield _plain_progress(label)


def _how_far(done: int, total: int, unit: str) -> str:
    if not total:
        return unit
    if unit == "bytes":
        return f"{done / 2**20:,.1f} of {total / 2**20:,.1f} MiB"
    return f"{done} of {total} {unit}".rstrip()


def _plain_progress(label: str) -> Progress:
    last, said = time.monotonic(), ""

    def tell(done: int, total: int, unit: str) -> None:
        nonlocal last, said
        now = time.monotonic()
        words = _how_far(done, total, unit)
        if (done == total and words != said) or now - last >= SECONDS_BETWEEN_LINES:
            last, said = now, words
            say(f"{label}: {words}")

    return tell


@contextmanager
def telling_of(job: str) -> Iterator[None]:
    """Continue if printing to standard output in the context fails, because the job has started.

    Args:
        job: what was started, printed on standard error instead.
    """
    try:
        yield
    except OutputError as error:
        say(f"{job} was started, and goes on; {error}")


@contextmanager
def if_interrupted(words: str = "the same command continues where it stopped") -> Iterator[None]:
    """On Ctrl-C, report what becomes of the interrupted work; the interruption is raised again."""
    try:
        yield
    except KeyboardInterrupt:
        say(words)
        raise


def wrapped(text: str, indent: str = "", file: TextIO | None = None) -> str:
    """Wrap a line between words, never within one, to fit a terminal; a pipe gets the whole line.

    Args:
        text: one line; :data:`NO_BREAK` keeps two words of it together.
        indent: prefix of the lines after the first.
        file: the stream to print to; standard output by default.
    """
    if not (file or sys.stdout).isatty():
        return text.replace(NO_BREAK, " ")
    filled = textwrap.fill(
        text,
        shutil.get_terminal_size().columns,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )
    return filled.replace(NO_BREAK, " ")
