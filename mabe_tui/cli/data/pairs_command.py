"""``mabe data pairs``: make pairs of handwritten digits."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from core.config.section import LARGEST_SEED
from mabe_tui.cli.terminal.output import JsonOption, if_interrupted, print_json, say


def pairs(
    folder: Annotated[Path, typer.Argument(help="The folder to write to.")],
    relation: Annotated[
        Literal["same", "greater"],
        typer.Option(help="same: one digit twice; greater: the first digit is the greater."),
    ] = "same",
    count: Annotated[
        int,
        typer.Option(
            "--pairs", help="Pairs in train.npz and val.npz together.", min=40, max=20_000
        ),
    ] = 6000,
    seed: Annotated[
        int,
        typer.Option(
            help="Random seed; the same seed gives the same data.", min=0, max=LARGEST_SEED
        ),
    ] = 42,
    side: Annotated[int, typer.Option(help="Height and width of an image.", min=12, max=64)] = 28,
    as_json: JsonOption = False,
) -> None:
    """Make train.npz, val.npz and test_public.npz from scikit-learn's handwritten digits.

    The images are real, and none is in two of the files.
    """
    from core.tasks.pairs.data.digits import DigitSettings, write_digit_pairs

    with if_interrupted():
        written = write_digit_pairs(folder, DigitSettings(relation, count, seed, side))
    if as_json:
        print_json({"folder": str(folder), "relation": relation, "pairs": written})
        return
    counted = ", ".join(f"{name}.npz {pairs:,}" for name, pairs in written.items())
    say(f"{folder}: pairs of handwritten digits, relation {relation}: {counted}")
