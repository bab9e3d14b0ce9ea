"""From a point of a chart to the log line it comes from, and back."""

from core.run.events import Epoch, Identity, identity
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.curves.curves import (
    TRAIN_LOSS,
    VALIDATION_LOSS,
    Curve,
    curve,
    curves_in,
    curves_named,
)
from mabe_tui.runs.following.live import RunSource
from mabe_tui.runs.tasks import spec_of


def line_at(source: RunSource, chart: str, axis: Axis, x: float) -> int | None:
    """Return the log line of the point nearest to an x.

    Args:
        source: the run.
        chart: see :func:`~mabe_tui.runs.curves.curves.curves_named`; among its curves, the one with the
            nearest point wins, or the first of equally near ones.
        axis: quantity on the x axis.
        x: the cursor.

    Returns:
        A position of ``source.log``; ``None`` if there is no point, or no line for it.

    Raises:
        RunError: there is no such chart, or dollars are requested and the price is not known.
    """
    nearest = _nearest(source, chart, axis, x)
    return source.log.line_of(nearest[1]) if nearest is not None else None


def x_on(source: RunSource, chart: str, before: Axis, after: Axis, x: float) -> float | None:
    """Return the position on another axis of the point nearest to an x.

    Args:
        source: the run.
        chart: as for :func:`line_at`.
        before: the axis of ``x``.
        after: the axis of the result.
        x: the cursor.

    Returns:
        ``None`` if there is no point.

    Raises:
        RunError: as for :func:`line_at`.
    """
    if (nearest := _nearest(source, chart, before, x)) is None:
        return None
    number, event = nearest
    one = _curves(source, chart, after)[number]
    index = one.index_of(event)
    return float(one.x[index]) if index is not None else None


def x_at(source: RunSource, axis: Axis, position: int) -> float | None:
    """Return the x of a log line: of its event, or of the last event measured before it.

    Args:
        source: the run.
        axis: quantity on the x axis.
        position: a position of ``source.log``.

    Returns:
        ``None`` if nothing is measured.

    Raises:
        RunError: dollars are requested, and the price is not known.
    """
    event = source.log.event_near(position)
    if event is None:
        return None
    name = _of_epochs(source) if isinstance(event, Epoch) else TRAIN_LOSS
    for one in _curves(source, name, axis):
        if (index := one.index_of(identity(event))) is not None:
            return float(one.x[index])
    return None


def _nearest(source: RunSource, chart: str, axis: Axis, x: float) -> tuple[int, Identity] | None:
    """Return the nearest point: its curve in the chart, and the event it comes from."""
    found = [
        (abs(float(one.x[index]) - x), number, one.identity(index))
        for number, one in enumerate(_curves(source, chart, axis))
        if (index := one.nearest(x)) is not None
    ]
    return min(found)[1:] if found else None


def _of_epochs(source: RunSource) -> str:
    """Return any curve whose points are the ends of epochs."""
    measured = source.points.metrics
    return VALIDATION_LOSS if "loss" in measured or not measured else measured[0]


def _curves(source: RunSource, chart: str, axis: Axis) -> list[Curve]:
    limits, spec = source.request.limits, spec_of(source.request.experiment)
    names = curves_named(source.points, curves_in(chart, source.points, spec))
    return [curve(source.points, source.history, name, axis, limits) for name in names]
