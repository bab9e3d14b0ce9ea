"""What another tool's names of metrics mean here."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.config.strict import nearest
from core.config.task_spec import SUPPORT, TaskSpec
from core.errors import ConfigError, MisuseError
from core.run.events import READINGS
from core.run.free_metrics import LONGEST_NAME, RESERVED
from mabe_tui.runs.curves.curves import OF_TRAINING, TRAIN_LOSS, VALIDATION_LOSS
from mabe_tui.runs.old_logs.series import EPOCH, MetricSeries

LOSS = "loss"
SPELLINGS = {
    TRAIN_LOSS: ("train/loss", "loss/train", "training_loss", "loss_train", "training/loss", LOSS),
    VALIDATION_LOSS: (
        *("val_loss", "val/loss", "valid_loss", "valid/loss", "validation/loss", "eval_loss"),
        *("eval/loss", "loss/val", "loss/valid", "loss/validation", "loss/eval"),
    ),
    "learning_rate": ("lr", "train/lr", "train/learning_rate", "optimizer/lr"),
    "gradient_norm": ("grad_norm", "train/grad_norm", "train/gradient_norm"),
}
"""Our names of curves → names that others give them, in small letters."""
_OF_VALIDATION = re.compile(r"(?:val|valid|validation|eval)[_/]", re.IGNORECASE)
_UNFIT = re.compile(r"[\s,+]+|[^\x20-\x7e]")


@dataclass
class NamedMetrics:
    """Series by what they mean."""

    training: dict[str, MetricSeries] = field(default_factory=dict)
    """By name of a curve of training."""
    measured: dict[str, MetricSeries] = field(default_factory=dict)
    """By name of a metric of the task; the validation loss is :data:`LOSS`."""
    readings: dict[str, MetricSeries] = field(default_factory=dict)
    """By name of a reading of the machine."""
    free: dict[str, MetricSeries] = field(default_factory=dict)
    """All others, under names that free metrics may have."""
    epochs: dict[int, float] = field(default_factory=dict)
    """Step → epoch, as far as the source tells."""


def parse_names(stated: Iterable[str]) -> dict[str, str]:
    """Read ``OURS=THEIRS`` pairs; return theirs → ours.

    Raises:
        MisuseError: a text is not such a pair.
    """
    found = {}
    for text in stated:
        ours, equals, theirs = text.partition("=")
        if not (ours and equals and theirs):
            raise MisuseError(f"--metric {text}: write OURS=THEIRS, such as accuracy=val/acc")
        found[theirs] = ours
    return found


def named(
    series: Sequence[MetricSeries], spec: TaskSpec, stated: Mapping[str, str] | None = None
) -> NamedMetrics:
    """Sort series by what their names mean for a task.

    Args:
        series: of the source.
        spec: the task.
        stated: their name → ours, for names that cannot be told otherwise.

    Raises:
        ConfigError: a stated name is in neither.
    """
    stated = stated or {}
    known = [each.name for each in series]
    for theirs, ours in stated.items():
        if theirs not in known:
            raise ConfigError(f"--metric: the source has no {theirs!r}{nearest(theirs, known)}")
        if ours not in (*OF_TRAINING, VALIDATION_LOSS) and spec.metric(ours) is None:
            names = [metric.name for metric in spec.metrics]
            raise ConfigError(f"--metric: {spec.name} has no metric {ours!r}{nearest(ours, names)}")
    found = NamedMetrics()
    ours_of = {each.name: stated.get(each.name) or _meaning(each.name, spec) for each in series}
    # A name that was stated, or is exactly ours, counts before one that is only like it.
    ordered = sorted(series, key=lambda each: each.name not in (*stated, ours_of[each.name]))
    for each in ordered:
        if each.name.casefold() == EPOCH:
            found.epochs = dict(zip(each.step, each.value, strict=True))
        elif not _take(found, ours_of[each.name], each):
            found.free[_free_name(each.name, found.free)] = each
    return found


def _take(found: NamedMetrics, ours: str | None, series: MetricSeries) -> bool:
    """File a series under our name; return whether that was free."""
    if ours is None:
        return False
    if ours in READINGS:
        into, name = found.readings, ours
    elif ours in OF_TRAINING:
        into, name = found.training, ours
    else:
        into, name = found.measured, LOSS if ours == VALIDATION_LOSS else ours
    if name in into:
        return False
    into[name] = series
    return True


def _meaning(name: str, spec: TaskSpec) -> str | None:
    """Return our name of a curve; ``None`` if it is none of ours."""
    if name in (*OF_TRAINING, *READINGS, VALIDATION_LOSS):
        return name
    small = name.casefold()
    for ours, spellings in SPELLINGS.items():
        if small in spellings:
            return ours
    if name.startswith(SUPPORT):
        return name
    bare = _OF_VALIDATION.sub("", name, count=1)
    return bare if bare != LOSS and spec.metric(bare) is not None else None


def _free_name(name: str, taken: Mapping[str, MetricSeries]) -> str:
    """Return a name that a free metric may have."""
    fit = _UNFIT.sub("_", name.strip())[:LONGEST_NAME] or "unnamed"
    if fit in RESERVED:
        fit = f"imported/{fit}"
    number = 2
    unique = fit
    while unique in taken:
        unique, number = f"{fit[: LONGEST_NAME - 8]}_{number}", number + 1
    return unique
