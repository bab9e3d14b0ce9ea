"""A run as one flat row of values to filter, show and sort by."""

import datetime as dt
import math
import re
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from core.config.experiment import DEFAULT_TASK, flatten
from core.config.strict import nearest
from core.config.task_spec import TaskSpec, task_spec
from core.errors import UserError
from mabe_tui.runs.listing.record import LEFT_OUT, RunRecord, falls
from mabe_tui.runs.summary.run_summary import RunSummary
from mabe_tui.runs.tasks import find_spec

Value = str | float | bool | dt.datetime | tuple[str, ...] | None
Row = Mapping[str, Value]
"""Values by key. A missing key and ``None`` mean the same: unknown, or not yet measured."""

BEST_SCORE, SMOOTHED_SCORE = "best_score", "smoothed_score"
"""The leading metric of a run's task: at the best epoch, and the best of its moving average."""
DELTA = "delta"
"""The difference from the baseline in the primary metric of the task."""
SCORE_DELTA = "score_delta"
"""The difference in the leading metric: see :meth:`~core.config.task_spec.TaskSpec.leading`."""
TOLD_APART = "told_apart"
"""Whether ``score_delta`` exceeds chance, over data and seeds; not a key to filter by."""
ALIASES = {
    "run": "id",
    "tag": "tags",
    "score": BEST_SCORE,
    "best": BEST_SCORE,
    "cost": "cost_usd",
    "time": "elapsed_seconds",
    "left": "eta_seconds",
    "speed": "frames_per_second",
    "model": "model.name",
    "batch": "training.batch_size",
    "inputs": "features.inputs",
}
"""Short names that people type → keys. The label of a task's primary metric, ``f1``, is one too."""
PREFIXES = ("best.", "smoothed.")
"""Aliases of metrics: ``best.f1`` is ``best.f1_macro``."""
PINNED = "pinned"
OWN_KEYS = ("gpu", "group", "trial", SMOOTHED_SCORE, DELTA, SCORE_DELTA, PINNED)
_DIGITS = re.compile(r"(\d+)")


class UnknownFieldError(UserError):
    """Raised for an unknown key; the message names the nearest."""


def row_of(record: RunRecord) -> dict[str, Value]:
    """Return the flat row of a run.

    Keys: every field of ``RunSummary``; the last epoch's metrics by their names (``f1_macro``), the
    best epoch's under ``best.``, the best of their moving averages under ``smoothed.``; settings by
    dotted key (``training.batch_size``); ``gpu``; ``trial``; ``group``, the same for runs that differ
    in their seed alone. Differences and ``pinned`` come from
    :class:`mabe_tui.runs.listing.row_cache.RowCache`.
    """
    summary = record.summary
    row: dict[str, Value] = {
        key: tuple(map(str, value)) if isinstance(value, list) else value
        for key, value in record.settings.items()
        if not isinstance(value, dict)
    }
    row |= {f"smoothed.{name}": value for name, value in record.smoothed.items()}
    row |= {f"best.{name}": value for name, value in record.best.items()}
    row |= summary.metrics
    row |= {name: getattr(summary, name) for name in _SUMMARY_FIELDS}
    group = f"{record.alike}-{record.data}" if record.alike else None
    group = record.fold_group or group
    row |= {"state": summary.state.value, "gpu": record.gpu, "trial": record.is_trial}
    return row | {"group": group, SMOOTHED_SCORE: record.smoothed_score}


_SUMMARY_FIELDS = tuple(name for name in RunSummary.__struct_fields__ if name != "metrics")


class Fields:
    """The keys of a set of rows, and the lookup of a key by a typed name."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        rows = list(rows)
        shapes = {tuple(row) for row in rows}
        tasks = dict.fromkeys((DEFAULT_TASK, *(row.get("task") for row in rows)))
        self.keys = tuple(
            dict.fromkeys((*_fixed_keys(), *(key for keys in shapes for key in keys)))
        )
        """All keys, in the order in which they are offered."""
        self._known = frozenset(self.keys)
        labels = _labels(tasks)
        self.aliases = {**labels, **ALIASES}
        """Short names → keys."""
        self.primaries = {metric: label for label, metric in labels.items()}
        """Primary metrics of the tasks → their short names."""

    def resolve(self, name: str) -> str:
        """Return the key that a name stands for: itself, one of :attr:`aliases`, or a unique last part.

        Raises:
            UnknownFieldError: there is none, or several; names the nearest, or the candidates.
        """
        if name in self._known:
            return name
        prefix = next((p for p in PREFIXES if name.startswith(p)), "")
        alias = prefix + self.aliases.get(name.removeprefix(prefix), "")
        if alias in self._known:
            return alias
        matches = self._by_last_part.get(name, [])
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise UnknownFieldError(f"{name!r} could be any of {', '.join(matches)}")
        near = nearest(name, [*self.keys, *self.aliases, *self._by_last_part])
        hint = near if near.startswith("; did") else "; `mabe runs --columns help` lists all"
        raise UnknownFieldError(f"no field {name!r}{hint}")

    @cached_property
    def _by_last_part(self) -> dict[str, list[str]]:
        parts: dict[str, list[str]] = {}
        for key in self.keys:
            if not key.startswith(PREFIXES):
                parts.setdefault(key.rpartition(".")[2], []).append(key)
        return parts


def sort_rows(rows: Iterable[Row], key: str, descending: bool = False) -> list[Row]:
    """Sort by one key; rows without a value, or with NaN, come last in either direction. The sort is stable.

    Text sorts naturally: ``v9`` before ``v10``. Numbers come before text.
    """
    valued: list[Row] = []
    missing: list[Row] = []
    for row in rows:
        (missing if is_missing(row.get(key)) else valued).append(row)
    return [*sorted(valued, key=lambda row: order_of(row[key]), reverse=descending), *missing]


def largest_first(rows: Collection[Row], key: str) -> bool:
    """Return the initial direction of a column: the best, the largest or the newest first.

    Text sorts in ascending order, and so do values where smaller is better, such as a loss.
    """
    row = next((row for row in rows if not is_missing(row.get(key))), None)
    if row is None:
        return not falls(key.rpartition(".")[2], None)
    return not (isinstance(row[key], str | tuple) or _is_better_smaller(row, key))


def _is_better_smaller(row: Row, key: str) -> bool:
    if key in (BEST_SCORE, SMOOTHED_SCORE, SCORE_DELTA):
        return row.get("metric_rises") is False
    spec = find_spec(row.get("task", DEFAULT_TASK))
    if key == DELTA:
        return spec is not None and falls(spec.primary, spec)
    if key == "best_metric":
        return falls(str(row.get("monitor")), spec)
    return falls(key.removeprefix("best.").removeprefix("smoothed."), spec)


def is_missing(value: Value) -> bool:
    """Return whether a value is missing: ``None`` or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def order_of(value: Value) -> tuple[object, ...]:
    """Return a sort key for values of any kind."""
    if isinstance(value, dt.datetime):
        return (0, value.timestamp())
    if isinstance(value, str):
        return (1, natural(value))
    if isinstance(value, tuple):
        return (1, natural(" ".join(value)))
    return (0, value)


def natural(text: str) -> tuple[tuple[bool, int, str], ...]:
    """Return a natural sort key for text with numbers in it: ``v9`` before ``v10``."""
    return tuple(
        (False, int(part), "") if part.isdigit() else (True, 0, part.casefold())
        for part in _DIGITS.split(text)
        if part
    )


def _labels(tasks: Iterable[Value]) -> dict[str, str]:
    """Return the short names of the tasks' primary metrics; the first task wins."""
    found: dict[str, str] = {}
    for spec in map(find_spec, tasks):
        if spec is not None:
            found.setdefault(spec.primary_metric.label.casefold(), spec.primary)
    return found


def _fixed_keys() -> tuple[str, ...]:
    """Return the keys that can be used before there is any run."""
    spec = task_spec(DEFAULT_TASK)
    settings = flatten(spec.experiment(name=""))
    metrics = [f"{prefix}{name}" for prefix in ("", *PREFIXES) for name in _plain_metrics(spec)]
    kept = [key for key in settings if not key.startswith(LEFT_OUT) and key != "actions"]
    return (*_SUMMARY_FIELDS, *OWN_KEYS, *metrics, *kept)


def _plain_metrics(spec: TaskSpec) -> list[str]:
    return [metric.name for metric in spec.metrics if not metric.per_label]
