"""Table cells of a run or a version: the same on the command line and in the dashboard."""

import datetime as dt
from collections.abc import Callable

from mabe_tui.runs.format.units import duration
from mabe_tui.runs.listing.fields import DELTA, SCORE_DELTA, Value
from mabe_tui.runs.listing.measured import Measured
from mabe_tui.runs.summary.run_summary import RunSummary

SECONDS = "_seconds"
PRESENT = "^"
"""Marks a mean over the labels present in the validation data, if it lacks some."""
PRESENT_NOTE = f"{PRESENT} over the classes present alone: the validation data lacks some"
LEAST_FIXED, MOST_FIXED = 1e-2, 10
"""Metrics and losses lie between these; they get four decimals."""


def shown_state(run: RunSummary) -> str:
    """Return the word for a run's state; ``imported`` if a log claims the figures beside it."""
    return "imported" if run.imported else run.state.value


def remark_of(run: RunSummary) -> str | None:
    """Return the single most useful remark on a run, beside its figures."""
    if run.stalled_seconds is not None:
        return f"silent for {duration(run.stalled_seconds)}"
    if run.problem:
        return run.problem
    if len(run.warnings) > 1:
        return f"{len(run.warnings)} warnings"
    return run.warnings[0] if run.warnings else run.note or None


def spell_measured(
    measured: Measured,
    as_registered: bool | None,
    primary: str | None = None,
    with_label: bool = False,
) -> str | None:
    """Format a measurement: ``0.4312 ± 0.0051 (3)``, seeds in brackets; ``…`` if no run has finished.

    Args:
        measured: the measurement of a version.
        as_registered: ``False`` adds a star: the runs had settings other than the registry has now.
        primary: the primary metric of the task; if another one leads, :data:`PRESENT` is added.
        with_label: name the metric, in a table of several.
    """
    if measured.score is None:
        return None
    std = (
        f" ± {measured.score_std:.4f} ({len(measured.runs)})"
        if measured.score_std is not None
        else ""
    )
    is_primary = primary in (None, measured.metric)
    most = f" of {measured.at_most:.2f}" if measured.at_most is not None and is_primary else ""
    marks = ("" if measured.finished else "…") + ("*" if as_registered is False else "")
    label = f" {measured.metric_label}" if with_label else ""
    return f"{measured.score:.4f}{std}{most}{'' if is_primary else PRESENT}{marks}{label}"


def spell_score(value: float | None, labels_absent: bool) -> str | None:
    """Format the value of a run's leading metric; marked if it is a mean over some labels only."""
    return None if value is None else f"{value:.4f}{PRESENT if labels_absent else ''}"


def spell(key: str, value: Value) -> str | None:
    """Format a value for a table, by its key and kind; ``None`` if there is none."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return _number(key)(value)
    if isinstance(value, dt.datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M}"
    return " ".join(value) or None


def spell_delta(delta: Value, told_apart: bool | None) -> str | None:
    """Format a difference from the baseline; ``~`` marks one that is not significant."""
    text = spell(DELTA, delta)
    return text if text is None or told_apart or delta == 0 else f"~{text}"


def _number(key: str) -> Callable[[float], str]:
    if key in (DELTA, SCORE_DELTA):
        return lambda value: f"{value:+.4f}".replace("-", "−")
    if key.endswith(SECONDS) and key != "timeout_seconds":
        return duration
    if key.endswith("_usd"):
        return lambda value: f"${value:.2f}"
    return _plain_number


def _plain_number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{value:.4f}" if LEAST_FIXED <= abs(value) < MOST_FIXED else f"{value:.4g}"
