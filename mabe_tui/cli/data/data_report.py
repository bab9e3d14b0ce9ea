"""Print the results of ``mabe data check``."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mabe_tui.cli.terminal.output import clean

if TYPE_CHECKING:
    from core.data.findings import Problem, Report

SINGULAR = {"entries": "entry", "classes": "class"}


def report_lines(report: "Report") -> Iterator[str]:
    """Print every problem with its places, then the contents of the folder."""
    for problem in report.problems:
        yield f"{problem.severity}: {_how_many(problem)}: {problem.meaning}"
        yield from (f"    {clean(place)}" for place in problem.places)
        if problem.more_places:
            plural = "s" if problem.more_places > 1 else ""
            yield f"    and {problem.more_places:,} more place{plural} (--all names every one)"
    if report.problems:
        yield "rows of files are counted from 0"
    guess = ", by fps × duration" if report.frames_estimated else ""
    yield (
        f"{report.videos:,} videos, {report.labelled:,} labelled, {report.usable:,} usable;"
        f" {report.bouts:,} bouts; {report.frames:,} labelled frames{guess}"
    )
    total = max(1, report.frames)
    shares = ", ".join(f"{name} {n / total:.2%}" for name, n in report.class_frames.items())
    if shares:
        yield f"classes: {shares}"


def _how_many(problem: "Problem") -> str:
    unit = problem.unit
    if problem.count == 1:
        unit = SINGULAR.get(unit, unit.removesuffix("s"))
    spread = f" in {problem.videos:,} videos" if problem.videos > 1 and unit != "videos" else ""
    return f"{problem.count:,} {unit}{spread}"
