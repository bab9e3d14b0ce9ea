"""Notices about runs that have ended, been lost or fallen silent since the last look."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mabe_tui.runs.following.alerts import SEVERITY, Severity
from mabe_tui.runs.format.event_text import best_name, best_words, state_words
from mabe_tui.runs.format.units import duration
from mabe_tui.runs.listing.record import RunRecord


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to show once."""

    run: str
    text: str
    severity: Severity


class RunWatch:
    """Remembers the state of each run. The first look yields no notices."""

    def __init__(self) -> None:
        self._states: dict[str, str] | None = None
        self._silent: set[str] = set()

    def look(self, records: Iterable[RunRecord]) -> list[Notice]:
        """Return the notices since the last look."""
        records = list(records)
        before, self._states = self._states, {r.id: r.state.value for r in records}
        silent = {r.id for r in records if r.summary.stalled_seconds is not None}
        fell_silent, self._silent = silent - self._silent, silent
        if before is None:
            return []
        return [n for r in records for n in _news(r, before.get(r.id), r.id in fell_silent)]


def _news(record: RunRecord, before: str | None, fell_silent: bool) -> Iterator[Notice]:
    run = record.summary
    if before is not None and before != run.state.value and run.state in SEVERITY:
        best = f", best {best_name(run)} {best_words(run)}" if run.best_metric is not None else ""
        why = f": {run.problem}" if run.problem else best
        yield Notice(run.id, f"{run.id} {state_words(run)}{why}", SEVERITY[run.state])
    if fell_silent:
        silent = duration(run.stalled_seconds)
        yield Notice(run.id, f"{run.id} has said nothing for {silent}", "warning")
