"""What a list of names says beside each: score, seed, state and time, of runs and of versions."""

from collections.abc import Iterable, Mapping, Sequence

from mabe_tui.runs.format.event_text import best_name
from mabe_tui.runs.format.units import duration
from mabe_tui.runs.listing.cells import shown_state, spell_measured
from mabe_tui.runs.listing.measured import measured_version
from mabe_tui.runs.listing.record import RunRecord


def run_brief(record: RunRecord) -> tuple[str, ...]:
    """Return score, seed, state and time of one run."""
    run = record.summary
    score = run.best_score if run.best_score is not None else run.best_metric
    return (
        f"{best_name(run)} {score:.4f}" if score is not None else "",
        f"seed {run.seed}" if run.seed is not None else "",
        shown_state(run),
        duration(run.elapsed_seconds) if run.elapsed_seconds is not None else "",
    )


def version_brief(version: str, records: Sequence[RunRecord]) -> tuple[str, ...]:
    """Return the score of a version over its seeds, and its number of runs."""
    own = sum(record.summary.version == version for record in records)
    measured = measured_version(version, records)
    score = spell_measured(measured, None) or ""
    return (score, "", f"{own} {'run' if own == 1 else 'runs'}", "")


def briefs(
    names: Iterable[str], records: Sequence[RunRecord], versions: Iterable[str] = ()
) -> dict[str, str]:
    """Return name → its brief, with the columns of all aligned; names that are neither have none.

    Args:
        names: of runs and versions.
        records: all runs, newest first.
        versions: names of versions.
    """
    runs, known = {record.id: record for record in records}, frozenset(versions)
    cells: dict[str, tuple[str, ...]] = {}
    for name in names:
        if name in runs:
            cells[name] = run_brief(runs[name])
        elif name in known:
            cells[name] = version_brief(name, records)
    return aligned(cells)


def aligned(cells: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the cells of each name on one line, in columns as wide as their widest cell."""
    columns = zip(*cells.values(), strict=True)
    widths = [max(map(len, column)) for column in columns]
    return {
        name: "  ".join(
            text.ljust(width) for text, width in zip(row, widths, strict=True) if width
        ).rstrip()
        for name, row in cells.items()
    }
