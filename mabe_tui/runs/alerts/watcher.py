"""Check rules against runs as they go on: each rule fires once for each run."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from core.errors import ConfigError, RunError
from core.run.history import History
from core.run.rundir import RunDir
from mabe_tui.runs.alerts.conditions import Condition, parse_condition
from mabe_tui.runs.alerts.message import AlertEvent, event_of
from mabe_tui.runs.alerts.moments import RunMoment, moments_of, now_of
from mabe_tui.runs.alerts.outbox import OutboxState
from mabe_tui.runs.alerts.rules import AlertRule
from mabe_tui.runs.listing.fields import Fields
from mabe_tui.runs.listing.query import Query, QueryError, parse
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.listing.row_cache import RowCache
from mabe_tui.runs.reading.thin_history import ThinTail
from mabe_tui.runs.store import RunEntry, RunStore


@dataclass(frozen=True, slots=True)
class ParsedRule:
    """A rule with its condition and the filter of its runs."""

    rule: AlertRule
    condition: Condition
    runs: Query

    def event(self, moments: Iterable[RunMoment]) -> AlertEvent | None:
        """Return the event of the first moment at which the condition holds, if any."""
        for moment in moments:
            reason = self.condition.reason(moment)
            if reason is not None and self.runs.matches(moment.row):
                return event_of(self.rule, self.condition, moment, reason)
        return None


def parsed_rules(rules: Sequence[AlertRule], records: Sequence[RunRecord]) -> list[ParsedRule]:
    """Parse rules; the runs say which keys there are.

    Raises:
        ConfigError: a condition or a filter is invalid; names the rule.
    """
    fields = Fields(RowCache().rows(records))
    found = []
    for rule in rules:
        try:
            runs = parse(rule.runs, fields)
        except QueryError as error:
            raise ConfigError(f"rule {rule.title!r}, runs: {error}") from None
        found.append(ParsedRule(rule, parse_condition(rule.when, fields), runs))
    return found


class _Followed:
    """A live run, whose events are read once."""

    def __init__(self, store: RunStore, run: str) -> None:
        self.entry = RunEntry(RunDir(store.folder / run))
        self._tail = ThinTail(self.entry.run)
        self._history: tuple[int, History] | None = None

    def history(self, record: RunRecord) -> History:
        """Return the run's history, read again after each epoch."""
        epoch = record.summary.epoch
        if self._history is None or self._history[0] != epoch:
            self._history = epoch, self._tail.history()
        return self._history[1]


class Watcher:
    """Checks rules against the runs of one store, look by look.

    A run counts if it is alive at the first look, was alive when a watcher looked last, or is newer than
    that. Only what happens from then on can make a rule fire.

    Args:
        store: the runs.
        rules: the rules.
        before: what earlier watchers noted.
    """

    def __init__(self, store: RunStore, rules: Sequence[ParsedRule], before: OutboxState) -> None:
        self._store, self._rules = store, rules
        self._watched, self._since = set(before.watched), before.looked
        self._fired = {(run, key) for run, keys in before.fired.items() for key in keys}
        self._seen: dict[str, RunRecord] = {}
        self._followed: dict[str, _Followed] = {}
        self._over: set[str] = set()
        """Runs that had ended when they were looked at: a new tag, say, is no news of them."""
        self._is_first = True

    def look(
        self, records: Sequence[RunRecord], now: dt.datetime
    ) -> list[tuple[AlertRule, AlertEvent]]:
        """Return what fires now, each rule once for a run.

        Args:
            records: all runs.
            now: the present.
        """
        found: list[tuple[AlertRule, AlertEvent]] = []
        for record in records:
            if record.state.may_speak:
                self._over.discard(record.id)
            if self._counts(record):
                found += self._of(record, now)
            self._seen[record.id] = record
            if not record.state.may_speak:
                self._over.add(record.id)
        self._is_first = False
        return found

    def _counts(self, record: RunRecord) -> bool:
        if record.id in self._over or record.summary.imported:
            return False
        if not self._is_first:
            return True
        created = record.summary.created
        is_new = self._since is not None and created is not None and created > self._since
        return record.state.may_speak or record.id in self._watched or is_new

    def _of(self, record: RunRecord, now: dt.datetime) -> Iterator[tuple[AlertRule, AlertEvent]]:
        rules = [each for each in self._rules if (record.id, each.rule.key) not in self._fired]
        if not rules:
            return
        try:
            moments = self._moments(record, now)
        except RunError:  # it is damaged, or was removed meanwhile
            return
        for each in rules:
            if (event := each.event(moments)) is not None:
                self._fired.add((record.id, each.rule.key))
                yield each.rule, event

    def _moments(self, record: RunRecord, now: dt.datetime) -> list[RunMoment]:
        """Return the moments since the last look: epochs that ended between two looks are among them."""
        before = self._seen.get(record.id)
        followed = self._followed.get(record.id) or _Followed(self._store, record.id)
        history = followed.history(record)
        entry = followed.entry
        if record.state.may_speak:
            self._followed[record.id] = followed
        else:
            self._followed.pop(record.id, None)
        known = before.summary.epoch if before is not None else self._known(record, history)
        past = moments_of(entry, record, history, known) if known < record.summary.epoch else ()
        return [*past, now_of(record, history, now)]

    def _known(self, record: RunRecord, history: History) -> int:
        """Return the epochs of a run that are no news when it is looked at for the first time."""
        if not self._is_first:
            return 0
        if self._since is None:
            return record.summary.epoch
        return max((each.epoch for each in history.epochs if each.time <= self._since), default=0)
