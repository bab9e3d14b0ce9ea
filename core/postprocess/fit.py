"""Fit rules on out-of-fold predictions.

Several fits share each pass over the predictions: one fit for each fold held out and each choice of parts.
Memory holds one sequence at a time, and 99 counts for each sequence and label.
"""

import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

import msgspec
import numpy as np

from core.postprocess.calibration import LogitCounts, calibration_error, temperature_of
from core.postprocess.decide import PreparedColumns
from core.postprocess.rules import KeyRule, Rules, Settings
from core.postprocess.sequences import KeptSequence, Key, Source, with_progress
from core.postprocess.survey import FoldSurvey, Survey, survey
from core.postprocess.thresholds import ThresholdCounts, best_constant, best_threshold, shrunk
from core.postprocess.weak import drop_weak
from core.system.progress import Progress

SIGMA_STEPS = 4
"""Standard deviations are rounded to this many steps per octave, so that fits on different folds mostly share
the smoothing."""


@dataclass(frozen=True, slots=True)
class OneFit:
    """One fit."""

    settings: Settings
    held_out: int | None = None
    """Fold whose sequences are left out."""

    def uses(self, sequence: KeptSequence) -> bool:
        """Return whether the fit learns from a sequence."""
        return sequence.fold != self.held_out


def fit(
    source: Source,
    settings: Settings | None = None,
    runs: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> Rules:
    """Fit rules on all sequences.

    Args:
        source: out-of-fold predictions; read up to three times.
        settings: which parts to use; by default, all but the calibration.
        runs: ids of the runs that predicted, for the record.
        progress: called with (done, total, what); the total is unknown.

    Raises:
        DataError: nothing can be fitted on them.
    """
    seen = survey(source, runs, progress)
    (rules,) = fit_all(source, [OneFit(settings or Settings())], seen, progress)
    return rules


def fit_all(
    source: Source, jobs: Sequence[OneFit], seen: Survey, progress: Progress | None = None
) -> list[Rules]:
    """Return the rules of each job; see :func:`fit`.

    Args:
        source: as in ``seen``; read once for thresholds and once to drop weak labels.
        jobs: what to fit.
        seen: the first look at the source.
        progress: called with (done, total, what).
    """
    drafts = [_draft(job, seen) for job in jobs]
    total = seen.fitted_on.sequences
    counts = _count(source, jobs, drafts, total, progress)
    fitted = [_with_thresholds(*each, counts) for each in zip(jobs, drafts, strict=True)]
    weak = [n for n, job in enumerate(jobs) if job.settings.weak]
    if weak and seen.contested:
        uses = [jobs[n].uses for n in weak]
        dropped = drop_weak(source, [fitted[n] for n in weak], uses, total, progress)
        for n, rules in zip(weak, dropped, strict=True):
            fitted[n] = rules
    return fitted


def _draft(job: OneFit, seen: Survey) -> Rules:
    """Return rules with everything but the thresholds."""
    settings = job.settings
    found = {key: seen.without(key, job.held_out) for key in sorted(seen.keys)}
    everything = sum((each.logits for each in found.values()), LogitCounts.none())
    pooled = temperature_of(everything)
    starting = settings.prior if settings.thresholds else settings.threshold
    choice: Literal["margin", "probability"] = "margin" if settings.margin else "probability"
    return Rules(
        clock="seconds" if seen.seconds else "frames",
        choice=choice,
        median=settings.median,
        merge_gap=settings.merge_gap,
        min_length=settings.min_length,
        otherwise=KeyRule(threshold=starting),
        fitted_on=seen.fitted_on,
        settings=settings,
        keys=tuple(_key_rule(*each, pooled, settings) for each in found.items()),
    )


def _key_rule(key: Key, found: FoldSurvey, pooled: float, settings: Settings) -> KeyRule:
    bouts = len(found.lengths)
    length = median(found.lengths) if bouts else 0.0
    own = temperature_of(found.logits) if bouts else pooled
    logs = float(np.log2(own)), float(np.log2(pooled))
    temperature = float(2 ** shrunk(*logs, bouts, settings.shrinkage))
    return KeyRule(
        lab=key[0],
        label=key[1],
        threshold=settings.prior if settings.thresholds else settings.threshold,
        sigma=_rounded(settings.bout_share * length) if settings.smoothing else 0.0,
        temperature=temperature if settings.calibration else 1.0,
        dropped="absent" if settings.absent and not bouts else "",
        bouts=bouts,
        median_bout=length,
        calibration_error=calibration_error(found.logits),
        calibrated_error=calibration_error(found.logits, temperature),
        fitted_temperature=temperature,
    )


def _rounded(sigma: float) -> float:
    if not sigma:
        return 0.0
    return float(2 ** (round(SIGMA_STEPS * np.log2(sigma)) / SIGMA_STEPS))


Preparation = tuple[Key, float, float, float]
"""A key, the length of the median, temperature and standard deviation."""


def _preparation(rule: KeyRule, rules: Rules) -> Preparation:
    return (rule.lab, rule.label), rules.median, rule.temperature, rule.sigma


def _count(
    source: Source,
    jobs: Sequence[OneFit],
    drafts: Sequence[Rules],
    total: int,
    progress: Progress | None,
) -> dict[Preparation, list[tuple[int, ThresholdCounts]]]:
    """Count each sequence's frames above each threshold, for every preparation that a job needs."""
    counts: defaultdict[Preparation, list[tuple[int, ThresholdCounts]]] = defaultdict(list)
    fitted = [each for each in zip(jobs, drafts, strict=True) if each[0].settings.thresholds]
    if not fitted:
        return {}
    for sequence in with_progress(source, total, progress, "sequences counted"):
        columns = PreparedColumns(sequence.values, sequence.frames_per_second)
        for column in sequence.decidable:
            needed: dict[Preparation, tuple[KeyRule, Rules]] = {}
            for job, rules in fitted:
                rule = rules.of(*sequence.key(column))
                if job.uses(sequence) and rule.bouts:
                    needed.setdefault(_preparation(rule, rules), (rule, rules))
            for how, (rule, rules) in needed.items():
                values = columns.column(column, rule, rules)
                found = ThresholdCounts.of(values, sequence.truth[:, column])
                counts[how].append((sequence.fold, found))
    return counts


def _with_thresholds(
    job: OneFit, draft: Rules, counts: dict[Preparation, list[tuple[int, ThresholdCounts]]]
) -> Rules:
    settings = job.settings
    if not settings.thresholds:
        return draft
    used = {
        (key.lab, key.label): [
            each for fold, each in counts.get(_preparation(key, draft), []) if fold != job.held_out
        ]
        for key in draft.keys
    }
    prior = _prior(settings, best_constant(list(used.values())), sum(k.bouts for k in draft.keys))
    keys = []
    for key in draft.keys:
        seed = zlib.crc32(f"{key.lab}/{key.label}".encode())
        own = best_threshold(used[key.lab, key.label], settings.bootstrap, seed)
        threshold = prior if own is None else shrunk(own, prior, key.bouts, settings.shrinkage)
        keys.append(msgspec.structs.replace(key, threshold=threshold))
    otherwise = KeyRule(threshold=prior)
    return msgspec.structs.replace(draft, otherwise=otherwise, keys=tuple(keys))


def _prior(settings: Settings, constant: float | None, bouts: int) -> float:
    """Return the value that thresholds are shrunk towards; ``constant`` is best for all keys together."""
    if constant is None:
        return settings.prior
    return min(settings.prior, shrunk(constant, settings.prior, bouts, settings.shrinkage))
