"""Deliver what is due in the outbox, in threads, and say what failed."""

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from mabe_tui.runs.alerts.delivery import deliver
from mabe_tui.runs.alerts.outbox import Outbox, Waiting
from mabe_tui.runs.alerts.outcome import Outcome
from mabe_tui.runs.alerts.rules import AlertRule
from mabe_tui.runs.format.units import duration

AT_ONCE = 4


class Postman:
    """Delivers what is due; a slow receiver delays no other.

    Args:
        outbox: the alerts of a home folder.
        rules: the rules that it may deliver for.
    """

    def __init__(self, outbox: Outbox, rules: Sequence[AlertRule]) -> None:
        self._outbox = outbox
        self._rules = {rule.key: rule for rule in rules}
        self._pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="alerts")
        self._under_way: dict[Future[Outcome], Waiting] = {}

    def round(self, now: dt.datetime, wait: bool = False) -> list[str]:
        """Note what has been delivered, and begin what is due.

        Args:
            now: the present.
            wait: until everything that is due now has been tried.

        Returns:
            A sentence for each delivery that failed.

        Raises:
            UserError: the outbox cannot be read or written.
        """
        said = self._settled(now)
        for delivery in self._outbox.lease(self._rules.keys(), now):
            rule = self._rules[delivery.rule]
            future = self._pool.submit(deliver, rule, delivery.place, delivery.event)
            self._under_way[future] = delivery
        if wait:
            for future in self._under_way:
                future.exception()
            said += self._settled(now)
        return said

    def close(self) -> None:
        """Wait for deliveries under way, which takes seconds at most, and note them."""
        self._pool.shutdown(cancel_futures=True)
        self._settled(dt.datetime.now(dt.UTC))

    def _settled(self, now: dt.datetime) -> list[str]:
        said = []
        for future in [each for each in self._under_way if each.done()]:
            delivery = self._under_way.pop(future)
            if future.cancelled():
                continue  # the lease ends, and another watcher takes over
            outcome = future.result()
            pause = self._outbox.settle(delivery, outcome, now)
            if outcome.problem is not None:
                said.append(_words(self._rules[delivery.rule], delivery, outcome, pause))
        return said


def _words(rule: AlertRule, delivery: Waiting, outcome: Outcome, pause: float | None) -> str:
    where = delivery.place if delivery.place == "command" else f"{delivery.place} ({rule.secret!r})"
    then = "given up" if pause is None else f"tried again in {duration(pause)}"
    return f"alert on {delivery.event.run} to {where}: {outcome.problem}; {then}"
