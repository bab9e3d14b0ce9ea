"""The first pass over what rules are fitted on: lengths of bouts, and counts for the calibration."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from core.errors import DataError
from core.postprocess.calibration import LogitCounts
from core.postprocess.rules import FittedOn
from core.postprocess.sequences import KeptSequence, Key, Source, with_progress
from core.system.progress import Progress

DIGEST_LETTERS = 16


@dataclass(slots=True, eq=False)
class FoldSurvey:
    """What one fold contains of one key."""

    lengths: list[float] = field(default_factory=list)
    """Lengths of its bouts, by the clock."""
    logits: LogitCounts = field(default_factory=LogitCounts.none)


@dataclass(slots=True, eq=False)
class Survey:
    """What all sequences contain, by key and fold."""

    seconds: bool
    """Whether every video's frame rate is known: the clock counts seconds."""
    keys: dict[Key, dict[int, FoldSurvey]]
    fitted_on: FittedOn
    folds: tuple[int, ...]
    contested: bool
    """Whether any sequence has several labels, which may claim the same frame."""
    exclusive: bool
    """Whether the labels are classes that exclude one another."""

    def without(self, key: Key, held_out: int | None) -> FoldSurvey:
        """Return what the other folds contain of a key; all folds if none is held out."""
        total = FoldSurvey()
        for fold, each in self.keys[key].items():
            if fold != held_out:
                total.lengths += each.lengths
                total.logits = total.logits + each.logits
        return total


def survey(source: Source, runs: tuple[str, ...] = (), progress: Progress | None = None) -> Survey:
    """Read all sequences once.

    Raises:
        DataError: there are none, a video is in two folds, or only some videos' frame rates are known.
    """
    keys: defaultdict[Key, dict[int, FoldSurvey]] = defaultdict(dict)
    fold_of: dict[str, int] = {}
    digest = hashlib.sha256()
    rates, labels = set[bool](), set[int]()
    count = frames = 0
    exclusive = False
    for sequence in with_progress(source, 0, progress, "reading predictions"):
        count += 1
        if fold_of.setdefault(sequence.unit, sequence.fold) != sequence.fold:
            raise DataError(f"{sequence.unit} is in two folds; each video is in one")
        rates.add(sequence.frames_per_second is not None)
        exclusive = exclusive or sequence.exclusive
        labels.add(len(sequence.decidable))
        frames += len(sequence.values)
        digest.update(np.ascontiguousarray(sequence.values).data)
        digest.update(np.packbits(sequence.truth).data)
        _survey_one(keys, sequence)
    if not count:
        raise DataError("no predictions: there is nothing to fit post-processing on")
    if len(rates) > 1:
        raise DataError("the frame rates of some videos are known, but not those of others")
    folds = tuple(sorted(set(fold_of.values())))
    fitted_on = FittedOn(
        runs=runs,
        units=len(fold_of),
        sequences=count,
        frames=frames,
        folds=len(folds),
        digest=digest.hexdigest()[:DIGEST_LETTERS],
    )
    return Survey(rates == {True}, dict(keys), fitted_on, folds, max(labels) > 1, exclusive)


def _survey_one(keys: dict[Key, dict[int, FoldSurvey]], sequence: KeptSequence) -> None:
    rate = sequence.frames_per_second or 1.0
    for column in sequence.decidable:
        truth, values = sequence.truth[:, column], sequence.values[:, column]
        found = keys[sequence.key(column)].setdefault(sequence.fold, FoldSurvey())
        found.lengths += [length / rate for length in bout_lengths(truth)]
        found.logits = found.logits + LogitCounts.of(np.nan_to_num(values), truth)


def bout_lengths(truth: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[int]:
    """Return the length of each run of true values."""
    edges = np.flatnonzero(np.diff(truth.astype(np.int8), prepend=0, append=0))
    lengths: list[int] = (edges[1::2] - edges[::2]).tolist()
    return lengths
