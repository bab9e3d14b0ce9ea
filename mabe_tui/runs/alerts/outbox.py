"""Which alerts have fired, and which are still to be delivered: one file per home folder, under a lock.

Several watchers share it. Whoever writes that a rule has fired for a run delivers it; a delivery is leased
for some time, after which another watcher takes it over, so that none is lost with a watcher that dies.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import msgspec

from core.errors import UserError
from core.system.files import write_bytes_atomically
from core.system.lock import locked
from mabe_tui.runs.alerts.message import AlertEvent
from mabe_tui.runs.alerts.outcome import Outcome
from mabe_tui.runs.alerts.rules import AlertRule

FILE = "alerts.json"
PAUSES = (5.0, 30.0, 120.0, 600.0, 3600.0, 3600.0, 3600.0)
"""Seconds before a failed delivery is tried again, one after the other; then it is given up."""
LONGEST_PAUSE = 3600.0
LEASE = dt.timedelta(seconds=120)
"""How long a watcher may take for one delivery."""
LOOKED_EVERY = dt.timedelta(seconds=60)
FORGOTTEN = dt.timedelta(days=1)
"""After this, a delivery of a rule that no watcher has any more is dropped."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that has not succeeded yet."""

    rule: str
    """Key of the rule."""
    place: str
    event: AlertEvent
    due: dt.datetime
    """When it may be tried: in the future while it is leased, or pauses."""
    fired: dt.datetime
    tries: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies it."""
        return self.rule, self.event.run, self.place


class OutboxState(msgspec.Struct, frozen=True, kw_only=True):
    """Content of the file."""

    looked: dt.datetime | None = None
    """When a watcher looked last."""
    watched: tuple[str, ...] = ()
    """Runs that were alive then."""
    fired: dict[str, dict[str, dt.datetime]] = {}
    """Run → key of a rule → when it fired."""
    waiting: tuple[Waiting, ...] = ()


class Outbox:
    """The alerts of one home folder.

    Args:
        home: the home folder of the runs.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / FILE

    def read(self) -> OutboxState:
        """Return the state; empty if there is none.

        Raises:
            UserError: the file is damaged: alerts would fire again.
        """
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=OutboxState)
        except FileNotFoundError:
            return OutboxState()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UserError(
                f"{self.path}: cannot be read ({error}); remove it to forget which alerts have fired"
            ) from error

    def looked(self, alive: Collection[str], runs: Collection[str], now: dt.datetime) -> None:
        """Note that a watcher has looked.

        Args:
            alive: the runs that are alive.
            runs: all runs; what is kept of others is dropped.
            now: the present.

        Raises:
            UserError: the file cannot be read or written (as for every change).
        """
        kept = self.read()
        recent = kept.looked is not None and now - kept.looked < LOOKED_EVERY
        if recent and set(kept.watched) == set(alive):
            return

        def changed(state: OutboxState) -> OutboxState:
            fired = {run: rules for run, rules in state.fired.items() if run in runs}
            waiting = tuple(each for each in state.waiting if now - each.fired < FORGOTTEN)
            return msgspec.structs.replace(
                state, looked=now, watched=tuple(sorted(alive)), fired=fired, waiting=waiting
            )

        self._change(changed)

    def claim(
        self, firings: Sequence[tuple[AlertRule, AlertEvent]], now: dt.datetime
    ) -> list[tuple[AlertRule, AlertEvent]]:
        """Note that rules have fired; return those that no watcher had noted before.

        Each of their remote places is then waiting to be delivered.
        """
        if not firings:
            return []
        mine: list[tuple[AlertRule, AlertEvent]] = []

        def changed(state: OutboxState) -> OutboxState:
            mine[:] = [
                (rule, event)
                for rule, event in firings
                if rule.key not in state.fired.get(event.run, {})
            ]
            fired = {run: dict(rules) for run, rules in state.fired.items()}
            for rule, event in mine:
                fired.setdefault(event.run, {})[rule.key] = now
            return msgspec.structs.replace(
                state, fired=fired, waiting=(*state.waiting, *_waiting(mine, now))
            )

        self._change(changed)
        return mine

    def lease(self, rules: Collection[str], now: dt.datetime) -> list[Waiting]:
        """Return the deliveries that are due, which nobody else attempts for some time.

        Args:
            rules: keys of the rules that the watcher has.
            now: the present.
        """
        if not any(_is_due(each, rules, now) for each in self.read().waiting):
            return []
        mine: list[Waiting] = []

        def changed(state: OutboxState) -> OutboxState:
            mine[:] = [each for each in state.waiting if _is_due(each, rules, now)]
            leased = {each.key for each in mine}
            return msgspec.structs.replace(
                state,
                waiting=tuple(
                    msgspec.structs.replace(each, due=now + LEASE, tries=each.tries + 1)
                    if each.key in leased
                    else each
                    for each in state.waiting
                ),
            )

        self._change(changed)
        return [msgspec.structs.replace(each, tries=each.tries + 1) for each in mine]

    def settle(self, delivery: Waiting, outcome: Outcome, now: dt.datetime) -> float | None:
        """Note the outcome of a leased delivery; return the seconds until the next try, if there is one."""
        pause = next_pause(delivery.tries, outcome)

        def changed(state: OutboxState) -> OutboxState:
            rest = tuple(each for each in state.waiting if each.key != delivery.key)
            if pause is not None:
                due = now + dt.timedelta(seconds=pause)
                rest = (*rest, msgspec.structs.replace(delivery, due=due))
            return msgspec.structs.replace(state, waiting=rest)

        self._change(changed)
        return pause

    def _change(self, change: Callable[[OutboxState], OutboxState]) -> None:
        with locked(self.path):
            before = self.read()
            after = change(before)
            if after != before:
                write_bytes_atomically(self.path, msgspec.json.encode(after))


def next_pause(tries: int, outcome: Outcome) -> float | None:
    """Return the seconds before the next try; ``None`` if there is none.

    Args:
        tries: tries so far.
        outcome: of the last one.
    """
    if not outcome.again or tries > len(PAUSES):
        return None
    return min(max(outcome.pause or 0.0, PAUSES[tries - 1]), LONGEST_PAUSE)


def _is_due(each: Waiting, rules: Collection[str], now: dt.datetime) -> bool:
    return each.due <= now and each.rule in rules


def _waiting(fired: Iterable[tuple[AlertRule, AlertEvent]], now: dt.datetime) -> Iterable[Waiting]:
    for rule, event in fired:
        for place in rule.remote:
            yield Waiting(rule=rule.key, place=place, event=event, due=now, fired=now)
