"""Check the data of a run before it starts: do they exist, and is there anything to learn from?"""

from pathlib import Path

from core.data.actions import ACTIONS
from core.data.competition import Video, labelled, read_videos
from core.errors import DataError
from core.tasks.actions.settings import ActionsDataConfig, ActionsExperiment

FEWEST_VIDEOS = 2


def describe_data(experiment: ActionsExperiment, folder: Path | None) -> str:
    """Describe the data of a run, after checking that it can learn from them.

    Args:
        experiment: the experiment of the run.
        folder: a folder in the competition's layout; ``None`` if the run makes its own data.

    Raises:
        DataError: this is not a data folder, or it has nothing to learn from or to validate on.
    """
    data = experiment.data
    if folder is None:
        videos, frames = data.synthetic_videos, data.synthetic_frames
        return f"synthetic, made by the run: {videos} videos of {frames} frames"
    found, left_out = labelled(read_videos(folder))
    usable = [video for video in found if _wanted(video, data)]
    omitted = len(left_out) + len(found) - len(usable)
    if not usable or (data.validates and len(usable) < FEWEST_VIDEOS):
        needed = (
            "at least two are needed, one of them for validation"
            if data.validates
            else "at least one is needed"
        )
        raise DataError(
            f"{folder}: {len(usable)} labelled videos of these labs with their files ({omitted} left"
            f" out); {needed} (`mabe data check` says more)"
        )
    known = {*ACTIONS, *data.other_actions}
    if not any(entry.action in known for video in usable for entry in video.behaviors):
        named = sorted({entry.action for video in usable for entry in video.behaviors})
        raise DataError(
            f"{folder}: annotates {', '.join(named[:5])}, none of which is an action of the task;"
            f" `--set data.other_actions='[\"{named[0]}\"]'` adds one"
        )
    return f"{folder}: {len(usable)} labelled videos ({omitted} left out)"


def _wanted(video: Video, data: ActionsDataConfig) -> bool:
    return video.lab_id not in data.left_out_labs and video.video_id not in data.left_out_videos
