"""Metadata of a window's mice, as the ids that a model embeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

UNKNOWN = 0
SEXES = ("male", "female")
"""Their ids are 1 and 2."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The ids of labs and sexes; 0 is unknown."""

    labs: tuple[str, ...]
    """Labs of the training videos; the first has id 1."""
    _lab_ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ids = {lab: number for number, lab in enumerate(self.labs, start=1)}
        object.__setattr__(self, "_lab_ids", ids)

    @property
    def categories(self) -> dict[str, int]:
        """Return the number of ids of each input."""
        sexes = len(SEXES) + 1
        return {"lab": len(self.labs) + 1, "agent_sex": sexes, "target_sex": sexes}

    def lab(self, lab_id: str) -> int:
        """Return the id of a lab."""
        return self._lab_ids.get(lab_id, UNKNOWN)

    @staticmethod
    def sex(sexes: Sequence[str], mouse: int) -> int:
        """Return the id of a mouse's sex, given the sexes of mice 1, 2 and so on."""
        named = sexes[mouse - 1] if 0 < mouse <= len(sexes) else ""
        return SEXES.index(named) + 1 if named in SEXES else UNKNOWN


def ids_of_rows(
    vocabulary: Vocabulary,
    labs: Sequence[str],
    sexes: Sequence[Sequence[str]],
    agents: Sequence[int],
    targets: Sequence[int],
) -> Mapping[str, npt.NDArray[np.int64]]:
    """Return the ids of rows, each ``(rows,)``; all other arguments have one item per row."""
    return {
        "lab": np.array([vocabulary.lab(lab) for lab in labs], np.int64),
        "agent_sex": _sexes(vocabulary, sexes, agents),
        "target_sex": _sexes(vocabulary, sexes, targets),
    }


def _sexes(
    vocabulary: Vocabulary, sexes: Sequence[Sequence[str]], mice: Sequence[int]
) -> npt.NDArray[np.int64]:
    found = [vocabulary.sex(known, mouse) for known, mouse in zip(sexes, mice, strict=True)]
    return np.array(found, np.int64)
