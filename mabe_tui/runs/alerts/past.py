"""What rules would have done on the runs there are."""

from collections.abc import Iterator, Sequence

import msgspec

from core.errors import UserError
from core.run.rundir import RunDir
from core.system.progress import Progress
from mabe_tui.runs.alerts.message import AlertEvent
from mabe_tui.runs.alerts.moments import moments_of, now_of
from mabe_tui.runs.alerts.rules import AlertRule
from mabe_tui.runs.alerts.watcher import ParsedRule
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.reading.thin_history import thin_history
from mabe_tui.runs.store import RunEntry, RunStore


class PastAlerts(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule would have done."""

    rule: str
    when: str
    runs: int
    """Runs that it was checked against."""
    fired: tuple[AlertEvent, ...]
    """One for each run for which it would have fired, the oldest first."""


def replayed(
    store: RunStore, rules: Sequence[ParsedRule], records: Sequence[RunRecord], progress: Progress
) -> list[PastAlerts]:
    """Check rules against every epoch of past and present runs; nothing is delivered or noted.

    Imported logs are left out, since nobody watched them here.

    Args:
        store: the runs.
        rules: the rules.
        records: the runs' records.
        progress: called with (done, total, unit).
    """
    own = [record for record in records if not record.summary.imported and record.alike]
    found: list[list[AlertEvent]] = [[] for _ in rules]
    for done, record in enumerate(own):
        progress(done, len(own), "runs")
        for number, event in _of_run(store, rules, record):
            found[number].append(event)
    if own:
        progress(len(own), len(own), "runs")
    return [_past(each.rule, len(own), events) for each, events in zip(rules, found, strict=True)]


def _of_run(
    store: RunStore, rules: Sequence[ParsedRule], record: RunRecord
) -> Iterator[tuple[int, AlertEvent]]:
    try:
        entry = RunEntry(RunDir(store.folder / record.id))
        history = thin_history(entry.run)
        moments = [*moments_of(entry, record, history)]
    except UserError:  # it was removed meanwhile
        return
    last = record.summary.last_event
    if last is not None:
        moments.append(now_of(record, history, last))
    for number, each in enumerate(rules):
        if (event := each.event(moments)) is not None:
            yield number, event


def _past(rule: AlertRule, runs: int, events: list[AlertEvent]) -> PastAlerts:
    ordered = sorted(events, key=lambda event: event.time)
    return PastAlerts(rule=rule.title, when=rule.when, runs=runs, fired=tuple(ordered))
