"""Convert between bouts and one class per frame, with a map from actions to an experiment's classes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.data.actions import ACTIONS as ACTIONS
from core.data.actions import PAIR_ACTIONS as PAIR_ACTIONS
from core.data.actions import SELF_ACTIONS as SELF_ACTIONS
from core.errors import ConfigError

if TYPE_CHECKING:  # type only: labels need no parquet reader
    from core.data.competition import Bouts


@dataclass(frozen=True)
class ActionMap:
    """The class of each action. Actions without an entry count as class 0.

    Args:
        actions: action → class name. An action mapped to class 0 by name is an explicit ``other``.
        classes: class names by index; index 0 is the background.

    Raises:
        ConfigError: an action is mapped to a class that does not exist, or there are too many classes.
    """

    actions: Mapping[str, str]
    classes: Sequence[str]
    _index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.classes) > 256:
            raise ConfigError(
                f"classes: {len(self.classes)} classes, but at most 256 can be told apart"
            )
        names = list(self.classes)
        for action, name in self.actions.items():
            if name not in names:
                raise ConfigError(
                    f"actions.{action}: {name!r} is not one of the classes {', '.join(names)}"
                )
        index = {action: names.index(name) for action, name in self.actions.items()}
        object.__setattr__(self, "_index", index)

    def index_of(self, action: str) -> int:
        """Return the class index of an action; 0 if the map does not contain it."""
        return self._index.get(action, 0)

    def __contains__(self, action: object) -> bool:
        """Return whether the map contains the action, possibly as class 0."""
        return action in self._index


@dataclass(frozen=True, slots=True)
class ClassBouts:
    """Runs of one class, as columns of equal length ``(bouts,)``, in chronological order."""

    index: npt.NDArray[np.uint8]
    start: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]
    """Exclusive."""

    def __len__(self) -> int:
        return len(self.start)


def frame_classes(bouts: "Bouts", frames: int, action_map: ActionMap) -> npt.NDArray[np.uint8]:
    """Return the class index of every frame, regardless of agent and target.

    Where bouts overlap, the higher index wins. Bouts are clipped to ``[0, frames)``; one whose
    stop is not after its start covers nothing.

    Returns:
        ``(frames,)``, 0 where no mapped bout is.
    """
    classes = np.zeros(frames, np.uint8)
    indices = np.array([action_map.index_of(action) for action in bouts.action], np.uint8)
    starts, stops = np.clip(bouts.start, 0, frames), np.clip(bouts.stop, 0, frames)
    for bout in np.argsort(indices, kind="stable"):
        classes[starts[bout] : stops[bout]] = indices[bout]
    return classes


def unmapped_bouts(bouts: "Bouts", action_map: ActionMap) -> Counter[str]:
    """Count the bouts of each action that the map does not contain."""
    return Counter(str(action) for action in bouts.action if action not in action_map)


def unmapped_sentence(bouts: Counter[str], background: str) -> str:
    """Describe the actions that count as the background because the map does not contain them."""
    return f"bouts of actions that the action map does not name count as {background!r}: {counted(bouts)}"


def counted(bouts: Counter[str]) -> str:
    """List actions with the number of their bouts, the most frequent first."""
    return ", ".join(f"{action} ({count})" for action, count in bouts.most_common())


def bouts_of(classes: npt.NDArray[np.uint8], background: int | None = 0) -> ClassBouts:
    """Return the runs of equal class: the inverse of :func:`frame_classes`.

    Args:
        classes: ``(frames,)`` class indices.
        background: the class whose runs are omitted; ``None`` keeps all.
    """
    edges = np.flatnonzero(np.diff(classes)) + 1
    start = np.concatenate(([0], edges)).astype(np.int64)[: len(classes)]
    stop = np.concatenate((edges, [len(classes)])).astype(np.int64)[: len(start)]
    index = classes[start]
    wanted = np.ones(len(start), bool) if background is None else index != background
    return ClassBouts(index[wanted], start[wanted], stop[wanted])
