"""Print what ``mabe data check`` found in a folder of pairs."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mabe_tui.cli.terminal.output import clean, progress

if TYPE_CHECKING:
    from core.tasks.pairs.data.check import PairsReport
    from core.tasks.pairs.settings import PairsExperiment


def check_pair_files(folder: Path, experiment: "PairsExperiment") -> "PairsReport":
    """Check the files of a folder as a version would read them."""
    from core.tasks.pairs.data.check import check_pairs

    with progress("checking") as tell:
        return check_pairs(folder, experiment.data.arrays, tell)


def pairs_lines(report: "PairsReport") -> Iterator[str]:
    """Return the problems, then the contents of the files."""
    yield from (f"error: {clean(line)}" for line in report.errors)
    yield from (f"warning: {clean(line)}" for line in report.warnings)
    for file in report.files:
        labels = (
            "no labels" if file.positive is None else f"{file.positive / file.pairs:.1%} positive"
        )
        yield (
            f"{file.name}.npz: {file.pairs:,} pairs of {file.height}×{file.width} {file.dtype} images,"
            f" {file.images:,} different; {labels}"
        )
