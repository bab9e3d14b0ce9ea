"""Rules that turn probabilities into decisions, as they are stored with a run.

Times are in seconds if the videos' frame rates were known, and otherwise in frames; see :attr:`Rules.clock`.
A key is a label of a lab, such as ``SparklingTapir/chase``; for a task without labs, the lab is empty.
"""

from functools import cached_property
from typing import Annotated, Literal, Self

import msgspec
from msgspec import Meta

from core.errors import ConfigError, UserError

SCHEMA = 1
"""Version of the file's format."""
SHORTEST_SIGMA, LONGEST_SIGMA = 1.0, 60.0
"""Bounds of a Gaussian's standard deviation, in frames, where there is one."""
LONGEST = 1e6
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Time = Annotated[float, Meta(ge=0, le=LONGEST)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the fit; every part can be switched off."""

    smoothing: bool = True
    """A Gaussian whose standard deviation is :attr:`bout_share` of the label's median bout."""
    bout_share: Share = 0.25
    thresholds: bool = True
    """A threshold of its own for each key; else :attr:`threshold` for all."""
    threshold: Share = 0.5
    bootstrap: Annotated[int, Meta(ge=0, le=100_000)] = 200
    """Number of resamples of the sequences; the threshold is the mean of their best thresholds. 0: the best
    threshold of all sequences."""
    shrinkage: Count = 20
    """Number of bouts at which a key's own threshold and the prior have equal weight; 0: the prior is not
    used."""
    prior: Share = 0.30
    """Threshold that those of keys with few bouts are shrunk towards. It is lowered if a lower constant is
    best for all labels, as for a model that hardly reaches it."""
    margin: bool = True
    """Of several labels above their thresholds, the one farthest above it in logits wins; if off, the one
    with the highest probability."""
    absent: bool = True
    """Never choose a label that the lab's truth lacks."""
    weak: bool = True
    """Drop a label if the other labels of its lab gain more F1 than it contributes."""
    calibration: bool = False
    """Divide logits by a fitted temperature first."""
    median: Time = 0.0
    """Length of a running median, applied first; in the unit of the rules' clock, like the next two."""
    merge_gap: Time = 0.0
    min_length: Time = 0.0


PARTS = (
    "smoothing",
    "thresholds",
    "bootstrap",
    "shrinkage",
    "margin",
    "absent",
    "weak",
    "calibration",
)
"""The settings that can be switched; ``bootstrap`` and ``shrinkage`` are parts of ``thresholds``."""


def switched(settings: Settings, part: str, on: bool) -> Settings:
    """Return settings with one of :data:`PARTS` switched on (a number gets its default value) or off.

    Raises:
        ConfigError: there is no such part.
    """
    if part not in PARTS:
        raise ConfigError(
            f"{part!r} is not a part of post-processing; the parts are {', '.join(PARTS)}"
        )
    has_number = part in ("bootstrap", "shrinkage")
    value: object = getattr(Settings(), part) if on and has_number else (0 if has_number else on)
    return msgspec.structs.replace(settings, **{part: value})


class KeyRule(msgspec.Struct, frozen=True, kw_only=True):
    """The rule of one label of one lab, and what it was fitted on."""

    lab: str = ""
    label: str = ""
    threshold: Share
    """A frame has the label where its probability, calibrated and smoothed, is at least this."""
    sigma: Time = 0.0
    """Standard deviation of the Gaussian, by the rules' clock; 0: none."""
    temperature: Annotated[float, Meta(gt=0)] = 1.0
    """Logits are divided by it; 1 changes nothing."""
    dropped: Literal["", "absent", "weak"] = ""
    """Why the label is never chosen; empty if it may be."""
    bouts: Count = 0
    """Bouts it was fitted on."""
    median_bout: Time = 0.0
    """Their median length, by the rules' clock."""
    calibration_error: float | None = None
    """Expected calibration error of the probabilities as they are."""
    calibrated_error: float | None = None
    """The same with their logits divided by the fitted temperature."""
    fitted_temperature: float | None = None
    """That temperature, whether the rules use it or not."""


class FittedOn(msgspec.Struct, frozen=True, kw_only=True):
    """The out-of-fold predictions that rules were fitted on."""

    runs: tuple[str, ...] = ()
    units: int
    """Videos."""
    sequences: int
    """Videos, or (agent, target) of videos."""
    frames: int
    """Frames of all sequences."""
    folds: int
    """Number of folds that the report is nested over."""
    digest: str
    """SHA-256 of the predictions and labels, shortened."""


class PartScore(msgspec.Struct, frozen=True, kw_only=True):
    """A score of one choice of parts: fitted on the other folds, applied to each fold."""

    parts: str
    """In words, such as ``all without margin``."""
    score: float
    low: float | None = None
    """Bounds of the 95 % bootstrap interval over videos; ``None`` with one video."""
    high: float | None = None
    gain: float = 0.0
    """Difference to the first row."""
    gain_low: float | None = None
    gain_high: float | None = None


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Everything needed to turn probabilities into bouts."""

    schema: int = SCHEMA
    created: str = ""
    """Time of fitting, UTC."""
    clock: Literal["seconds", "frames"] = "seconds"
    """Unit of all times."""
    choice: Literal["margin", "probability", "likeliest"] = "margin"
    """Which of several labels wins. ``likeliest`` has no thresholds: it takes the likeliest of classes that
    exclude one another, the first of which is the background."""
    median: Time = 0.0
    """Length of a running median of probabilities; 0: none."""
    merge_gap: Time = 0.0
    """Bouts of one label are merged if at most this much time without any label lies between them."""
    min_length: Time = 0.0
    """Shorter bouts are dropped, after merging."""
    otherwise: KeyRule = KeyRule(threshold=0.5)
    """Rule of keys that are not listed."""
    fitted_on: FittedOn | None = None
    metric: str = ""
    """What the report measures."""
    settings: Settings | None = None
    report: tuple[PartScore, ...] = ()
    keys: tuple[KeyRule, ...] = ()

    @classmethod
    def constant(cls, threshold: float) -> Self:
        """Return rules with one threshold for everything, and no other part.

        Raises:
            ConfigError: it is not from 0 to 1.
        """
        if not 0 <= threshold <= 1:
            raise ConfigError(f"threshold: {threshold} must be from 0 to 1")
        return cls(choice="probability", otherwise=KeyRule(threshold=threshold))

    @classmethod
    def likeliest(cls, median_frames: int = 1, merge_gap: int = 0, min_frames: int = 1) -> Self:
        """Return rules by which each frame has its likeliest class; the defaults change nothing.

        Args:
            median_frames: odd; each class's probability is first replaced by its median over these.
            merge_gap: frames of background between two bouts of one class that are merged.
            min_frames: shorter bouts are dropped, after merging.

        Raises:
            ConfigError: a number is out of its range; names it.
        """
        if median_frames < 1 or median_frames % 2 == 0:
            raise ConfigError(f"median_frames: {median_frames} must be an odd number from 1")
        if merge_gap < 0:
            raise ConfigError(f"merge_gap: {merge_gap} must not be below 0")
        if min_frames < 1:
            raise ConfigError(f"min_frames: {min_frames} must be at least 1")
        return cls(
            clock="frames",
            choice="likeliest",
            median=float(median_frames),
            merge_gap=float(merge_gap),
            min_length=float(min_frames),
        )

    def of(self, lab: str, label: str) -> KeyRule:
        """Return the rule of one key; :attr:`otherwise` if it is not listed."""
        return self._by_key.get((lab, label), self.otherwise)

    @cached_property
    def _by_key(self) -> dict[tuple[str, str], KeyRule]:
        return {(key.lab, key.label): key for key in self.keys}

    def frames(self, time: float, frames_per_second: float | None) -> float:
        """Convert a time by the rules' clock to frames of a video.

        Raises:
            UserError: the clock counts seconds, and the video's frame rate is unknown.
        """
        if self.clock == "frames" or not time:
            return time
        if frames_per_second is None:
            raise UserError("these rules count in seconds, but the video's frame rate is unknown")
        return time * frames_per_second

    def sigma_frames(self, key: KeyRule, frames_per_second: float | None) -> float:
        """Return a key's standard deviation in frames, within its bounds; 0: no smoothing."""
        if not key.sigma:
            return 0.0
        sigma = self.frames(key.sigma, frames_per_second)
        return min(max(sigma, SHORTEST_SIGMA), LONGEST_SIGMA)
