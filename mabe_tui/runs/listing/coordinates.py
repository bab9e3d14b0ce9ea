"""Settings and scores of runs as parallel coordinates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.config.strict import nearest
from core.errors import UserError
from mabe_tui.plotting.coordinates import CoordinateAxis
from mabe_tui.plotting.ticks import short_number
from mabe_tui.runs.listing.record import RunRecord

MOST_AXES = 9
"""Settings that are shown unless they are named."""
WIDE = 50.0
"""From this ratio of the largest to the smallest value, an axis is logarithmic."""
MOST_NAMES = 12
"""Texts that an axis names."""


@dataclass(frozen=True, slots=True)
class RunCoordinates:
    """Runs as lines."""

    runs: tuple[str, ...]
    keys: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]
    """For each run, the values of the keys."""
    metric: str
    scores: tuple[float, ...]
    order: tuple[int, ...]
    """Indices of the runs, the best first."""
    left_out: int
    """Settings that differ, but are not among the keys."""

    @property
    def axes(self) -> list[CoordinateAxis]:
        """The settings, then the score."""
        columns = zip(*self.values, strict=True)
        settings = [
            _axis(key.rpartition(".")[2], column)
            for key, column in zip(self.keys, columns, strict=True)
        ]
        return [*settings, _axis(self.metric, self.scores)]


def coordinates_of(
    records: Sequence[RunRecord], keys: Sequence[str] | None = None
) -> RunCoordinates:
    """Return runs as lines through their settings and their score.

    Args:
        records: runs; those without a score are left out.
        keys: settings; by default, those in which the runs differ.

    Raises:
        UserError: fewer than two runs have a score, their metrics differ, they differ in no setting, or a
            key is unknown.
    """
    scored = [record for record in records if _score(record) is not None]
    if len(scored) < 2:
        raise UserError(f"{len(scored)} of {len(records)} runs have a score; two are needed")
    metrics = sorted({str(record.summary.metric) for record in scored})
    if len(metrics) > 1:
        raise UserError(
            f"the runs are scored by {', '.join(metrics)}; choose some with --where, such as task == NAME"
        )
    differing = _differing(scored)
    if keys is None and not differing:
        raise UserError("the runs differ in no setting")
    chosen = [_resolved(key, scored) for key in keys] if keys is not None else differing[:MOST_AXES]
    scores = [value for record in scored if (value := _score(record)) is not None]
    sign = -1 if scored[0].summary.metric_rises else 1
    return RunCoordinates(
        runs=tuple(record.id for record in scored),
        keys=tuple(chosen),
        values=tuple(tuple(record.settings.get(key) for key in chosen) for record in scored),
        metric=scored[0].summary.metric_label or metrics[0],
        scores=tuple(scores),
        order=tuple(sorted(range(len(scores)), key=lambda place: sign * scores[place])),
        left_out=len(set(differing) - set(chosen)),
    )


def _score(record: RunRecord) -> float | None:
    value = record.summary.best_score
    return value if value is not None and math.isfinite(value) else None


def _differing(records: Sequence[RunRecord]) -> list[str]:
    keys = dict.fromkeys(key for record in records for key in record.settings)
    return [key for key in keys if len({repr(r.settings.get(key)) for r in records}) > 1]


def _resolved(name: str, records: Sequence[RunRecord]) -> str:
    known = dict.fromkeys(key for record in records for key in record.settings)
    if name in known:
        return name
    matches = [key for key in known if key.rpartition(".")[2] == name]
    if len(matches) != 1:
        raise UserError(f"no setting {name!r}{nearest(name, matches or known)}")
    return matches[0]


def _axis(label: str, values: Sequence[Any]) -> CoordinateAxis:
    known = [value for value in values if value is not None]
    if known and all(_is_number(value) for value in known):
        return _numeric(label, [math.nan if value is None else float(value) for value in values])
    names = list(dict.fromkeys(map(_spelled, values)))
    places = {name: place for place, name in enumerate(sorted(names))}
    top = max(1, len(places) - 1)
    at = np.array([places[_spelled(value)] / top for value in values])
    ticks = [(place / top, name) for name, place in places.items()]
    return CoordinateAxis(label, at, tuple(ticks[:MOST_NAMES]))


def _numeric(label: str, values: list[float]) -> CoordinateAxis:
    array = np.array(values)
    low, high = float(np.nanmin(array)), float(np.nanmax(array))
    is_log = low > 0 and high / low >= WIDE
    scaled = np.log(array) if is_log else array
    span = np.nanmax(scaled) - np.nanmin(scaled)
    at = (scaled - np.nanmin(scaled)) / span if span > 0 else np.where(np.isnan(array), np.nan, 0.5)
    ends = ((0.0, short_number(low)), (1.0, short_number(high)))
    return CoordinateAxis(label, at, ends if span > 0 else ((0.5, short_number(low)),))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _spelled(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "+".join(map(str, value))
    return "none" if value is None else str(value)
