"""Significance of differences from a baseline, for tables that show many differences.

The rule is that of ``mabe compare``: a difference counts only if it exceeds chance over the validation
units (videos, say) and the seeds. An unknown difference is shown like one that is not significant.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from core.errors import ConfigError, DataError
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.comparison.version_tables import (
    Table,
    compare_tables_of_versions,
    informing_kin,
)
from mabe_tui.runs.comparison.yardstick import Yardstick
from mabe_tui.runs.listing.measured import Measured, delta
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.tasks import find_spec

NOT_TOLD_APART = (
    "~ not told apart: the difference is within the luck of data and seeds, or that is not known"
)


class Distinctions:
    """In-memory cache of answers for the baseline of one table.

    The drawing thread may call :meth:`known`. :meth:`find` reads evaluation tables, about two
    milliseconds per run the first time, so a screen should call it in another thread.

    Args:
        runs: the folder that holds the runs.
    """

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._baseline: Measured | None = None
        self._found: dict[str, tuple[Measured, bool | None]] = {}

    def known(self, name: str, baseline: Measured | None) -> bool | None:
        """Return whether a version or run differs significantly from a baseline.

        ``None`` if that has not been computed, or cannot be.
        """
        found = self._found.get(name)
        return found[1] if found is not None and baseline == self._baseline else None

    def find(
        self, ones: Iterable[Measured], baseline: Measured, records: Sequence[RunRecord]
    ) -> bool:
        """Compute the missing or outdated answers; return whether any answer is new.

        Args:
            ones: the versions or runs that are compared with the baseline.
            baseline: a version or a run.
            records: all runs: repetitions of a single run with other seeds show the spread over seeds.
        """
        known = self._found if baseline == self._baseline else {}
        new = [one for one in ones if one.name not in known or known[one.name][0] != one]
        repeats = repeats_of(records) if new else {}
        answers = {one.name: (one, self._is_told_apart(one, baseline, repeats)) for one in new}
        is_news = any(
            answer is not None and (name not in known or known[name][1] is not answer)
            for name, (_, answer) in answers.items()
        )
        self._baseline, self._found = baseline, {**known, **answers}
        return is_news

    def _is_told_apart(
        self, one: Measured, baseline: Measured, repeats: Mapping[str, tuple[str, ...]]
    ) -> bool | None:
        by = _yardstick(one, baseline)
        if by is None or not (one.finished and baseline.finished) or delta(one, baseline) is None:
            return None
        if set(one.runs) & set(baseline.runs):
            return None
        sides = [
            (self._tables(side.folds or side.runs), repeats.get(side.runs[0], ()))
            for side in (one, baseline)
        ]
        try:
            kin = [informing_kin(own, self._tables(repeat), by) for own, repeat in sides]
            return compare_tables_of_versions(sides[0][0], sides[1][0], by, kin).distinguishable
        except (
            DataError,
            ConfigError,
        ):  # a table or the statistic is gone, or the labels differ
            return None

    def _tables(self, runs: Iterable[str | tuple[str, ...]]) -> list[Table]:
        """Return the table of each run, or those of the runs of all folds together."""
        return [
            RunDir(self._runs / run).evaluation_table
            if isinstance(run, str)
            else tuple(RunDir(self._runs / each).evaluation_table for each in run)
            for run in runs
        ]


def _yardstick(one: Measured, baseline: Measured) -> Yardstick | None:
    """Return the metric that both are compared by; ``None`` if their task is not installed here."""
    task = find_spec(baseline.task)
    if task is None:
        return None
    leading = task.metric(one.metric or "") if one.metric == baseline.metric else None
    return Yardstick(task, leading or task.primary_metric)


def repeats_of(records: Iterable[RunRecord]) -> dict[str, tuple[str, ...]]:
    """Return, for each finished run, the finished runs that differ from it in the seed alone, one per seed.

    Args:
        records: newest first; the newest run of a seed counts.
    """
    groups: dict[tuple[str, str], dict[int | None, str]] = {}
    for record in records:
        if record.state is RunState.FINISHED and not record.summary.imported:
            groups.setdefault((record.alike, record.data), {}).setdefault(record.seed, record.id)
    return {run: tuple(group.values()) for group in groups.values() for run in group.values()}
