"""``mabe examples RUN``: draw the validation examples that a run got most wrong."""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from mabe_tui.cli.listing.status import find_run
from mabe_tui.cli.options import RunName
from mabe_tui.cli.terminal.output import JsonOption, print_json, progress, say
from mabe_tui.cli.terminal.picture import plain_only

if TYPE_CHECKING:  # numpy and pyarrow, which `mabe examples --help` does not need
    from mabe_tui.plotting.grid import Row
    from mabe_tui.runs.examples.worst import WorstExample

LEAST_ROWS = 6


class ExamplesReport(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON of ``mabe examples RUN --json``."""

    run: str
    examples: "list[WorstExample]"
    """From the least to the greatest probability of the true label."""


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("examples")(examples)


def examples(
    context: typer.Context,
    run: RunName = "last",
    count: Annotated[int, typer.Option(min=1, max=100_000, help="How many to show.")] = 3,
    data: Annotated[Path | None, typer.Option(help="The data folder, if it has moved.")] = None,
    ascii_only: Annotated[bool, typer.Option("--ascii", help="Use plain characters only.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Draw the validation examples that a run got most wrong, with truth and probability.

    The run has to keep its predictions; with --json no image is read.
    """
    from mabe_tui.plotting.half_blocks import render_images
    from mabe_tui.runs.examples.worst import images_of, worst_examples

    entry = find_run(context, run)
    found = worst_examples(entry, count)
    if as_json:
        print_json(ExamplesReport(run=entry.id, examples=found))
        return
    with progress("images") as tell:
        pictures = images_of(entry, [each.unit for each in found], data, tell)
    say(f"{entry.id}: the {len(found)} worst of its validation examples")
    columns, lines = shutil.get_terminal_size()
    in_grey = sys.stdout.isatty()
    for example, images in zip(found, pictures, strict=True):
        print(words_of(example))
        height = max(LEAST_ROWS, min(lines - 4, 16))
        ascii_too = ascii_only or plain_only()
        _print(render_images(images, columns, height, ascii_only=ascii_too, grey=in_grey))


def words_of(example: "WorstExample") -> str:
    """Return an example's id, truth, prediction and probability of the truth in one line."""
    said = "right" if example.is_right else f"predicted {example.prediction}"
    of_truth = f"probability of {example.truth} {example.probability:.4f}"
    return f"{example.unit}  {example.truth}, {said}; {of_truth}"


def _print(rows: "tuple[Row, ...]") -> None:
    """Print rows; on a terminal, with the shades of their roles."""
    if not sys.stdout.isatty():
        print("\n".join(row.text.rstrip() for row in rows))
        return
    from rich.text import Text

    from mabe_tui.cli.terminal.streams import console

    terminal = console()
    for row in rows:
        pieces = ((row.text[s.start : s.stop], _style(s.role)) for s in row.segments)
        terminal.print(Text.assemble(*pieces), soft_wrap=True)


def _style(role: int) -> str:
    from mabe_tui.plotting.half_blocks import SHADES, shades_of

    if role < 0:
        return ""
    upper, lower = (round(shade * 255 / (SHADES - 1)) for shade in shades_of(role))
    return f"rgb({upper},{upper},{upper}) on rgb({lower},{lower},{lower})"
