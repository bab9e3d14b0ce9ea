"""The cost of runs so far: by experiment, by day, by run.

An estimate from the hourly price at a run's start, from the first to the last event of each of its
attempts: work superseded by a resume was paid for too. The provider's bill is authoritative.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from core.run.events import RunStarted, began, decode
from core.run.limits import HOUR
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.tail import first_line, last_lines
from mabe_tui.runs.store import RunEntry

By = Literal["experiment", "day", "run"]
ALIVE = (RunState.RUNNING, RunState.STOPPING)


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """The use of one run on one day."""

    run: str
    version: str
    day: dt.date
    seconds: float
    usd: float


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """The total of several of these."""

    name: str
    """An experiment, a day (``2026-11-21``) or a run."""
    runs: int
    seconds: float
    usd: float


def spent(
    entry: RunEntry, state: RunState, now: dt.datetime, zone: dt.tzinfo | None = None
) -> list[Spent]:
    """Compute the cost of a run on each day; empty if it is free, or no price is known.

    Reads only the first and the last lines of its event files, so that a thousand runs are fast.

    Args:
        entry: the run.
        state: its state; a live run has a cost until ``now``.
        now: with its time zone.
        zone: time zone whose midnights separate the days; ``None``: this computer's.
    """
    request = entry.request
    if request is None or not request.limits.is_rented:
        return []
    seconds: dict[dt.date, float] = {}
    dollars: dict[dt.date, float] = {}
    for start, end, device_name in _paid(entry.run, now if state in ALIVE else None):
        if (price := request.limits.price_on(device_name)) is None:
            continue
        for day, part in _by_day(start, end, zone):
            seconds[day] = seconds.get(day, 0.0) + part
            dollars[day] = dollars.get(day, 0.0) + part * price / HOUR
    return [
        Spent(
            run=entry.id,
            version=request.experiment.name,
            day=day,
            seconds=part,
            usd=dollars[day],
        )
        for day, part in seconds.items()
    ]


def totals(rows: Iterable[Spent], by: By) -> list[Total]:
    """Add up by experiment or run, the most expensive first, or by day, the earliest first."""
    groups: dict[str, list[Spent]] = {}
    for row in rows:
        name = {"experiment": row.version, "day": str(row.day), "run": row.run}[by]
        groups.setdefault(name, []).append(row)
    found = [total(name, group) for name, group in groups.items()]
    return sorted(found, key=lambda t: (t.name,) if by == "day" else (-t.usd, t.name))


def total(name: str, rows: Iterable[Spent]) -> Total:
    """Add up, under a name."""
    kept = list(rows)
    return Total(
        name=name,
        runs=len({row.run for row in kept}),
        seconds=sum(row.seconds for row in kept),
        usd=sum(row.usd for row in kept),
    )


def _paid(
    run: RunDir, until: dt.datetime | None
) -> Iterator[tuple[dt.datetime, dt.datetime, str | None]]:
    """Yield when each machine was in use, and its device: by attempt, the newest ``until`` now."""
    attempts = run.attempts()
    for attempt in attempts:
        path = run.events_path(attempt)
        lines = (first_line(path), *reversed(last_lines(path)))
        first = decode(lines[0])
        last = next((event for line in lines[1:] if (event := decode(line)) is not None), first)
        if first is not None and last is not None:
            end = until if until is not None and attempt == attempts[-1] else last.time
            device_name = first.device_name if isinstance(first, RunStarted) else None
            yield began(first), max(end, last.time), device_name


def _by_day(
    start: dt.datetime, end: dt.datetime, zone: dt.tzinfo | None
) -> Iterator[tuple[dt.date, float]]:
    while start < end:
        midnight = min(end, _next_midnight(start, zone))
        yield start.astimezone(zone).date(), (midnight - start).total_seconds()
        start = midnight


def _next_midnight(moment: dt.datetime, zone: dt.tzinfo | None) -> dt.datetime:
    tomorrow = dt.datetime.combine(
        moment.astimezone(zone).date() + dt.timedelta(days=1), dt.time(), zone
    )
    return tomorrow.astimezone(dt.UTC)  # differences within one zone would ignore its clock changes
