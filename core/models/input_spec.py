"""What a model of frames is built for: the widths of its input and output, and how the input is laid out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The shape of a model's input and output.

    ``blocks`` says which columns of the ``features`` axis each named block holds, so that a model that
    wants structure (mice × keypoints × 2, say) can find it again; ``mice`` and ``keypoints`` are that
    structure.
    """

    features: int
    outputs: int
    mice: int
    keypoints: int
    blocks: Mapping[str, slice]

    def table(self) -> dict[str, Any]:
        """Return the spec as plain containers, for a checkpoint."""
        blocks = {name: [part.start, part.stop] for name, part in self.blocks.items()}
        return {
            "features": self.features,
            "outputs": self.outputs,
            "mice": self.mice,
            "keypoints": self.keypoints,
            "blocks": blocks,
        }

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read a spec out of a checkpoint; see :meth:`table`.

        Raises:
            KeyError: there are no blocks in it.
            TypeError: another key is missing or unknown.
        """
        blocks = {name: slice(*part) for name, part in table["blocks"].items()}
        return cls(**{**table, "blocks": blocks})
