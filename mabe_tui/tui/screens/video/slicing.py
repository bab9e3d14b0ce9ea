"""Keep what is under the cursor of a video as a slice, and go to slices that were kept."""

import shlex

import numpy as np
from textual import on
from textual.message import Message

from core.errors import ConfigError
from mabe_tui.runs.videos.slices import Slices, Stretch, VideoSlice
from mabe_tui.runs.videos.video_prediction import PredictedVideo
from mabe_tui.tui.messages import Done
from mabe_tui.tui.screens.dialogs.entry import EntryScreen
from mabe_tui.tui.screens.dialogs.pick import PickScreen
from mabe_tui.tui.screens.video.watching import Watching


class SlicesRead(Message):
    """The slices of this home folder."""

    def __init__(self, slices: dict[str, VideoSlice]) -> None:
        super().__init__()
        self.slices = slices


def stretch_at(watched: PredictedVideo, frame: int) -> Stretch:
    """Return the bout at a frame: the true one, else the predicted one, else the frames that agree with it.

    A bout is of any class but the background; between bouts, truth and prediction stay the same.
    """
    truth, prediction = watched.video.truth, watched.prediction
    if truth[frame]:
        alike = truth == truth[frame]
    elif prediction[frame]:
        alike = prediction == prediction[frame]
    else:
        alike = (truth == truth[frame]) & (prediction == prediction[frame])
    other = np.flatnonzero(~alike)
    after = int(np.searchsorted(other, frame))
    start = int(other[after - 1]) + 1 if after else 0
    stop = int(other[after]) if after < len(other) else len(alike)
    return Stretch(video=watched.video.video_id, start=start, stop=stop)


def read_entry(text: str) -> tuple[str, str]:
    """Split what was typed into the slice's name and the comment after it.

    Raises:
        ConfigError: nothing was typed, or a quotation mark is left open.
    """
    try:
        name, *words = shlex.split(text)
    except ValueError as error:
        raise ConfigError("type a name, then what is special about these frames") from error
    return name, " ".join(words)


class Slicing(Watching):
    """A screen with a player from which slices are kept."""

    def action_slice(self) -> None:
        """Ask for the name and comment of a slice that the bout under the cursor is added to."""
        watched = self.player.watched
        if watched is None:
            self.notify("the model's answer is not there yet", timeout=2)
            return
        stretch, slices = stretch_at(watched, self.player.frame), Slices(self.mabe.session.home)

        def typed(text: str | None) -> None:
            if text is not None:
                self.ask(lambda: _kept(slices, stretch, text), "slice")

        title = f"slice of frames {stretch.start:,} to {stretch.stop - 1:,} of {stretch.video}"
        hint = "name, then what is special: overlap one hides the other"
        self.player.pause()
        self.app.push_screen(EntryScreen(title, hint=hint, check=read_entry), typed)

    def action_slices(self) -> None:
        """Offer the slices that hold frames of this run's videos."""
        slices = Slices(self.mabe.session.home)
        self.ask(lambda: SlicesRead(slices.read()), "slices", keys_wait=True)

    @on(SlicesRead)
    def _offer_slices(self, message: SlicesRead) -> None:
        offered = {
            f"{name}  {stretch.video}  {stretch.start:,} to {stretch.stop - 1:,}"
            f"{f'  {one.comment}' if one.comment else ''}": stretch
            for name, one in message.slices.items()
            for stretch in one.stretches
            if self.has_video(stretch.video)
        }
        if not offered:
            self.notify("no slice holds frames of these videos; m keeps one", markup=False)
            return

        def chosen(name: str | None) -> None:
            if name is not None:
                self.go_to_stretch(offered[name])

        self.app.push_screen(PickScreen("go to a slice", [*offered]), chosen)

    def has_video(self, video_id: str) -> bool:
        """Return whether a video is among those of the run."""
        raise NotImplementedError

    def go_to_stretch(self, stretch: Stretch) -> None:
        """Open the video of a stretch at its first frame."""
        raise NotImplementedError


def _kept(slices: Slices, stretch: Stretch, text: str) -> Message:
    name, comment = read_entry(text)
    made = slices.add(name, stretch, comment)
    return Done(f"{name}: {made.frames:,} frames; `mabe slices show {name}` measures every version")
