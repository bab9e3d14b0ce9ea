"""Runs put together by the value of any key: how many, how good, how dear."""

import json
import math
from collections.abc import Iterable, Sequence

import msgspec

from core.evaluation.spread import mean_std
from mabe_tui.runs.listing.cells import spell
from mabe_tui.runs.listing.fields import BEST_SCORE, Row, Value, is_missing, sort_rows

NOTHING = "–"
"""Stands for runs that lack the key."""


class RunGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Runs that have one value of a key in common."""

    value: str | None
    """As tables show it; ``None`` for runs that lack the key."""
    runs: tuple[str, ...]
    """Ids, newest first."""
    seeds: int
    """Number of different seeds."""
    scored: int
    """Number of runs that have a score."""
    score: float | None = None
    """Mean of the leading metric at each run's best epoch."""
    score_std: float | None = None
    """Standard deviation over the runs (n − 1); their settings may differ in more than the seed."""
    best: float | None = None
    best_run: str | None = None
    metric: str | None = None
    """The leading metric; ``None`` if the runs have several, which have no mean."""
    seconds: float | None = None
    """Time of all runs together."""
    cost_usd: float | None = None
    """Cost of all runs together; ``None`` if none is known."""


def grouped(rows: Iterable[Row], key: str) -> list[RunGroup]:
    """Put rows together by the value of a key, in the order of the values; those without one come last.

    Args:
        rows: as :func:`~mabe_tui.runs.listing.fields.row_of` makes them, newest first.
        key: a full key, such as ``training.learning_rate``.
    """
    groups: dict[str | None, list[Row]] = {}
    for row in sort_rows(rows, key):
        value = row.get(key)
        groups.setdefault(None if is_missing(value) else spell(key, value), []).append(row)
    return [_group(value, own) for value, own in groups.items()]


def _group(value: str | None, rows: Sequence[Row]) -> RunGroup:
    metrics = {row.get("metric") for row in rows}
    scores = [(score, row) for row in rows if (score := _number(row.get(BEST_SCORE))) is not None]
    metric = next(iter(metrics)) if len(metrics) == 1 else None
    if metric is None:
        scores = []
    rises = all(row.get("metric_rises") is not False for row in rows)
    best = max(scores, key=lambda pair: pair[0] if rises else -pair[0], default=None)
    mean, std = mean_std([score for score, _ in scores]) if scores else (None, None)
    return RunGroup(
        value=value,
        runs=tuple(str(row["id"]) for row in rows),
        seeds=len({row.get("seed") for row in rows}),
        scored=len(scores),
        score=mean,
        score_std=std,
        best=best[0] if best is not None else None,
        best_run=str(best[1]["id"]) if best is not None else None,
        metric=str(metric) if metric is not None else None,
        seconds=_sum(rows, "elapsed_seconds"),
        cost_usd=_sum(rows, "cost_usd"),
    )


def _sum(rows: Sequence[Row], key: str) -> float | None:
    known = [number for row in rows if (number := _number(row.get(key))) is not None]
    return math.fsum(known) if known else None


def _number(value: Value) -> float | None:
    return None if is_missing(value) or not isinstance(value, int | float) else float(value)


def group_cells(group: RunGroup) -> list[str | None]:
    """Return a row of a table: value, runs, score, best, its run, time, cost."""
    std = f" ± {group.score_std:.4f}" if group.score_std is not None else ""
    return [
        group.value if group.value is not None else NOTHING,
        str(len(group.runs)),
        f"{group.score:.4f}{std}" if group.score is not None else None,
        f"{group.best:.4f}" if group.best is not None else None,
        group.best_run,
        spell("elapsed_seconds", group.seconds),
        spell("cost_usd", group.cost_usd),
    ]


def query_for(key: str, rows: Sequence[Row]) -> str:
    """Return a filter that rows with one value of a key pass, as `mabe runs --where` takes it."""
    value = rows[0].get(key) if rows else None
    if is_missing(value):
        return f"{key} == none"
    if isinstance(value, bool):
        return f"{key} == {str(value).lower()}"
    if isinstance(value, int | float):
        return f"{key} == {value!r}"
    if isinstance(value, str):
        return f"{key} == {json.dumps(value, ensure_ascii=False)}"
    return f"id in ({', '.join(json.dumps(str(row['id'])) for row in rows)})"
