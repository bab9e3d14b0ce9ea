"""How many columns each block of features has. Imports neither numpy nor torch, for ``mabe show``."""

from core.data.keypoints import Keypoints, slots_of_set
from core.features.settings import FeatureConfig

FRAME_FEATURES: tuple[str, ...] = (
    "centroid_distance",
    "head_distance",
    "head0_tail1_distance",
    "head1_tail0_distance",
    "body_length0",
    "body_length1",
    "speed0",
    "velocity_x0",
    "velocity_y0",
    "acceleration0",
    "speed1",
    "velocity_x1",
    "velocity_y1",
    "acceleration1",
    "orientation0",
    "orientation1",
    "angular_velocity0",
    "angular_velocity1",
    "relative_orientation",
    "spread0",
    "spread1",
    "elongation0",
    "elongation1",
)
"""Of ``engineered``: pixels, pixels per second, radians from −π to π, and so on; 0 and 1 are the mouse
slots."""

ROLLING = ("mean", "std", "min", "max")
"""Of ``engineered``: what is made of each frame feature over the last frames."""

PAIR_DISTANCES = ("nearest", "nose_to_other", "other_nose_to_it", "nose_nose", "centre_centre")
"""Of ``contact``, for each pair of mice: see :func:`core.features.contact.contact`."""


def widths(config: FeatureConfig, mice: int, keypoints: int) -> dict[str, int]:
    """Return the columns of each block, in the order of the settings, masks last.

    For four mice × 18 keypoints, coordinates, speed and acceleration are 144 + 72 + 72 = 288 columns.
    """
    points = mice * keypoints
    sizes = {
        "coordinates": 2 * points,
        "speed": points,
        "acceleration": points,
        "engineered": len(FRAME_FEATURES) * (1 + len(ROLLING)) + config.pca_components,
        "contact": len(PAIR_DISTANCES) * (mice * (mice - 1) // 2) + mice,
        "egocentric": mice * 2 * points,
        "mask": points,
    }
    names = [*config.inputs, "mask"] if config.mask_channels else config.inputs
    return {name: sizes[name] for name in names}


def input_size(config: FeatureConfig, mice: int, keypoints: Keypoints) -> int:
    """Count the numbers a model is given for each frame; always derived, never configured."""
    return sum(widths(config, mice, len(slots_of_set(keypoints))).values())
