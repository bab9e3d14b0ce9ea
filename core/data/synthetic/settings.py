"""The settings of a synthetic data set, and a summary of the result."""

import hashlib
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from core.config.strict import describe
from core.data.keypoints import KEYPOINT_SETS, SLOTS_18
from core.errors import ConfigError

SIMULATOR_VERSION = 2
"""Raise this when the same settings produce different files, so that old and new ones are never mixed."""

LONGEST_VIDEO = 5_000_000
"""Maximum frames; the competition's longest labelled video has 594,027."""

SMALLEST_ARENA_CM = 15
"""Minimum side length; the competition's smallest arena is 15 cm wide."""

HEADPIECE = tuple(
    f"headpiece_{level}{end}{side}"
    for level in ("bottom", "top")
    for end in ("back", "front")
    for side in ("left", "right")
)
"""The eight markers of the one lab whose mice wear a wireless head-piece."""

BODY_PARTS: tuple[str, ...] = (*SLOTS_18, "head", "tail_middle_1", "tail_middle_2", *HEADPIECE)
"""All 29 names of the competition."""

Share = Annotated[float, Meta(ge=0, lt=1)]


def _check_fields(struct: msgspec.Struct, prefix: str) -> None:
    """Validate a struct constructed in Python against its annotations; msgspec only does so when decoding."""
    for field in msgspec.structs.fields(struct):
        try:
            msgspec.convert(value := getattr(struct, field.name), field.type)
        except msgspec.ValidationError as error:
            allowed = describe(field.type)
            raise ConfigError(f"{prefix}{field.name}: {value!r} is not {allowed}") from error


class ClassShares(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Shares of frames in each class; the rest is ``other``.

    The default is a mixture that a small model can learn from; :data:`REAL_SHARES` has the shares of the
    competition's labelled frames.

    Raises:
        ConfigError: on construction, naming the first impossible share.
    """

    social: Share = 0.15
    mating: Share = 0.08
    aggressive: Share = 0.07

    def __post_init__(self) -> None:
        _check_fields(self, "synthetic shares.")

    @property
    def other(self) -> float:
        """The share left by the three behaviours."""
        return 1.0 - self.social - self.mating - self.aggressive


REAL_SHARES = ClassShares(social=0.012, mating=0.005, aggressive=0.004)
"""Shares that the original experiments report for the competition's labelled frames."""

MOST_BEHAVIOUR = 0.9
"""Above this share of labelled behaviour, there is no time to walk from one bout to the next."""


class SyntheticSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One synthetic data set: the same settings give the same bytes, for any number of workers.

    Raises:
        ConfigError: on construction, naming the first key with an impossible value.
    """

    videos: Annotated[int, Meta(ge=1, le=100_000)] = 20
    frames: Annotated[int, Meta(ge=2, le=LONGEST_VIDEO)] = 3000
    """Frames of each video."""
    mice: Annotated[int, Meta(ge=2, le=4)] = 2
    keypoints: str | tuple[str, ...] = "mars7"
    """``mars7``, ``mabe18``, or the body parts themselves, head-piece markers included."""
    fps: Annotated[float, Meta(ge=1, le=1000)] = 30.0
    labs: Annotated[tuple[str, ...], Meta(min_length=1)] = ("SimulatedMice",)
    """Labs that the videos are assigned to in turn."""
    shares: ClassShares = ClassShares()
    missing_points: Annotated[float, Meta(ge=0, le=0.9)] = 0.02
    """Share of points that are not tracked, in runs."""
    missing_run: Annotated[float, Meta(ge=1, le=LONGEST_VIDEO)] = 5.0
    """Mean length, in frames, of a run of missing points."""
    lost_mice: Annotated[float, Meta(ge=0, le=0.9)] = 0.005
    """Share of frames in which a mouse as a whole is lost, in runs."""
    lost_run: Annotated[float, Meta(ge=1, le=LONGEST_VIDEO)] = 20.0
    """Mean length, in frames, of such a loss."""
    noise_pixels: Annotated[float, Meta(ge=0, le=100)] = 1.2
    """Standard deviation of the tracker's error, on every coordinate of every frame."""
    label_jitter_seconds: Annotated[float, Meta(ge=0, le=2)] = 0.1
    """Standard deviation of the annotator's placement of a bout's edge."""
    width: Annotated[int, Meta(ge=64, le=16_384)] = 1024
    """Width of the picture in pixels."""
    height: Annotated[int, Meta(ge=64, le=16_384)] = 768
    """Height of the picture in pixels."""
    pixels_per_cm: Annotated[float, Meta(gt=0, le=1000)] = 16.0
    seed: Annotated[int, Meta(ge=0)] = 42

    def __post_init__(self) -> None:
        _check_fields(self, "synthetic ")
        for key, problem in _problems(self):
            raise ConfigError(f"synthetic {key}: {problem}")

    @property
    def body_parts(self) -> tuple[str, ...]:
        """The body parts to write, in alphabetical order as in the competition's files."""
        parts = self.keypoints
        return tuple(sorted(KEYPOINT_SETS[parts] if isinstance(parts, str) else parts))


def _problems(settings: SyntheticSettings) -> list[tuple[str, str]]:
    found = []
    parts = settings.keypoints
    if isinstance(parts, str):
        if parts not in KEYPOINT_SETS:
            sets = ", ".join(KEYPOINT_SETS)
            found.append(("keypoints", f"{parts!r} is not one of {sets}, nor a list of body parts"))
    elif problem := body_part_problem(parts):
        found.append(("keypoints", problem))
    behaviour = 1.0 - settings.shares.other
    if behaviour > MOST_BEHAVIOUR:
        found.append(
            ("shares", f"the behaviours add up to {behaviour:.3g}; at most {MOST_BEHAVIOUR} can be")
        )
    found += [
        ("labs", f"{lab!r} is not a folder name of letters, digits, '_' and '-'")
        for lab in settings.labs
        if not lab.replace("_", "").replace("-", "").isalnum()
    ]
    if len(set(settings.labs)) < len(settings.labs):
        found.append(("labs", "a lab is named twice"))
    shortest = min(settings.width, settings.height) / settings.pixels_per_cm
    if shortest < SMALLEST_ARENA_CM:
        found.append(
            (
                "pixels_per_cm",
                f"the picture would be {shortest:.3g} cm across; mice need {SMALLEST_ARENA_CM} cm",
            )
        )
    return found


def body_part_problem(parts: tuple[str, ...]) -> str | None:
    """Return the problem with a list of body parts, or ``None``."""
    if not parts:
        return "name at least one body part"
    if len(set(parts)) < len(parts):
        return "a body part is named twice"
    unknown = [part for part in parts if part not in BODY_PARTS]
    if unknown:
        return f"{unknown[0]!r} is not a body part; there are {', '.join(BODY_PARTS)}"
    return None


class SyntheticSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of a complete data set."""

    videos: int
    written: int
    """Videos written in this call; the others existed already."""
    frames: int
    bouts: int
    class_frames: dict[str, int]
    """Frames of each class; where bouts overlap, the higher class counts."""
    labs: tuple[str, ...]

    @property
    def class_shares(self) -> dict[str, float]:
        """The same as shares of all frames."""
        return {name: count / max(self.frames, 1) for name, count in self.class_frames.items()}


def fingerprint(request: Any) -> str:
    """Hash everything that determines the bytes of a data set: the request and the simulator's version."""
    encoded = msgspec.json.encode([SIMULATOR_VERSION, request], order="deterministic")
    return hashlib.sha256(encoded).hexdigest()[:16]
