"""Format a comparison as table rows for its screen."""

from collections.abc import Iterator, Sequence

from core.evaluation.paired import FEWEST_UNITS
from mabe_tui.plotting.legend import SAMPLES
from mabe_tui.runs.comparison.code import CodeChange
from mabe_tui.runs.comparison.compare import Comparison
from mabe_tui.runs.comparison.compare_tables import (
    Rows,
    epochs_of,
    figure,
    sections,
    title_of_labels,
)
from mabe_tui.runs.comparison.inspection import SideClasses
from mabe_tui.runs.comparison.judgement import Verdict
from mabe_tui.runs.comparison.sides import Side, mean_over_runs
from mabe_tui.runs.comparison.yardstick import Yardstick
from mabe_tui.runs.curves.overlay import style_of
from mabe_tui.runs.format.units import duration
from mabe_tui.runs.format.untrusted_text import clean
from mabe_tui.runs.videos.confused import Pair
from mabe_tui.tui.widgets.columns import Column, TableRow


def side_columns(by: Yardstick | None = None) -> tuple[Column, ...]:
    """Return the columns of the table of sides, with the metric and the units once they are known."""
    return (
        Column("line", ""),
        Column("side", "side", widest=34),
        Column("score", by.metric.name if by else "", "right"),
        Column("difference", "Δ", "right"),
        Column("interval", "95 %", "right", rank=1),
        Column("verdict", "verdict"),
        Column("videos", by.unit.many if by else "", "right", rank=4),
        Column("epoch", "epoch", "right", rank=5),
        Column("time", "time", "right", rank=2),
        Column("cost", "cost", "right", rank=3),
    )


def side_rows(
    names: Sequence[str], comparison: Comparison, lines: Sequence[int], ascii_only: bool
) -> list[TableRow]:
    """Return one row per side: its line style, its results and the verdict.

    Args:
        names: as typed by the user; used as the rows' keys.
        comparison: the comparison of these sides.
        lines: the line number of each side.
        ascii_only: use ASCII characters only.
    """
    verdicts = [None, *comparison.verdicts]
    verdicts += [None] * (len(names) - len(verdicts))
    return [
        _side_row(
            name, side, verdict, line, comparison.by, is_first=not place, ascii_only=ascii_only
        )
        for place, (name, side, verdict, line) in enumerate(
            zip(names, comparison.sides, verdicts, lines, strict=True)
        )
    ]


def _side_row(
    name: str,
    side: Side,
    verdict: Verdict | None,
    line: int,
    by: Yardstick,
    *,
    is_first: bool,
    ascii_only: bool,
) -> TableRow:
    metric = by.metric.name
    best = None if side.is_import else side.best_over_seeds.get(metric) or side.best.get(metric)
    cost = mean_over_runs(side, "cost_usd")
    word, colour = ("reference", "text-muted") if is_first else _word(verdict, by)
    cells = (
        "" if ascii_only else SAMPLES[style_of(line)],
        clean(side.name),
        clean(figure(best) if isinstance(best, float) else best),
        _signed(verdict.difference if verdict else None),
        _interval(verdict),
        clean(word),
        clean(verdict.videos if verdict else None),
        clean(epochs_of(side, best=True)),
        duration(mean_over_runs(side, "elapsed_seconds")),
        f"${cost:.2f}" if cost is not None else "–",
    )
    return TableRow(name, cells, (f"curve-{line}", "", "", colour, "", colour))


def _word(verdict: Verdict | None, by: Yardstick) -> tuple[str, str]:
    if verdict is None:
        return "…", "text-muted"
    if verdict.difference is None:
        return "no verdict", "warning"
    if (verdict.videos or 0) < FEWEST_UNITS:
        return f"few {by.unit.many}", "warning"
    if verdict.distinguishable is None:
        return "one seed", "warning"
    if not verdict.told_apart:
        return "undecided", "text-muted"
    return ("better", "success") if verdict.gain > 0 else ("worse", "error")


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.4f}".replace("-", "−")


def _interval(verdict: Verdict | None) -> str:
    if verdict is None or verdict.low is None:
        return "–"
    return f"{_signed(verdict.low)} … {_signed(verdict.high)}"


def setting_rows(comparison: Comparison) -> list[TableRow]:
    """Return the settings that differ between sides."""
    _, settings = sections(comparison)[0]
    return [_row("", cells) for cells in settings]


def figure_rows(comparison: Comparison) -> list[TableRow]:
    """Return all other measurements and costs, grouped under headings."""
    titles = (
        "at the best epoch",
        "at the last epoch",
        title_of_labels(comparison.by.task),
        "time and cost",
        "claimed by imported logs",
        "reported, not measured here",
    )
    found = []
    for title, (_, rows) in zip(titles, sections(comparison)[1:], strict=True):
        found += [*_headed(title, rows, len(comparison.sides))] if rows else []
    return found


def _headed(title: str, rows: Rows, sides: int) -> Iterator[TableRow]:
    yield TableRow(title, (title, *[""] * sides), ("primary",))
    for cells in rows:
        yield _row(title, [f"  {cells[0]}", *cells[1:]])


def _row(title: str, cells: Sequence[object]) -> TableRow:
    return TableRow(f"{title}/{cells[0]}", tuple(clean(cell) for cell in cells))


def code_text(comparison: Comparison, code: Sequence[CodeChange | None] | None) -> str:
    """Describe how the code of each side differs from the reference's."""
    if code is None:
        return "looking through the repository's commits …"
    first, *others = comparison.sides
    return "\n\n".join(
        "\n".join(_code_lines(clean(first.name), clean(side.name), change))
        for side, change in zip(others, code, strict=True)
    )


def _code_lines(first: str, second: str, change: CodeChange | None) -> Iterator[str]:
    if change is None:
        yield f"{second}: no record of the code that it or {first} was trained with"
    elif change.same:
        yield f"{second}: the same code as {first}, {change.first}"
    else:
        yield f"{second}: different code from {first}"
        yield f"  {first}: {change.first}"
        yield f"  {second}: {change.second}"
        yield from (f"  {file}" for file in change.files)
        if change.problem:
            yield f"  {change.problem}"


def confusion_choices(classes: SideClasses) -> dict[str, Pair]:
    """Return the confusions of a side, the most harmful first: words for a list → the pair."""
    widest = max(len(f"{one.truth} → {one.predicted}") for one in classes.confusions)
    return {
        f"{clean(f'{one.truth} → {one.predicted}'):<{widest}}  {one.frames:>9,} {classes.examples},"
        f" {one.of_truth:.0%} of {clean(one.truth)}": Pair(one.truth, one.predicted)
        for one in classes.confusions
    }


def runs_to_watch(sides: Sequence[Side], place: int) -> tuple[str | None, str | None]:
    """Return the newest run of a side, and that of the side it is held against."""
    against = 1 if place == 0 else 0
    run, beside = (sides[n].summary for n in (place, against))
    return (run.id if run else None), (beside.id if beside else None)
