"""Costs of runs by day."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from core.run.events import AnyEvent, Finished, Preempted, Resumed, RunStarted, System, encode
from core.run.limits import Limits
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.reading.points import Points
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.ledger import Spent, spent, total, totals
from mabe_tui.runs.summary.run_summary import summarise

NIGHT = dt.datetime(2026, 11, 21, 23, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
STARTED = {
    "run": "r", "experiment": "v6", "device": "cuda", "device_name": "H100", "torch": "2",
    "threads": 1, "code_version": "x", "pid": 1, "seed": 1,
}  # fmt: skip
PREEMPTED = {"epoch": 1, "step": 1, "signal": "SIGINT"}
SYSTEM = {"cpu_percent": 1.0, "memory_mib": 1.0}


@pytest.fixture
def entry(tmp_path: Path) -> RunEntry:
    """A run at $4 an hour."""
    run = RunDir(tmp_path / "v6-20261121T230000-abcd")
    run.write_request(
        RunRequest(
            run=run.id,
            created=NIGHT,
            launcher="modal",
            seed=1,
            experiment=BehaviourExperiment(name="v6"),
            limits=Limits(usd_per_hour=4.0),
        )
    )
    return RunEntry(run)


def tell(run: RunDir, attempt: str, events: Sequence[AnyEvent]) -> None:
    path = run.events_path(attempt)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(encode(event) + b"\n" for event in events))


def started(attempt: str, at: dt.datetime) -> AnyEvent:
    return RunStarted(attempt=attempt, seq=1, time=at, **STARTED)  # type: ignore[arg-type]


def system(attempt: str, seq: int, at: dt.datetime) -> AnyEvent:
    return System(attempt=attempt, seq=seq, time=at, **SYSTEM)


def two_attempts(entry: RunEntry) -> None:
    """Two hours around midnight, preempted; a resume from their beginning; half an hour more."""
    first, second = "0001-aaaa", "0002-bbbb"
    tell(
        entry.run,
        first,
        [
            started(first, NIGHT),
            system(first, 2, NIGHT + HOUR),
            Preempted(attempt=first, seq=3, time=NIGHT + 2 * HOUR, **PREEMPTED),  # type: ignore[arg-type]
        ],
    )
    resumed = Resumed(
        attempt=second, seq=2, time=NIGHT + 3 * HOUR, from_attempt=first, from_seq=1, epoch=0, step=0,
        file="x", sha256="x",
    )  # fmt: skip
    end = system(second, 3, NIGHT + 3.5 * HOUR)
    tell(entry.run, second, [started(second, NIGHT + 3 * HOUR), resumed, end])


def test_midnight_parts_the_days_and_superseded_work_counts(entry: RunEntry) -> None:
    two_attempts(entry)
    rows = spent(entry, RunState.STOPPED, NIGHT + 100 * HOUR, dt.UTC)
    assert [(row.day, row.seconds, row.usd) for row in rows] == [
        (dt.date(2026, 11, 21), 3600.0, 4.0),
        (dt.date(2026, 11, 22), 5400.0, 6.0),
    ]


def test_days_are_those_of_a_time_zone(entry: RunEntry) -> None:
    two_attempts(entry)
    rows = spent(entry, RunState.STOPPED, NIGHT, ZoneInfo("Asia/Tokyo"))
    assert [(row.day.day, row.usd) for row in rows] == [(22, 10.0)]


def test_a_day_may_have_25_hours(entry: RunEntry) -> None:
    zone = ZoneInfo("Europe/Berlin")
    start = dt.datetime(2026, 10, 25, tzinfo=zone).astimezone(dt.UTC)
    attempt = "0001-aaaa"
    tell(entry.run, attempt, [started(attempt, start), system(attempt, 2, start + 26 * HOUR)])
    rows = spent(entry, RunState.STOPPED, start, zone)
    assert [(row.day.day, row.seconds / 3600) for row in rows] == [(25, 25.0), (26, 1.0)]


@pytest.mark.parametrize("state", [RunState.STOPPED, RunState.RUNNING])
def test_the_sum_is_what_the_summary_says(entry: RunEntry, state: RunState) -> None:
    two_attempts(entry)
    now = NIGHT + 5 * HOUR
    summary = summarise(entry.require_request(), entry.run.history(), state, now)
    assert total("all", spent(entry, state, now)).usd == pytest.approx(summary.cost_usd)


def test_nobody_charges_for_this_computer(entry: RunEntry) -> None:
    two_attempts(entry)
    request = entry.require_request()
    local = RunDir(entry.run.path.parent / "v6-20261121T230001-abcd")
    local.write_request(
        RunRequest(
            run=local.id, created=NIGHT, launcher="local", seed=1, experiment=request.experiment
        )
    )
    assert spent(RunEntry(local), RunState.FINISHED, NIGHT) == []


def test_what_cannot_be_read_costs_nothing_known(entry: RunEntry, tmp_path: Path) -> None:
    assert spent(entry, RunState.QUEUED, NIGHT) == []
    tell(entry.run, "0001-aaaa", [])
    assert spent(entry, RunState.LOST, NIGHT) == []
    assert spent(RunEntry(RunDir(tmp_path / "foreign")), RunState.UNKNOWN, NIGHT) == []


def test_totals() -> None:
    days = [dt.date(2026, 11, 22), dt.date(2026, 11, 21)]
    rows = [
        Spent(run="a", version="v5", day=days[0], seconds=10, usd=1.0),
        Spent(run="a", version="v5", day=days[1], seconds=10, usd=1.0),
        Spent(run="b", version="v6", day=days[1], seconds=20, usd=5.0),
    ]
    assert [(t.name, t.runs, t.usd) for t in totals(rows, "experiment")] == [
        ("v6", 1, 5.0),
        ("v5", 1, 2.0),
    ]
    assert [(t.name, t.runs, t.usd) for t in totals(rows, "day")] == [
        ("2026-11-21", 2, 6.0),
        ("2026-11-22", 1, 1.0),
    ]
    assert [t.name for t in totals(rows, "run")] == ["b", "a"]


def test_all_clocks_begin_where_an_attempt_does(entry: RunEntry) -> None:
    attempt = "0001-aaaa"
    first = RunStarted(
        attempt=attempt,
        seq=1,
        time=NIGHT + HOUR / 4,
        startup_seconds=900.0,
        **STARTED,  # type: ignore[arg-type]
    )
    last = Finished(
        attempt=attempt, seq=2, time=NIGHT + HOUR / 2, epoch=1, step=1, reason="epochs", best_epoch=1,
        best_metric=0.5, monitor="f1_macro", seconds=1800.0,
    )  # fmt: skip
    tell(entry.run, attempt, [first, last])
    points = Points()
    points.add([first, last])
    summary = summarise(entry.require_request(), entry.run.history(), RunState.FINISHED, NIGHT)
    (paid,) = spent(entry, RunState.FINISHED, NIGHT + HOUR, dt.UTC)
    assert summary.elapsed_seconds == paid.seconds == points.seconds == last.seconds
    assert summary.cost_usd == paid.usd == 2.0
