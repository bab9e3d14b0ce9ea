"""Apply rules: turn probabilities into the label of each frame, and into bouts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from core.data.competition import Bouts
from core.errors import ConfigError
from core.evaluation.pair_probabilities import PairProbabilities
from core.postprocess.rules import KeyRule, Rules
from core.postprocess.shape import NOTHING, Labels, Runs, painted, runs_of, shaped
from core.postprocess.smoothing import Floats, gaussian, median_filter

LEAST = 1e-6
"""Probabilities are clipped to this distance from 0 and 1 before their logits are taken."""


class Bout(NamedTuple):
    """One interval of one class."""

    video_id: str
    class_index: int
    start_frame: int
    stop_frame: int
    """Exclusive."""
    probability: float
    """The class's mean probability over the bout's frames, before smoothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The label of each frame, and the one it would have without that label; ``(frames,)`` each."""

    label: Labels
    second: Labels
    """:data:`~core.postprocess.shape.NOTHING` where no other label is above its threshold."""


def decide(probabilities: PairProbabilities, rules: Rules) -> Bouts:
    """Return the bouts of one video: at most one action of each (agent, target) at a time.

    Raises:
        ConfigError: the rules are for classes that exclude one another.
        UserError: the rules count in seconds, but the video has no frame rate.
    """
    fps, lab = probabilities.frames_per_second, probabilities.lab_id
    names = np.array(probabilities.actions, object)
    agent, target, action, start, stop = [], [], [], [], []
    for pair, annotated in enumerate(probabilities.annotated):
        keys = {int(c): rules.of(lab, str(names[c])) for c in np.flatnonzero(annotated)}
        runs = decided_runs(PreparedColumns(probabilities.values[pair], fps), keys, rules)
        agent.append(np.full(len(runs.label), probabilities.agents[pair], np.int64))
        target.append(np.full(len(runs.label), probabilities.targets[pair], np.int64))
        action.append(names[runs.label])
        start.append(runs.start)
        stop.append(runs.stop)
    empty = np.zeros(0, np.int64)
    return Bouts(
        agent=np.concatenate([empty, *agent]),
        target=np.concatenate([empty, *target]),
        action=np.concatenate([np.zeros(0, object), *action]),
        start=np.concatenate([empty, *start]),
        stop=np.concatenate([empty, *stop]),
    )


def find_bouts(
    video_id: str,
    probabilities: Floats,
    rules: Rules | None = None,
    classes: Sequence[str] = (),
    frames_per_second: float | None = None,
) -> list[Bout]:
    """Find the bouts of every class but the first, in order of time.

    Args:
        video_id: copied to the bouts.
        probabilities: ``(frames, classes)``; classes exclude one another, and the first is the background.
        rules: by default, bouts are the runs of the likeliest class.
        classes: names of the classes; only rules with thresholds need them.
        frames_per_second: needed by rules that count in seconds.
    """
    runs = class_runs(probabilities, rules or Rules.likeliest(), classes, frames_per_second)
    columns = zip(runs.label.tolist(), runs.start.tolist(), runs.stop.tolist(), strict=True)
    return [
        Bout(video_id, index, start, stop, float(probabilities[start:stop, index].mean()))
        for index, start, stop in columns
    ]


def decide_classes(
    probabilities: Floats,
    rules: Rules,
    classes: Sequence[str] = (),
    frames_per_second: float | None = None,
) -> npt.NDArray[np.uint8]:
    """Return the class of each frame, ``(frames,)``; arguments as in :func:`find_bouts`."""
    runs = class_runs(probabilities, rules, classes, frames_per_second)
    labels = painted(runs, len(probabilities))
    return np.where(labels == NOTHING, 0, labels).astype(np.uint8)


def class_runs(
    probabilities: Floats, rules: Rules, classes: Sequence[str], frames_per_second: float | None
) -> Runs:
    """Return the runs of every class but the first; see :func:`find_bouts`.

    Raises:
        ConfigError: rules with thresholds need the classes' names.
    """
    if rules.choice == "likeliest":
        values = median_filter(probabilities, median_frames(rules, frames_per_second))
        labels = values.argmax(axis=1).astype(np.int16)
        labels[labels == 0] = NOTHING
        return _shaped(labels, rules, frames_per_second)
    if len(classes) != probabilities.shape[1]:
        raise ConfigError(
            f"{len(classes)} names for {probabilities.shape[1]} classes; rules need one per class"
        )
    keys = {index: rules.of("", name) for index, name in enumerate(classes) if index}
    return decided_runs(PreparedColumns(probabilities, frames_per_second), keys, rules)


class PreparedColumns:
    """The columns of one sequence; each is prepared once for all rules that prepare it in the same way.

    Args:
        values: ``(frames, labels)`` probabilities; NaN counts as 0.
        frames_per_second: needed by rules that count in seconds.
    """

    def __init__(self, values: Floats, frames_per_second: float | None) -> None:
        self.frames = len(values)
        self.frames_per_second = frames_per_second
        self._values = values
        self._prepared: dict[tuple[int, int, float, float], Floats] = {}

    def column(self, number: int, key: KeyRule, rules: Rules) -> Floats:
        """Return the ``(frames,)`` probabilities of a label after median, calibration and smoothing."""
        median = median_frames(rules, self.frames_per_second)
        sigma = rules.sigma_frames(key, self.frames_per_second)
        how = (number, median, key.temperature, sigma)
        if how not in self._prepared:
            values = np.nan_to_num(self._values[:, number], nan=0.0)
            values = median_filter(values[:, None], median)[:, 0]
            if key.temperature != 1.0:
                certain = logits(values) / key.temperature
                values = (1 / (1 + np.exp(-certain))).astype(np.float32)
            self._prepared[how] = gaussian(values, sigma)
        return self._prepared[how]


def decided_runs(columns: PreparedColumns, keys: Mapping[int, KeyRule], rules: Rules) -> Runs:
    """Return the bouts of one sequence, labelled by their columns; see :func:`choose`."""
    return _shaped(choose(columns, keys, rules).label, rules, columns.frames_per_second)


def choose(columns: PreparedColumns, keys: Mapping[int, KeyRule], rules: Rules) -> Choice:
    """Choose among the labels that are at or above their thresholds.

    Args:
        columns: probabilities.
        keys: column → its rule; other columns are never chosen.
        rules: determine which label wins.

    Raises:
        ConfigError: the rules have no thresholds.
    """
    if rules.choice == "likeliest":
        raise ConfigError(
            "rules that take the likeliest class are for classes that exclude one another;"
            " actions need thresholds"
        )
    label, second = (np.full(columns.frames, NOTHING, np.int16) for _ in range(2))
    alive = {column: key for column, key in keys.items() if not key.dropped}
    prepared = {column: columns.column(column, key, rules) for column, key in alive.items()}
    above = np.zeros((len(alive), columns.frames), np.bool_)
    for row, (column, key) in enumerate(alive.items()):
        above[row] = prepared[column] >= key.threshold
        label[above[row]] = column
    contested = np.flatnonzero(above.sum(axis=0) > 1)
    if contested.size:
        claimed = [_score(prepared[column][contested], key, rules) for column, key in alive.items()]
        scores = np.where(above[:, contested], np.stack(claimed), -np.inf)
        order = np.argsort(-scores, axis=0, kind="stable")
        names = np.array([*alive], np.int16)
        label[contested], second[contested] = names[order[0]], names[order[1]]
    return Choice(label, second)


def _score(values: Floats, key: KeyRule, rules: Rules) -> npt.NDArray[np.float64]:
    if rules.choice == "probability":
        return values.astype(np.float64)
    return logits(values) - float(logits(np.array([key.threshold]))[0])


def logits(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return log(p / (1 − p)), finite also at 0 and 1."""
    kept = np.clip(np.asarray(values, np.float64), LEAST, 1 - LEAST)
    return np.asarray(np.log(kept / (1 - kept)))


def median_frames(rules: Rules, frames_per_second: float | None) -> int:
    """Return the length of the running median: an odd number of frames, 1 for none."""
    return 2 * int(rules.frames(rules.median, frames_per_second) // 2) + 1


def shape_frames(rules: Rules, frames_per_second: float | None) -> tuple[int, int]:
    """Return the longest gap that is merged and the shortest bout that is kept, in frames."""
    gap = round(rules.frames(rules.merge_gap, frames_per_second))
    return gap, max(1, round(rules.frames(rules.min_length, frames_per_second)))


def _shaped(labels: Labels, rules: Rules, frames_per_second: float | None) -> Runs:
    return shaped(runs_of(labels), *shape_frames(rules, frames_per_second))
