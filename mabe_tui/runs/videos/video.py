"""The validation videos of a run, worst first, and the poses and labels of one video."""

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import numpy.typing as npt

from core.config.strict import nearest
from core.config.task_spec import task_spec
from core.data.labels import ActionMap, frame_classes
from core.errors import DataError, RunError
from core.evaluation.frames import f1_macro_present, f1_per_class
from core.evaluation.table import Confusions, read_confusions
from core.run.places import cache_of_run
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.system.progress import Progress
from core.tasks.behaviour.settings import behaviour_of
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.checkpoints import none_words, pointer_names
from mabe_tui.runs.summary.run_summary import state_of

if TYPE_CHECKING:
    from core.data.competition import Bouts
    from core.data.prepared import PreparedData, PreparedVideo

SAMPLED_FRAMES = 500


class VideoScore(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of a run's best checkpoint on one validation video."""

    video_id: str
    f1_macro_present: float
    """Mean F1 over the classes that occur in this video's truth."""
    f1: dict[str, float | None]
    """By class; ``None`` for a class that does not occur in this video's truth."""
    frames: int
    errors: int
    """Frames with a wrong class, as counted by the training's validation."""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One annotation of a frame: agent, action and target."""

    action: str
    agent: int
    """A mouse's id."""
    target: int
    """The target's id; the agent's own if it acts by itself."""


@dataclass(frozen=True, eq=False)
class TrackedVideo:
    """Poses and truth of one video; the poses stay on disk until they are accessed."""

    about: "PreparedVideo"
    """Frames, rate, scale, picture size, and the mouse in each slot."""
    slots: tuple[str, ...]
    """Keypoint names by index."""
    skeleton: tuple[tuple[str, ...], ...]
    """Chains of keypoints that pictures connect, as set; empty for the usual ones."""
    classes: tuple[str, ...]
    positions: npt.NDArray[np.float32] = field(repr=False)
    """``(frames, mice, keypoints, 2)`` pixels, NaN where missing; a read-only memory map: slice it."""
    truth: npt.NDArray[np.uint8] = field(repr=False)
    """``(frames,)`` class indices."""
    bouts: "Bouts" = field(repr=False)
    """Annotated bouts of all actions, including those that count as the background."""
    remark: str | None = None
    """Caveats about these data, to know before trusting the picture."""

    @property
    def video_id(self) -> str:
        """The video's id."""
        return self.about.video_id

    @property
    def frames(self) -> int:
        """Frames of the video."""
        return self.about.frames

    @property
    def frames_per_second(self) -> float:
        """The video's own rate."""
        return self.about.frames_per_second

    @property
    def mice(self) -> int:
        """Number of mice in this video; further slots are empty."""
        return min(len(self.about.mouse_ids), int(self.positions.shape[1]))

    @property
    def sample(self) -> npt.NDArray[np.float32]:
        """Evenly spaced frames of the positions: enough to see where mice go."""
        return self.positions[:: max(1, self.frames // SAMPLED_FRAMES), : self.mice]

    def acts(self, frame: int) -> list[Act]:
        """Return the annotations of one frame, in the order in which they began."""
        bouts = self.bouts
        (here,) = np.nonzero((bouts.start <= frame) & (frame < bouts.stop))
        return [
            Act(action=bouts.action[i], agent=int(bouts.agent[i]), target=int(bouts.target[i]))
            for i in here[np.argsort(bouts.start[here], kind="stable")]
        ]


def validation_scores(run: RunDir) -> list[VideoScore]:
    """List a run's validation videos, worst first. Reads no poses.

    Raises:
        DataError: the run has evaluated no checkpoint, or its table is damaged.
    """
    if not run.evaluation_table.exists() and not pointer_names(run):
        raise DataError(none_words(run))
    table = read_confusions(run.evaluation_table)
    scores = [_score(table, place) for place in range(len(table.videos))]
    return sorted(scores, key=lambda score: (score.f1_macro_present, -score.errors, score.video_id))


def open_video(
    entry: RunEntry, video_id: str, data: Path | None = None, progress: Progress | None = None
) -> TrackedVideo:
    """Open one video of a run's data, in a worker thread; prepare the data again if necessary.

    Args:
        entry: the run.
        video_id: a video of its data; training videos are allowed.
        data: where the data are now; by default, where the run found them.
        progress: called with (done, total, what).

    Raises:
        RunError: the run never got as far as reading its data.
        DataError: the data are gone, or this video has changed in them; says what to do.
    """
    return tracked_video(entry, open_run_data(entry, data, progress), video_id)


def tracked_video(entry: RunEntry, prepared: "PreparedData", video_id: str) -> TrackedVideo:
    """Extract one video from a run's data.

    Raises:
        DataError: it is not among them, or its labels have changed.
    """
    request = entry.require_request()
    place = _place(prepared, video_id, request)
    about = prepared.videos[place]
    experiment = behaviour_of(request.experiment, "a video's labels")
    actions = ActionMap(experiment.actions, experiment.classes)
    bouts = prepared.bouts_of(place)
    truth = frame_classes(bouts, about.frames, actions)
    remark = None
    if request.resolved is not None and prepared.fingerprint != request.resolved.data_fingerprint:
        _require_same_truth(entry.run, video_id, truth, prepared.folder)
        remark = f"the data are not all as {entry.id} found them; the labels of {video_id} are"
    return TrackedVideo(
        about=about,
        slots=prepared.slots,
        skeleton=experiment.data.skeleton,
        classes=experiment.classes,
        positions=prepared.positions_of(place),
        truth=truth,
        bouts=bouts,
        remark=remark,
    )


def open_run_data(
    entry: RunEntry, data: Path | None = None, progress: Progress | None = None
) -> "PreparedData":
    """Open the data of a run, those prepared for it if they still exist.

    Args:
        entry: the run.
        data: where the data are now; by default, where the run found them.
        progress: called with (done, total, what) if they must be prepared again.

    Raises:
        RunError: the run never got as far as reading its data.
        DataError: the data are gone, elsewhere or damaged; says what to do.
    """
    request = entry.require_request()
    if request.resolved is None:
        if request.imported:
            raise RunError(f"{entry.id} was imported from a log, so nothing is known of its data")
        if state_of(entry).may_speak:
            raise RunError(f"{entry.id} has not read its data yet; look again when it trains")
        raise RunError(f"{entry.id} ended before it had read its data")
    kept = kept_data(cache_of_run(entry.run.path), request.resolved.data_fingerprint)
    if kept is not None and data is None:
        return kept
    root = data or data_folder(entry)
    from core.tasks.behaviour.build import open_data  # torch

    stated = str(root) if root is not None else None
    return open_data(
        request.experiment, stated, cache_of_run(entry.run.path), progress or (lambda *_: None)
    )


def data_folder(entry: RunEntry) -> Path | None:
    """Return the folder that a run was trained on; none if it makes its own data.

    Raises:
        DataError: it is not on this computer.
    """
    request = entry.require_request()
    if request.data is None and task_spec(request.experiment.task).makes_data(request.experiment):
        return None
    if request.launcher == "local" and request.data and Path(request.data).is_dir():
        return Path(request.data)
    where = f"on {request.launcher.title()}" if request.launcher != "local" else "gone"
    raise DataError(
        f"the data of {entry.id} ({request.data or 'competition'}) are {where};"
        " name a folder on this computer that has them with --data"
    )


def kept_data(cache: Path, fingerprint: str) -> "PreparedData | None":
    """Open the prepared data with this content hash, under whatever name they are in the cache."""
    from core.data.manifest import MANIFEST, read_manifest
    from core.data.prepared import open_prepared

    for path in sorted(cache.glob(f"*/{MANIFEST}")):
        with contextlib.suppress(DataError):
            if read_manifest(path.parent).fingerprint == fingerprint:
                return open_prepared(path.parent)
    return None


def _place(prepared: "PreparedData", video_id: str, request: RunRequest) -> int:
    known = [video.video_id for video in prepared.videos]
    if video_id in known:
        return known.index(video_id)
    ours = request.resolved.validation_units if request.resolved else ()
    if video_id in ours:
        raise DataError(
            f"{video_id} is no longer among the data of {request.run};"
            " name a folder that has it with --data"
        )
    raise DataError(f"no video {video_id!r}{nearest(video_id, ours or known)}")


def _require_same_truth(
    run: RunDir, video_id: str, truth: npt.NDArray[np.uint8], folder: Path
) -> None:
    """Reject a video whose labels are known to differ from those that the run was evaluated on.

    Raises:
        DataError: they differ.
    """
    table = read_confusions(run.evaluation_table)
    if video_id not in table.videos:
        return
    then = table.counts[table.videos.index(video_id)].sum(axis=1)
    if not np.array_equal(then, np.bincount(truth, minlength=len(then))):
        raise DataError(
            f"the labels of {video_id} in {folder} are not those that {run.id} was measured on;"
            " name the folder that it learned from with --data"
        )


def _score(table: Confusions, place: int) -> VideoScore:
    counts = table.counts[place]
    values = zip(table.classes, f1_per_class(counts), counts.sum(axis=1), strict=True)
    return VideoScore(
        video_id=table.videos[place],
        f1_macro_present=float(f1_macro_present(counts)),
        f1={name: float(f1) if frames else None for name, f1, frames in values},
        frames=int(counts.sum()),
        errors=int(counts.sum() - np.trace(counts)),
    )
