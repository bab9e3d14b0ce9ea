"""Split videos into training and validation by groups that share a tracking, balanced by lab and action."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.data.split import split_videos
from core.errors import DataError
from core.tasks.actions.settings import ActionsDataConfig

Load = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SplitCandidate:
    """One video that can be trained or validated on."""

    video_id: str
    lab_id: str
    tracking: str
    """Equal for videos with the same tracking, whoever annotated them."""
    seconds: Mapping[str, float]
    """Action → total duration of its bouts."""


@dataclass(frozen=True, slots=True)
class Split:
    """Video ids, each sorted."""

    training: tuple[str, ...]
    validation: tuple[str, ...]
    neither: tuple[str, ...]
    """Videos that are not trained on because they share the tracking of a validation video."""


def split(config: ActionsDataConfig, candidates: Sequence[SplitCandidate]) -> Split:
    """Split videos as an experiment's ``data`` settings say.

    Videos with the same tracking stay on the same side. Each such group goes to the part (a fold, or the
    training or validation share) that keeps the durations of all labs' actions most evenly distributed.

    Raises:
        DataError: there is no video, there are more folds than groups that may be validated on, or some of
            ``validation_videos`` are not among the candidates.
    """
    ids = [each.video_id for each in candidates]
    if not ids:
        raise DataError("no video is left to learn from (`mabe data check` lists what there is)")
    if config.validation_videos:
        _, named = split_videos(ids, 0, 0, config.validation_videos)
        return _separated(candidates, set(named))
    if not config.validates:
        return Split(tuple(sorted(ids)), (), ())
    groups = [
        group
        for group in _groups(candidates)
        if any(each.lab_id not in config.training_only_labs for each in group)
    ]
    parts = config.folds or 2
    if len(groups) < parts:
        raise DataError(_too_few(config, len(groups)))
    if config.folds is not None:
        shares, chosen = np.full(parts, 1 / parts), config.fold or 0
    else:
        shares, chosen = np.array([1 - config.validation_fraction, config.validation_fraction]), 1
    assigned = _assigned(groups, shares, config)
    validation = {
        each.video_id
        for group, part in zip(groups, assigned, strict=True)
        if part == chosen
        for each in group
        if each.lab_id not in config.training_only_labs
    }
    return _separated(candidates, validation)


def _separated(candidates: Sequence[SplitCandidate], validation: set[str]) -> Split:
    shared = {each.tracking for each in candidates if each.video_id in validation}
    others = [each for each in candidates if each.video_id not in validation]
    training = [each.video_id for each in others if each.tracking not in shared]
    if not training:
        raise DataError(
            f"no video is left to train on besides the {len(validation)} for validation and those that"
            " share their tracking"
        )
    neither = [each.video_id for each in others if each.tracking in shared]
    return Split(tuple(sorted(training)), tuple(sorted(validation)), tuple(sorted(neither)))


def _groups(candidates: Sequence[SplitCandidate]) -> list[list[SplitCandidate]]:
    groups: dict[str, list[SplitCandidate]] = {}
    for each in sorted(candidates, key=lambda each: each.video_id):
        groups.setdefault(each.tracking, []).append(each)
    return list(groups.values())


def _assigned(
    groups: Sequence[Sequence[SplitCandidate]], shares: Load, config: ActionsDataConfig
) -> list[int]:
    """Choose a part for each group, starting with the largest; no part stays empty."""
    loads = _loads(groups, config)
    order = sorted(
        range(len(groups)),
        key=lambda number: (
            -loads[number].max(initial=0),
            _rank(config.split_seed, groups[number]),
        ),
    )
    filled = np.zeros((len(shares), loads.shape[1]))
    counts = np.zeros(len(shares), np.int64)
    chosen = [0] * len(groups)
    for position, number in enumerate(order):
        load = loads[number]
        cost = ((2 * filled * load + load**2) / shares[:, None]).sum(axis=1)
        if (counts == 0).sum() >= len(order) - position:
            cost[counts > 0] = np.inf
        part = int(np.argmin(cost))
        filled[part] += load
        counts[part] += 1
        chosen[number] = part
    return chosen


def _loads(groups: Sequence[Sequence[SplitCandidate]], config: ActionsDataConfig) -> Load:
    """Return ``(groups, keys)``: how much of each lab's action is in each group, as a share.

    The number of a lab's videos is a further key, so that videos without any action are spread as well.
    """
    table: list[dict[tuple[str, str], float]] = []
    for group in groups:
        row: dict[tuple[str, str], float] = {}
        for each in group:
            if each.lab_id in config.training_only_labs:
                continue
            for action, seconds in {**each.seconds, "": 1.0}.items():
                key = each.lab_id, action
                row[key] = row.get(key, 0.0) + seconds
        table.append(row)
    keys = {key: place for place, key in enumerate(sorted({key for row in table for key in row}))}
    loads = np.zeros((len(groups), len(keys)))
    for number, row in enumerate(table):
        for key, seconds in row.items():
            loads[number, keys[key]] = seconds
    totals = loads.sum(axis=0)
    return np.asarray(loads / np.where(totals > 0, totals, 1))


def _rank(seed: int, group: Sequence[SplitCandidate]) -> bytes:
    """Order groups of the same size by a hash of the seed, as :mod:`core.data.split` orders videos."""
    return hashlib.sha256(f"{seed}/{group[0].video_id}".encode()).digest()


def _too_few(config: ActionsDataConfig, groups: int) -> str:
    counted = f"{groups} that may be validated on and share no tracking"
    if config.folds is not None:
        return f"data.folds: {config.folds} folds need as many videos, but there are {counted}"
    return f"at least two videos are needed, one of them for validation, but there are {counted}"
