"""A fitted second level in a run's checkpoint."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.blending.blend import BLENDERS, Blend
from core.errors import CheckpointError

KIND = "blend"
"""Marks the input table of a checkpoint of a second level."""
WHOLE = "all"
"""Key of what was fitted on all validation units."""


def blend_table(how: str, groups: Sequence[int], labels: Sequence[str]) -> dict[str, Any]:
    """Return what :func:`blend_of` needs beside the fitted state, for ``input_spec`` of a checkpoint."""
    return {"kind": KIND, "how": how, "groups": list(groups), "labels": list(labels)}


def blend_of(table: Mapping[str, Any], model: Mapping[str, Any], where: str) -> Blend:
    """Restore the second level of a checkpoint.

    Args:
        table: ``input_spec`` of the checkpoint.
        model: its ``model``.
        where: names the file in an error.

    Raises:
        CheckpointError: it is of something else, or damaged.
        ConfigError: an optional dependency is not installed.
    """
    try:
        if table["kind"] != KIND:
            raise ValueError(f"a checkpoint of {table['kind']!r}")
        blender = BLENDERS[table["how"]].restored(model[WHOLE])
        return Blend(blender, tuple(map(int, table["groups"])))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{where}: not a fitted second level ({error})") from error
