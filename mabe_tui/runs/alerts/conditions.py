"""Conditions of rules: words, queries, and metrics that no longer improve.

::

    finished | failed | stopped | preempted | lost | stalled | nan, several of them joined by `or`
    METRIC not improved for N epochs
    a query, as `mabe runs --where` takes it: score > 0.45, cost > 20, epoch >= 5 and loss > 2
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from core.config.strict import nearest
from core.errors import ConfigError
from core.run.events import Epoch
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.alerts.moments import RunMoment
from mabe_tui.runs.format.event_text import best_name, best_words, state_words
from mabe_tui.runs.format.units import duration
from mabe_tui.runs.format.untrusted_text import clean
from mabe_tui.runs.listing.fields import Fields, UnknownFieldError
from mabe_tui.runs.listing.query import QueryError, parse
from mabe_tui.runs.listing.record import TRAIN_LOSS, RunRecord, falls
from mabe_tui.runs.tasks import find_spec

ENDINGS = {
    state.value: state
    for state in (
        RunState.FINISHED,
        RunState.FAILED,
        RunState.STOPPED,
        RunState.PREEMPTED,
        RunState.LOST,
    )
}
STALLED, NOT_A_NUMBER = "stalled", "nan"
WORDS = (*ENDINGS, STALLED, NOT_A_NUMBER)
_PLATEAU = re.compile(
    r"(?P<key>\S+)\s+(?:has\s+)?not\s+improved\s+for\s+(?P<epochs>[1-9]\d{0,5})\s+epochs?",
    re.IGNORECASE,
)
_JOINED = re.compile(r"\s*,\s*|\s+or\s+", re.IGNORECASE)
Reason = Callable[[RunMoment], str | None]
"""Returns why a condition holds at a moment; ``None`` if it does not."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition."""

    text: str
    reason: Reason
    """Returns why it holds, in words, or ``None``."""
    keys: tuple[str, ...] = ()
    """Keys of the values that it looks at."""


def parse_condition(text: str, fields: Fields | None = None) -> Condition:
    """Parse a condition.

    Args:
        text: see the module's description.
        fields: the keys of the runs; the fixed ones by default.

    Raises:
        ConfigError: it is none; says where and why.
    """
    fields = fields or Fields()
    words = [word.casefold() for word in _JOINED.split(text.strip())]
    if words and all(word in WORDS for word in words):
        return Condition(text, lambda moment: _of_words(words, moment))
    if (plateau := _PLATEAU.fullmatch(text.strip())) is not None:
        return _plateau(text, plateau["key"], int(plateau["epochs"]), fields)
    try:
        query = parse(text, fields)
    except QueryError as error:
        raise ConfigError(f"{text!r}: {error}") from None
    if query.bare or not query.keys:
        word = (*query.bare, text)[0]
        hint = nearest(word, WORDS)
        mend = hint if hint.startswith("; did") else f"; conditions are {', '.join(WORDS)},"
        raise ConfigError(
            f"{text!r}: {word!r} is no condition{mend} or, with others, comparisons such as"
            f" state == {word} or score > 0.45"
        )
    keys = query.keys

    def reason(moment: RunMoment) -> str | None:
        return _values(moment, keys) if query.matches(moment.row) else None

    return Condition(text, reason, keys)


def _of_words(words: list[str], moment: RunMoment) -> str | None:
    run = moment.record.summary
    if run.state.value in words and run.state.value in ENDINGS:
        best = f", best {best_name(run)} {best_words(run)}" if run.best_metric is not None else ""
        why = f": {run.problem}" if run.problem else best
        cost = f", ${run.cost_usd:.2f}" if run.cost_usd is not None else ""
        return clean(f"{state_words(run)}{why}, {duration(run.elapsed_seconds)}{cost}")
    if STALLED in words and run.stalled_seconds is not None:
        return f"has said nothing for {duration(run.stalled_seconds)}"
    if NOT_A_NUMBER in words:
        return _not_a_number(moment.record)
    return None


def _not_a_number(record: RunRecord) -> str | None:
    run = record.summary
    values = run.metrics | ({} if run.train_loss is None else {TRAIN_LOSS: run.train_loss})
    wrong = next((name for name, value in values.items() if not math.isfinite(value)), None)
    if wrong is None or run.imported:
        return None
    return clean(f"{wrong} is {values[wrong]} in epoch {max(run.epoch, 1)}")


def _values(moment: RunMoment, keys: tuple[str, ...]) -> str:
    shown = [f"{key} {_spelled(moment.row.get(key))}" for key in keys]
    run = moment.record.summary
    epoch = [f"epoch {run.epoch} of {run.epochs}"] if run.epochs else []
    return clean(", ".join([*shown, *epoch]))


def _spelled(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "unknown" if value is None else str(value)


def _plateau(text: str, name: str, patience: int, fields: Fields) -> Condition:
    try:
        key = TRAIN_LOSS if name == TRAIN_LOSS else fields.resolve(name)
    except UnknownFieldError as error:
        raise ConfigError(f"{text!r}: {error}") from None

    def reason(moment: RunMoment) -> str | None:
        values = [_of_epoch(epoch, key) for epoch in moment.epochs]
        known = [(value, n) for n, value in enumerate(values) if math.isfinite(value)]
        if not known:
            return None
        sign = 1 if falls(key, find_spec(moment.record.summary.task)) else -1
        best, at = min(known, key=lambda each: (sign * each[0], each[1]))
        since = len(values) - 1 - at
        if since < patience:
            return None
        epoch = moment.epochs[at].epoch
        return clean(f"{key} has not improved for {since} epochs: best {best:.4f} in epoch {epoch}")

    return Condition(text, reason, (key,))


def _of_epoch(epoch: Epoch, key: str) -> float:
    return epoch.train_loss if key == TRAIN_LOSS else epoch.metrics.get(key, math.nan)
