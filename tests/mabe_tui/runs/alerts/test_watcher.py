"""Watching: each rule once for a run, over restarts and several watchers; deliveries that fail."""

import datetime as dt
import shutil
from pathlib import Path

import msgspec
import pytest

from core.errors import UserError
from core.run.events import Epoch, Finished, encode
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.local_launcher import LocalLauncher
from mabe_tui.runs.alerts.message import AlertEvent
from mabe_tui.runs.alerts.outbox import LEASE, PAUSES, Outbox, OutboxState, next_pause
from mabe_tui.runs.alerts.outcome import delivered, refused, retried
from mabe_tui.runs.alerts.rules import AlertRule
from mabe_tui.runs.alerts.sending import Postman
from mabe_tui.runs.alerts.watcher import Watcher, parsed_rules
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.store import RunStore
from tests.mabe_tui.recorded import record
from tests.mabe_tui.runs.alerts.conftest import EVENT, NOW, TOKEN, Receiver

FINISHED, BETTER = AlertRule(when="finished"), AlertRule(when="f1 > 0.25")
SECOND = dt.timedelta(seconds=1)


class Live:
    """A run that is made to look alive, and goes on when told."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run = record(home, BehaviourExperiment(name="v6"), f1=(0.1,), ending=None)
        self.states = {self.run.id: RunState.RUNNING}
        state = LocalLauncher.state
        monkeypatch.setattr(
            LocalLauncher, "state", lambda own, run: self.states.get(run.id) or state(own, run)
        )

    def say(self, f1: float) -> None:
        """Complete an epoch."""
        history = self.run.history()
        last = history.epochs[-1]
        self._append(
            msgspec.structs.replace(
                last, seq=history.events[-1].seq + 1, epoch=last.epoch + 1, metrics={"f1_macro": f1}
            )
        )

    def finish(self) -> None:
        last = self.run.history().events[-1]
        self._append(
            Finished(
                attempt=last.attempt,
                seq=last.seq + 1,
                time=last.time,
                epoch=3,
                step=12,
                reason="epochs",
                best_epoch=1,
                best_metric=0.1,
                monitor="f1_macro",
                seconds=1.0,
            )
        )
        self.states[self.run.id] = RunState.FINISHED

    def _append(self, event: Epoch | Finished) -> None:
        path = self.run.events_path(self.run.attempts()[0])
        path.write_bytes(path.read_bytes() + encode(event) + b"\n")


@pytest.fixture
def live(home: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    return Live(home, monkeypatch)


def watcher_of(home: Path, *rules: AlertRule, before: OutboxState | None = None) -> Watcher:
    store = RunStore(home)
    parsed = parsed_rules(rules, Catalog(store).records())
    return Watcher(store, parsed, before or OutboxState())


def look(home: Path, watcher: Watcher) -> list[tuple[str, str]]:
    fired = watcher.look(Catalog(RunStore(home)).records(), NOW)
    return [(rule.when, event.run) for rule, event in fired]


def test_what_ended_before_is_no_news_and_what_ends_is_told_once(home: Path, live: Live) -> None:
    record(home, BehaviourExperiment(name="v5"))
    watcher = watcher_of(home, FINISHED, BETTER)
    assert look(home, watcher) == []
    live.say(0.3)
    live.say(0.1)  # between two looks the metric was above, and is not any more
    assert look(home, watcher) == [(BETTER.when, live.run.id)]
    live.finish()
    assert look(home, watcher) == [(FINISHED.when, live.run.id)]
    assert look(home, watcher) == []
    newer = record(home, BehaviourExperiment(name="v5"), f1=(0.1,))
    assert look(home, watcher) == [(FINISHED.when, newer.id)]


def test_what_ends_while_nobody_watches_is_told_by_the_next(home: Path, live: Live) -> None:
    record(home, BehaviourExperiment(name="v5"))
    outbox = Outbox(home)
    outbox.looked([live.run.id], [live.run.id], NOW)
    live.say(0.3)
    live.finish()
    watcher = watcher_of(home, FINISHED, before=outbox.read())
    assert look(home, watcher) == [(FINISHED.when, live.run.id)]
    assert look(home, watcher_of(home, FINISHED)) == []  # unless nobody ever watched


def test_two_watchers_alert_once(home: Path) -> None:
    one, other = Outbox(home), Outbox(home)
    rule = AlertRule(when="failed", to=("slack",), url="env:HOOK")
    assert one.claim([(rule, EVENT)], NOW) == [(rule, EVENT)]
    assert other.claim([(rule, EVENT)], NOW) == []
    assert len(one.lease([rule.key], NOW)) == 1
    assert other.lease([rule.key], NOW + LEASE / 2) == []
    (taken,) = other.lease([rule.key], NOW + LEASE)  # the first has died
    assert taken.tries == 2
    other.settle(taken, delivered(), NOW)
    assert one.read().waiting == ()
    assert other.lease(["another"], NOW + 9 * LEASE) == []


def test_pauses_grow_and_end() -> None:
    failed = retried("no")
    assert [next_pause(n, failed) for n in range(1, len(PAUSES) + 2)] == [*PAUSES, None]
    assert next_pause(1, retried("no", 90.0)) == 90.0
    assert next_pause(1, retried("no", 1e9)) == 3600.0
    assert next_pause(1, refused("no")) is None
    assert next_pause(1, delivered()) is None


def test_a_failed_delivery_is_said_and_tried_again(
    home: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", receiver.url)
    rule = AlertRule(when="failed", to=("slack",), url="env:HOOK")
    outbox = Outbox(home)
    outbox.claim([(rule, EVENT)], NOW)
    receiver.answers.append((429, {"Retry-After": "40"}))
    postman = Postman(outbox, [rule])
    (said,) = postman.round(NOW, wait=True)
    assert "to slack (env:HOOK): the server answered 429" in said
    assert said.endswith("tried again in 40s")
    assert TOKEN not in said + outbox.path.read_text()
    assert postman.round(NOW + 39 * SECOND, wait=True) == []
    assert len(receiver.got) == 1
    assert postman.round(NOW + 41 * SECOND, wait=True) == []
    postman.close()
    assert len(receiver.got) == 2
    assert outbox.read().waiting == ()


def test_the_file_forgets_runs_that_are_gone_and_is_not_replaced_if_damaged(home: Path) -> None:
    outbox = Outbox(home)
    event: AlertEvent = EVENT
    outbox.claim([(FINISHED, event)], NOW)
    outbox.looked([], ["another"], NOW)
    assert outbox.read().fired == {}
    stamp = outbox.path.stat().st_mtime_ns
    outbox.looked([], ["another"], NOW + SECOND)
    assert outbox.path.stat().st_mtime_ns == stamp
    outbox.path.write_text("{half")
    with pytest.raises(UserError, match=r"alerts\.json: cannot be read .*remove it"):
        outbox.claim([(FINISHED, event)], NOW)


def test_a_removed_run_ends_no_watch(home: Path, live: Live) -> None:
    watcher = watcher_of(home, BETTER, FINISHED)
    records = Catalog(RunStore(home)).records()
    shutil.rmtree(live.run.path)
    assert watcher.look(records, NOW) == []
    assert watcher.look([], NOW) == []
