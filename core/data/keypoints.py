"""Keypoint slots: the index of each body part in an array, whatever the lab tracked.

A slot is the same body part in every lab. Coordinates are pixels, missing points are NaN, and
arrays are ``(frames, mice, keypoints, 2)`` throughout.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from core.errors import ConfigError

SLOTS_18: tuple[str, ...] = (
    "nose",
    "ear_left",
    "ear_right",
    "neck",
    "body_center",
    "lateral_left",
    "lateral_right",
    "hip_left",
    "hip_right",
    "tail_base",
    "tail_midpoint",
    "tail_tip",
    "forepaw_left",
    "forepaw_right",
    "hindpaw_left",
    "hindpaw_right",
    "spine_1",
    "spine_2",
)
"""Every body part of the competition's labs, except :data:`DROPPED`."""

MARS_7: tuple[str, ...] = (
    "nose",
    "ear_left",
    "ear_right",
    "neck",
    "hip_left",
    "hip_right",
    "tail_base",
)
"""The seven keypoints of MARS (Segalin et al. 2021), which CalMS21 shares."""

KeypointSet = Literal["mars7", "mabe18"]
BodyPart = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")]
Keypoints = KeypointSet | Annotated[tuple[BodyPart, ...], Meta(min_length=1, max_length=200)]
"""The name of a set, or the body parts of any other, in the order of their slots."""
KEYPOINT_SETS: dict[str, tuple[str, ...]] = {"mars7": MARS_7, "mabe18": SLOTS_18}
KEYPOINT_SET_SIZES: dict[str, int] = {name: len(slots) for name, slots in KEYPOINT_SETS.items()}

SEPARATOR = ","
ALIASES: dict[str, str] = {"head": "neck", "tail_middle_1": "tail_midpoint"}
"""Names that one lab uses for a part that the others name differently."""

DROPPED: tuple[str, ...] = ("tail_middle_2", "headpiece_*")
"""Parts of a single lab that have no slot; ``*`` ends a prefix."""

_DROPPED_PATTERN = re.compile(
    "|".join(re.escape(name).replace(r"\*", ".*") for name in DROPPED),
)


def slots_of_set(keypoints: str | Sequence[str]) -> tuple[str, ...]:
    """Return the slots of a set of keypoints.

    Args:
        keypoints: a name of :data:`KEYPOINT_SETS`, or body parts, or what :func:`name_of_set` made of them.

    Raises:
        ConfigError: there is no such set, or a part is named twice.
    """
    if isinstance(keypoints, str):
        if keypoints in KEYPOINT_SETS:
            return KEYPOINT_SETS[keypoints]
        if SEPARATOR not in keypoints:
            raise ConfigError(
                f"keypoints: {keypoints!r} is not one of {', '.join(KEYPOINT_SETS)}, nor a list of body parts"
            )
        keypoints = keypoints.strip(SEPARATOR).split(SEPARATOR)
    if twice := next((part for part in keypoints if list(keypoints).count(part) > 1), None):
        raise ConfigError(f"keypoints: {twice!r} is named twice")
    return tuple(keypoints)


def name_of_set(keypoints: str | Sequence[str]) -> str:
    """Return a text that stands for a set: its name, or its body parts with commas between.

    A single part is followed by a comma, as it would else be taken for a set's name.
    """
    if isinstance(keypoints, str):
        return keypoints
    return SEPARATOR.join(keypoints) + (SEPARATOR if len(keypoints) == 1 else "")


def slots_of_size(keypoints: int) -> tuple[str, ...]:
    """Return the set of :data:`KEYPOINT_SETS` with this many slots; no two have the same number.

    Raises:
        ConfigError: there is no such set.
    """
    for slots in KEYPOINT_SETS.values():
        if len(slots) == keypoints:
            return slots
    sizes = ", ".join(f"{name} ({len(slots)})" for name, slots in KEYPOINT_SETS.items())
    raise ConfigError(f"keypoints: no set has {keypoints} of them; the sets are {sizes}")


def slot_of(body_part: str, slots: tuple[str, ...]) -> int | None:
    """Return the index of ``body_part`` in ``slots`` after :data:`ALIASES`; ``None`` if it has none."""
    name = body_part if body_part in slots else ALIASES.get(body_part, body_part)
    return slots.index(name) if name in slots else None


def is_known(body_part: str) -> bool:
    """Return whether the competition uses this name: a slot, an alias or a dropped part."""
    return slot_of(body_part, SLOTS_18) is not None or bool(_DROPPED_PATTERN.fullmatch(body_part))
