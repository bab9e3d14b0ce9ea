"""A small folder in the competition's layout, with labelled videos that are its test set as well."""

import shutil
from pathlib import Path

from core.data.synthetic import SyntheticSettings, synthesise


def competition_folder(root: Path, videos: int = 3, frames: int = 300) -> Path:
    """Write simulated videos as ``train.csv`` and, without annotations, as ``test.csv``."""
    synthesise(root, SyntheticSettings(videos=videos, frames=frames), workers=1)
    shutil.copyfile(root / "train.csv", root / "test.csv")
    shutil.copytree(root / "train_tracking", root / "test_tracking")
    return root
