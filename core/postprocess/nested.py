"""Measure rules on videos they were not fitted on: each fold is decided by rules fitted on the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from core.evaluation.bootstrap import resampled, widened_tail
from core.evaluation.rows import FN, FP, TP, Floats, Rows, Statistic
from core.postprocess.decide import PreparedColumns, class_runs, decided_runs
from core.postprocess.fit import OneFit, fit_all
from core.postprocess.rules import PARTS, PartScore, Rules, Settings, switched
from core.postprocess.sequences import KeptSequence, Source, with_progress
from core.postprocess.shape import NOTHING, Labels, painted
from core.postprocess.survey import survey
from core.system.progress import Progress

RESAMPLES = 2000
ALL = "all"
PLAIN = "threshold 0.5"
LIKELIEST = "likeliest class"


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """One choice of parts, in words, and its rules for each fold."""

    parts: str
    rules: Mapping[int, Rules]


@dataclass(frozen=True, slots=True, eq=False)
class NestedFit:
    """Rules fitted on everything, and the counts of each choice of parts on the folds held out."""

    rules: Rules
    parts: tuple[str, ...]
    rows: tuple[Rows, ...]
    """Of each of ``parts``; the first is the plain decision."""


def fit_nested(
    source: Source,
    settings: Settings,
    variants: Mapping[str, Settings] | None = None,
    runs: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> NestedFit:
    """Fit rules, and count the right and wrong frames of each choice of parts on the folds held out.

    Args:
        source: out-of-fold predictions; read four times.
        settings: of the rules.
        variants: other settings to count, by name; by default ``settings`` with each part switched.
        runs: ids of the runs that predicted, for the record.
        progress: called with (done, total, what).

    Raises:
        DataError: nothing can be fitted, or there is a single fold.
    """
    seen = survey(source, runs, progress)
    chosen = {ALL: settings, **(variants if variants is not None else switches(settings))}
    jobs = [OneFit(each, fold) for each in chosen.values() for fold in seen.folds]
    *fitted, rules = fit_all(source, [*jobs, OneFit(settings)], seen, progress)
    by_fold = iter(fitted)
    compared = [*plain(seen.folds, settings, seen.exclusive)]
    compared += [Variant(name, {fold: next(by_fold) for fold in seen.folds}) for name in chosen]
    rows = judge(source, compared, seen.fitted_on.sequences, progress)
    return NestedFit(rules, tuple(each.parts for each in compared), tuple(rows))


def switches(settings: Settings) -> dict[str, Settings]:
    """Return, by description, the settings with each part switched off, or on if it is off."""
    found = {}
    for part in PARTS:
        on = bool(getattr(settings, part))
        word = "without" if on else "with"
        found[f"{ALL} {word} {part}"] = switched(settings, part, not on)
    if not settings.thresholds:  # bootstrap and shrinkage are parts of the thresholds
        found.pop(f"{ALL} without bootstrap", None)
        found.pop(f"{ALL} without shrinkage", None)
    return found


def plain(folds: Sequence[int], settings: Settings, exclusive: bool) -> list[Variant]:
    """Return the decisions that need no fitting; gains are relative to the first one."""
    prior = Rules.constant(settings.prior)
    found = {PLAIN: Rules.constant(0.5), f"threshold {settings.prior:g}": prior}
    if exclusive:
        found = {LIKELIEST: Rules.likeliest(), **found}
    return [Variant(name, dict.fromkeys(folds, rules)) for name, rules in found.items()]


def judge(
    source: Source,
    variants: Sequence[Variant],
    total: int = 0,
    progress: Progress | None = None,
) -> list[Rows]:
    """Count right and wrong frames of each video and label, for each variant.

    Args:
        source: read once.
        variants: each with rules for every fold.
        total: number of sequences, for the progress.
        progress: called with (done, total, what).
    """
    counts: list[dict[tuple[str, str], Floats]] = [{} for _ in variants]
    for sequence in with_progress(source, total, progress, "sequences decided"):
        columns = PreparedColumns(sequence.values, sequence.frames_per_second)
        for variant, into in zip(variants, counts, strict=True):
            labels = _decided(sequence, columns, variant.rules[sequence.fold])
            _add(into, sequence, labels)
    return [_rows(each) for each in counts]


def _decided(sequence: KeptSequence, columns: PreparedColumns, rules: Rules) -> Labels:
    if rules.choice == "likeliest":
        rate = sequence.frames_per_second
        runs = class_runs(np.nan_to_num(sequence.values), rules, sequence.labels, rate)
    else:
        runs = decided_runs(columns, sequence.rules_by(rules), rules)
    labels = painted(runs, columns.frames)
    if sequence.exclusive:
        labels[labels == NOTHING] = 0
    return labels


def _add(into: dict[tuple[str, str], Floats], sequence: KeptSequence, labels: Labels) -> None:
    for column, label in enumerate(sequence.labels):
        truth, claimed = sequence.truth[:, column], labels == column
        found = float((claimed & truth).sum())
        name = f"{sequence.lab}/{label}" if sequence.lab else label
        total = into.setdefault((sequence.unit, name), np.zeros(5))
        total[[TP, FP, FN]] += (found, claimed.sum() - found, truth.sum() - found)


def _rows(counts: Mapping[tuple[str, str], Floats]) -> Rows:
    """Return the rows of all units; labels in the order in which they came, the background first."""
    units = {unit: place for place, unit in enumerate(dict.fromkeys(unit for unit, _ in counts))}
    labels = {name: place for place, name in enumerate(dict.fromkeys(name for _, name in counts))}
    total = np.zeros((len(units), len(labels), 5))
    for (unit, name), each in counts.items():
        total[units[unit], labels[name]] = each
    return Rows(tuple(units), tuple(labels), total)


def scored(fitted: NestedFit, statistic: Statistic, metric: str, seed: int = 0) -> Rules:
    """Return the fitted rules with a report: the score of every choice of parts, with bootstrap intervals.

    Args:
        fitted: rules and counts.
        statistic: the score, as a function of ``(..., labels, 5)`` counts.
        metric: its name.
        seed: of the resampling of the videos, which all choices share.
    """
    units = len(fitted.rows[0].units)
    scores = [statistic(resampled(rows.counts, RESAMPLES, seed)) for rows in fitted.rows]
    exact = [float(statistic(rows.pooled)) for rows in fitted.rows]
    report = []
    for parts, score, drawn in zip(fitted.parts, exact, scores, strict=True):
        low, high = _bounds(drawn, units)
        gain_low, gain_high = _bounds(drawn - scores[0], units)
        part = PartScore(
            parts=parts,
            score=score,
            low=low,
            high=high,
            gain=score - exact[0],
            gain_low=gain_low,
            gain_high=gain_high,
        )
        report.append(part)
    return msgspec.structs.replace(fitted.rules, metric=metric, report=tuple(report))


def _bounds(values: Floats, units: int) -> tuple[float | None, float | None]:
    """Return the bounds of the interval of coverage :data:`~core.evaluation.bootstrap.LEVEL`."""
    if units < 2:
        return None, None
    tail = widened_tail(units)
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
