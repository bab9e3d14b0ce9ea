"""Videos without annotations: their positions, and batches whose targets are a model's probabilities."""

import dataclasses
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import msgspec
import numpy as np
import numpy.typing as npt
import torch

from core.data.competition import Bouts, Video, read_tracking
from core.data.keypoints import SLOTS_18
from core.data.manifest import file_content
from core.errors import DataError
from core.system.lock import in_turn
from core.system.progress import Progress
from core.tasks.actions.augmentation import Augmentation
from core.tasks.actions.batch import ActionBatch
from core.tasks.actions.pair_rows import PairRows, SeenVideo
from core.tasks.actions.reader import RowReader
from core.tasks.actions.sampling import WindowSampler
from core.tasks.actions.settings import MICE, ActionsExperiment
from core.tasks.actions.soft_rows import PredictsPairs, SoftRows
from core.tasks.actions.subjects import Vocabulary
from core.tasks.pseudo_labels import EvenlySpread
from core.tasks.soft_labels import folder_of
from core.tasks.videos import unlabelled

POSITIONS, ABOUT = "positions.bin", "videos.json"


class _SeenBefore(msgspec.Struct, frozen=True):
    """What is kept of the videos: as they were seen, in order, and the ids of damaged ones."""

    seen: tuple[tuple[int, int, tuple[int, ...]], ...]
    """For each video: its place among those asked for, its frames, and the mice that are tracked."""


def usable(experiment: ActionsExperiment, root: str | None) -> list[Video]:
    """Return the unlabelled videos of a data folder that a model can predict.

    Raises:
        DataError: there is none.
    """
    listed = [
        video
        for video in unlabelled(None if root is None else Path(root))
        if video.behaviors
        and video.pixels_per_cm
        and video.lab_id not in experiment.data.left_out_labs
    ]
    if not listed:
        raise DataError(
            f"{root}: training.pseudo_labels needs unlabelled videos that list behaviours"
            " (behaviors_labeled) and have a scale (pix_per_cm_approx), and there is none"
        )
    return listed


class UnlabelledVideos:
    """Videos with tracking and a list of behaviours, whose positions are a map of one file.

    Args:
        listed: the videos that can be read.
        kept: the frames and mice of each.
        folder: holds the positions.
    """

    def __init__(self, listed: Sequence[Video], kept: _SeenBefore, folder: Path) -> None:
        self.listed = tuple(listed[place] for place, _, _ in kept.seen)
        self.videos = tuple(
            SeenVideo(
                video.video_id,
                video.lab_id,
                frames,
                video.frames_per_second,
                video.behaviors,
                mice,
                video.pixels_per_cm,
            )
            for video, (_, frames, mice) in zip(self.listed, kept.seen, strict=True)
        )
        frames = np.array([video.frames for video in self.videos], np.int64)
        self._stops = np.cumsum(frames)
        shape = (int(frames.sum()), MICE, len(SLOTS_18), 2)
        self._positions = np.memmap(folder / POSITIONS, np.float32, "r", shape=shape)

    @classmethod
    def of(cls, listed: Sequence[Video], cache: Path, progress: Progress) -> Self:
        """Read the tracking of some videos, or open what was read before; damaged videos are left out.

        Raises:
            DataError: none can be read.
        """
        parts = [f"{video.video_id} {file_content(video.tracking_path)}" for video in listed]
        folder = folder_of(cache, "unlabelled", *parts)
        lock = folder.with_name(f".{folder.name}.lock")
        with in_turn(lock, progress, "waiting for another job that reads the same videos"):
            if not folder.is_dir():
                _read(listed, folder, progress)
        kept = msgspec.json.decode((folder / ABOUT).read_bytes(), type=_SeenBefore)
        return cls(listed, kept, folder)

    def positions_of(self, index: int) -> npt.NDArray[np.float32]:
        """Return the positions of one video, ``(frames, mice, keypoints, 2)``."""
        stop = int(self._stops[index])
        return self._positions[stop - self.videos[index].frames : stop]


class SoftWindows:
    """Draws batches of windows of unlabelled videos.

    Args:
        experiment: of the run that learns from them.
        videos: the videos.
        predictor: gives the probabilities.
        key: changes with the predictor's weights.
        actions: in the order of the model's outputs.
        vocabulary: the ids of labs and sexes.
        hard: batches of labelled windows in an epoch.
        cache: where the answers are kept.
        device: device of the batches.
        seed: of the run.
        progress: called with (done, total, what).
    """

    def __init__(
        self,
        experiment: ActionsExperiment,
        videos: UnlabelledVideos,
        predictor: PredictsPairs,
        key: str,
        actions: Sequence[str],
        vocabulary: Vocabulary,
        hard: int,
        cache: Path,
        device: torch.device,
        seed: int,
        progress: Progress,
    ) -> None:
        config, training = experiment.data, experiment.training
        found = ((place, video, _no_bouts()) for place, video in enumerate(videos.videos))
        self._rows = rows = PairRows.of_videos(found, actions)
        if not rows.tracked.any():
            raise DataError(
                "training.pseudo_labels: no unlabelled video lists an action of tracked mice in"
                " behaviors_labeled, so nothing can be predicted for them"
            )
        sexes: Mapping[str, Sequence[str]] = {
            video.video_id: video.sexes for video in videos.listed
        }
        rate, window = config.frames_per_second, config.window
        self._reader = RowReader(videos, rows, vocabulary, sexes, rate, window, device)
        of_rows = [videos.videos[video] for video in rows.video]
        units = [f"{video.lab_id}/{video.video_id} {video.frames}" for video in videos.videos]
        self._answers = SoftRows(
            rows,
            of_rows,
            lambda place: predictor.pair_probabilities(videos.listed[place]),
            folder_of(cache, "pseudo", key, *actions, *units),
            progress,
            "videos pseudo-labelled",
        )
        labs = {lab: place for place, lab in enumerate(sorted({v.lab_id for v in of_rows}))}
        self._sampler = WindowSampler(
            rows,
            np.array([labs[video.lab_id] for video in of_rows], np.int64),
            self._reader.frames,
            self._reader.ratio,
            window,
            training.positive_share,
            training.augmentation.time_stretch,
            seed,
        )
        self._training, self._seed = training, seed
        self.spread = EvenlySpread.of(hard, training.pseudo_share)

    def batch(self, epoch: int, number: int) -> ActionBatch:
        """Return one batch, by its number among those of unlabelled windows."""
        config = self._training
        windows = self._sampler.draw(epoch, number, config.batch_size)
        changes = Augmentation.draw(
            config.augmentation, self._seed, epoch, number, config.batch_size
        )
        batch = self._reader.training(windows, changes, self._answers)
        assert batch.teacher is not None
        return dataclasses.replace(batch, targets=batch.teacher, teacher=None)


def _no_bouts() -> Bouts:
    nothing = np.empty(0, np.int64)
    return Bouts(nothing, nothing, np.empty(0, np.object_), nothing, nothing)


def _read(listed: Sequence[Video], folder: Path, progress: Progress) -> None:
    """Write the files under a temporary name, one video in memory at a time, and rename the folder."""
    seen = []
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", suffix=".tmp", dir=folder.parent))
    try:
        with (beside / POSITIONS).open("wb") as file:
            for place, video in enumerate(listed):
                progress(place, len(listed), "unlabelled videos read")
                try:
                    tracking = read_tracking(video, SLOTS_18, MICE)
                except DataError:
                    continue
                file.write(np.ascontiguousarray(tracking.positions, np.float32).tobytes())
                seen.append((place, tracking.frames, tracking.mouse_ids))
        if not seen:
            raise DataError(
                f"training.pseudo_labels: none of the {len(listed)} unlabelled videos can be read"
            )
        (beside / ABOUT).write_bytes(msgspec.json.encode(_SeenBefore(tuple(seen))))
        beside.replace(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
