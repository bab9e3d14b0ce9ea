"""Labels that clearly cost more than they give: a frame goes to one label only, so one can starve another.

If a label is dropped, the frames it won go to the runner-up, and its own F1 is lost. This is done if it
raises the lab's F1 on the sequences that the rules were fitted on, and in nearly all bootstrap resamples of
them, so a few bouts are never enough. At most one label of each lab is dropped, because of two labels that
take frames from each other, dropping either one would seem to help.
"""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from core.evaluation.bootstrap import LEVEL
from core.postprocess.decide import Choice, PreparedColumns, choose
from core.postprocess.rules import Rules
from core.postprocess.sequences import KeptSequence, Key, Source, with_progress
from core.postprocess.shape import NOTHING
from core.system.progress import Progress

RESAMPLES = 200
FOUND, CLAIMED, POSITIVE = range(3)
Floats = npt.NDArray[np.float64]


class LabTally:
    """Frames of one lab's labels in each sequence, and those each would inherit from another label.

    Args:
        labels: of the lab.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self._place = {label: place for place, label in enumerate(labels)}
        self._own: list[npt.NDArray[np.int32]] = []
        """Of each sequence ``(labels, 3)``: true positives, positives claimed, positives."""
        self._inherited: list[npt.NDArray[np.int32]] = []
        """Of each sequence ``(dropped, heirs, 2)``: true positives and positives claimed besides."""

    def add(self, sequence: KeptSequence, chosen: Choice) -> None:
        """Count what was chosen in one sequence."""
        count, labels = len(self.labels), chosen.label
        own = np.zeros((count, 3), np.int32)
        inherited = np.zeros((count, count, 2), np.int32)
        place = {column: self._place[sequence.labels[column]] for column in sequence.decidable}
        for column, row in place.items():
            truth, claimed = sequence.truth[:, column], labels == column
            own[row] = (claimed & truth).sum(), claimed.sum(), truth.sum()
        contested = np.flatnonzero(chosen.second != NOTHING)
        winners, heirs = labels[contested], chosen.second[contested]
        for dropped, heir in {*zip(winners.tolist(), heirs.tolist(), strict=True)}:
            frames = contested[(winners == dropped) & (heirs == heir)]
            right = int(sequence.truth[frames, heir].sum())
            inherited[place[dropped], place[heir]] += (right, len(frames))
        self._own.append(own)
        self._inherited.append(inherited)

    def worst(self, seed: int = 0) -> str | None:
        """Return the label whose removal clearly raises the sum of F1, and raises it most."""
        count = len(self._own)
        if count < 2:
            return None
        drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), RESAMPLES)
        gains = self._gains(np.concatenate((np.ones((1, count)), drawn)))
        sure = (gains[1:] > 0).mean(axis=0) >= (1 + LEVEL) / 2
        candidates = np.where(sure & (gains[0] > 0), gains[0], -np.inf)
        best = int(candidates.argmax())
        return self.labels[best] if candidates[best] > 0 else None

    def _gains(self, weights: Floats) -> Floats:
        """Return ``(resamples, labels)``: the gain in the sum of F1 without each label."""
        own = np.tensordot(weights, np.stack(self._own), 1)
        more = np.tensordot(weights, np.stack(self._inherited), 1)
        before = _f1(own[..., FOUND], own[..., CLAIMED], own[..., POSITIVE])
        heirs = own[:, None]  # (resamples, dropped, heirs, 3)
        after = _f1(
            heirs[..., FOUND] + more[..., 0],
            heirs[..., CLAIMED] + more[..., 1],
            heirs[..., POSITIVE],
        )
        return np.asarray((after - before[:, None]).sum(axis=2) - before)


def _f1(found: Floats, claimed: Floats, positive: Floats) -> Floats:
    frames = claimed + positive
    return np.divide(2 * found, frames, out=np.zeros(frames.shape), where=frames > 0)


def drop_weak(
    source: Source,
    fitted: Sequence[Rules],
    uses: Sequence[Callable[[KeptSequence], bool]],
    total: int = 0,
    progress: Progress | None = None,
) -> list[Rules]:
    """Return rules in which labels that clearly cost more than they give are dropped.

    Args:
        source: read once.
        fitted: the rules.
        uses: for each of the rules, a function that tells whether they were fitted on a sequence.
        total: number of sequences, for the progress.
        progress: called with (done, total, what).
    """
    tallies = [_tallies(rules) for rules in fitted]
    for sequence in with_progress(source, total, progress, "sequences searched for weak labels"):
        columns = PreparedColumns(sequence.values, sequence.frames_per_second)
        for rules, use, tally in zip(fitted, uses, tallies, strict=True):
            if use(sequence):
                chosen = choose(columns, sequence.rules_by(rules), rules)
                tally[sequence.lab].add(sequence, chosen)
    return [_without(rules, tally) for rules, tally in zip(fitted, tallies, strict=True)]


def _tallies(rules: Rules) -> dict[str, LabTally]:
    labs = dict.fromkeys(key.lab for key in rules.keys)
    return {lab: LabTally([key.label for key in rules.keys if key.lab == lab]) for lab in labs}


def _without(rules: Rules, tallies: dict[str, LabTally]) -> Rules:
    worst: set[Key] = {
        (lab, label) for lab, tally in tallies.items() if (label := tally.worst()) is not None
    }
    keys = tuple(
        msgspec.structs.replace(key, dropped="weak") if (key.lab, key.label) in worst else key
        for key in rules.keys
    )
    return msgspec.structs.replace(rules, keys=keys)
