"""The mapping file: what another lab's names and units are here, as TOML that a person edits."""

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from core.config.section import Line, NonNegative, Section
from core.config.strict import convert
from core.config.toml_text import TomlError, read_toml
from core.data.tracking import MAX_MOUSE_ID
from core.errors import ConfigError

FILE_NAME = re.compile(r"\w[\w.-]*")
Rate = Annotated[float, Meta(ge=0.1, le=10_000)]
Length = Annotated[float, Meta(gt=0, le=1e6)]
MouseNumber = Annotated[int, Meta(ge=1, le=MAX_MOUSE_ID)]
Share = Annotated[float, Meta(ge=0, le=1)]
Point = tuple[float, float]


class ScaleMapping(Section, frozen=True):
    """Pixels per centimetre: given, or from an arena's size, or from two points."""

    pix_per_cm: Length | None = None
    arena_cm: tuple[Length, Length] | None = None
    """Width and height of the arena."""
    arena_pixels: tuple[Length, Length] | None = None
    """The same in the picture."""
    points: tuple[Point, Point] | None = None
    """Two points of the picture, x and y in pixels."""
    points_cm: Length | None = None
    """The distance between them."""

    def pixels_per_cm(self) -> float | None:
        """Return the pixels of a centimetre; ``None`` if nothing is given.

        Raises:
            ConfigError: more than one way is given, or half of one.
        """
        arena = self.arena_cm, self.arena_pixels
        points = self.points, self.points_cm
        for pair, names in ((arena, "arena_cm and arena_pixels"), (points, "points and points_cm")):
            if (pair[0] is None) != (pair[1] is None):
                raise ConfigError(f"scale: {names} are needed together")
        found = []
        if self.pix_per_cm is not None:
            found.append(self.pix_per_cm)
        if self.arena_cm is not None and self.arena_pixels is not None:
            pairs = zip(self.arena_pixels, self.arena_cm, strict=True)
            across, down = (pixels / cm for pixels, cm in pairs)
            found.append((across + down) / 2)
        if self.points is not None and self.points_cm is not None:
            (x, y), (u, v) = self.points
            found.append(((u - x) ** 2 + (v - y) ** 2) ** 0.5 / self.points_cm)
        if len(found) > 1:
            raise ConfigError(
                "scale: given in more than one way; keep one of pix_per_cm, arena_… and points"
            )
        if found and found[0] <= 0:
            raise ConfigError("scale.points: the two points are the same")
        return found[0] if found else None


class Direction(Section, frozen=True):
    """Who acts, and on whom."""

    agent: MouseNumber
    target: MouseNumber | None = None
    """``None``: on nobody, unless a modifier names one."""


class LabelMapping(Section, frozen=True):
    """What labels mean."""

    unit: Literal["seconds", "frames"] | None = None
    """Of the numbers in a table of labels that does not say."""
    offset_seconds: Annotated[float, Meta(ge=-1e6, le=1e6)] = 0.0
    """Added to the times of labels, such as −2 for labels whose clock starts 2 s before the video."""
    rounding: Literal["floor", "nearest"] = "floor"
    """Time × frames per second → frame. ``nearest`` suits times that were rounded to a frame."""
    point_frames: NonNegative = 0
    """Length given to point events; 0 leaves them out."""
    open_events: Literal["error", "drop", "end"] = "error"
    """A START without STOP: refused, left out, or running to the end of the video."""
    alone: tuple[str, ...] = ()
    """Behaviours of a mouse alone, whatever target its subject has."""
    subjects: dict[str, Direction] = msgspec.field(default_factory=dict)
    modifiers: dict[str, MouseNumber] = msgspec.field(default_factory=dict)
    """Modifier → the mouse acted on."""
    behaviours: dict[str, Line] = msgspec.field(default_factory=dict)
    """Behaviour → action; an empty name leaves it out."""


class VideoMapping(Section, frozen=True):
    """What differs for one video."""

    id: Line | None = None
    """Its name here; by default, its own."""
    labels: Line | None = None
    """Name of its labels: of the media file or the file of labels, without suffix."""
    fps: Rate | None = None
    offset_seconds: float | None = None
    pix_per_cm: Length | None = None


class Mapping(Section, frozen=True):
    """A mapping file."""

    lab: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$")] = "lab"
    fps: Rate | None = None
    """Frames per second, where the files do not say, or say otherwise."""
    picture: tuple[Length, Length] | None = None
    """Width and height of the picture in pixels."""
    likelihood_below: Share = 0.0
    """Points whose likelihood is smaller count as missing."""
    zero_is_missing: bool = True
    """Whether a point at exactly (0, 0) is one that was not tracked."""
    pixel_scale: Length = 1.0
    """Factor of all coordinates, such as 0.5 for poses of a picture twice as large."""
    individuals: dict[str, Annotated[int, Meta(ge=0, le=MAX_MOUSE_ID)]] = msgspec.field(
        default_factory=dict
    )
    """Individual → mouse number; 0 leaves it out."""
    body_parts: dict[str, Line] = msgspec.field(default_factory=dict)
    """Body part → name here; an empty name leaves it out."""
    scale: ScaleMapping = ScaleMapping()
    labels: LabelMapping = LabelMapping()
    videos: dict[str, VideoMapping] = msgspec.field(default_factory=dict)


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        ConfigError: it is missing, not TOML, has an unknown key, or a value that makes no sense.
    """
    try:
        _, table = read_toml(path)
    except (OSError, TomlError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{path}: cannot be read ({reason})") from error
    mapping = convert(table, Mapping, lambda key: f"{path}, {key}" if key else str(path))
    _check(mapping, path)
    return mapping


def _check(mapping: Mapping, path: Path) -> None:
    for table, names in (
        ("individuals", [str(n) for n in mapping.individuals.values() if n]),
        ("body_parts", [name for name in mapping.body_parts.values() if name]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(f"{path}, {table}: {twice[0]} is given twice; each needs its own")
    for name, action in mapping.labels.behaviours.items():
        if "," in action:
            # the layout writes "agent,target,action"
            raise ConfigError(
                f"{path}, labels.behaviours.{name}: {action!r} holds a comma; write it without"
            )
    for name, video in mapping.videos.items():
        if video.id is not None and not FILE_NAME.fullmatch(video.id):
            raise ConfigError(
                f"{path}, videos.{name}.id: {video.id!r} is no name of a file; it may hold letters, digits,"
                " '_', '-' and '.', but not begin with a mark"
            )
    try:
        mapping.scale.pixels_per_cm()
    except ConfigError as error:
        raise ConfigError(f"{path}, {error}") from None
