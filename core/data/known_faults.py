"""Faults of the competition's files that others found, and that the files themselves do not show."""

SUSPECT_LABELS: dict[str, tuple[str, ...]] = {
    "AdaptableSnail": ("143861384", "878123481", "1212811043", "1596473327"),
}
"""Lab → videos that several winning teams left out: labelled at 30 frames a second although they have 25,
and with swapped mouse ids. The files show no more than labels that end at 0.99 of the video's length."""


def has_suspect_labels(lab_id: str, video_id: str) -> bool:
    """Return whether a video is one of :data:`SUSPECT_LABELS`."""
    return video_id in SUSPECT_LABELS.get(lab_id, ())
