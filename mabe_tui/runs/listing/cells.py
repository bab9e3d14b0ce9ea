"""What a table says of a run or a version in one cell: the same on the command line and on a screen."""

import datetime as dt
from collections.abc import Callable

from mabe_tui.runs.format.units import duration
from mabe_tui.runs.listing.fields import DELTA, Value
from mabe_tui.runs.listing.measured import Measured
from mabe_tui.runs.summary.run_summary import RunSummary

SECONDS = "_seconds"
LEAST_FIXED, MOST_FIXED = 1e-2, 10
"""Between these lie metrics and losses, which are told to four places."""


def shown_state(run: RunSummary) -> str:
    """Return the word of a table for a run's state; ``imported`` where a log claims the figures beside it."""
    return "imported" if run.imported else run.state.value


def remark_of(run: RunSummary) -> str | None:
    """Return the one thing most worth knowing of a run, beside its figures."""
    if run.stalled_seconds is not None:
        return f"silent for {duration(run.stalled_seconds)}"
    if run.problem:
        return run.problem
    if len(run.warnings) > 1:
        return f"{len(run.warnings)} warnings"
    return run.warnings[0] if run.warnings else run.note or None


def spell_measured(measured: Measured, as_registered: bool | None) -> str | None:
    """Spell a measurement: ``0.4312 ± 0.0051 (3)``, seeds in brackets; ``…`` where no run is finished.

    ``of 0.50`` is what cannot be passed where the validation videos lack classes. A star says that the
    runs had other settings than the registry gives now.
    """
    if measured.f1_macro is None:
        return None
    std = f" ± {measured.std:.4f} ({len(measured.runs)})" if measured.std is not None else ""
    most = f" of {measured.at_most:.2f}" if measured.at_most is not None else ""
    open_ended = "" if measured.finished else "…"
    return f"{measured.f1_macro:.4f}{std}{most}{open_ended}{'*' if as_registered is False else ''}"


def spell(key: str, value: Value) -> str | None:
    """Spell a value for a table, by its key and kind; ``None`` where there is none."""
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
    """Spell a difference from the baseline; ``~`` before one that is not told apart from luck."""
    text = spell(DELTA, delta)
    return text if text is None or told_apart or delta == 0 else f"~{text}"


def _number(key: str) -> Callable[[float], str]:
    if key == DELTA:
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
