"""Reading a run's videos and a checkpoint's answer, in threads that end when nobody wants them."""

from collections.abc import Callable
from pathlib import Path

from textual.message import Message

from core.errors import UserError
from core.system.progress import Progress, sparing
from mabe_tui.plotting.skeleton import View, arena_view
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.checkpoints import pointer_names
from mabe_tui.runs.videos.video import TrackedVideo, VideoScore, open_video, validation_scores
from mabe_tui.runs.videos.video_prediction import PredictedVideo, predict_video
from mabe_tui.tui.screens.base import MabeScreen
from mabe_tui.tui.work import SECONDS_BETWEEN


class Listed(Message):
    """The videos and checkpoints of the run."""

    def __init__(self, scores: list[VideoScore], checkpoints: list[str]) -> None:
        super().__init__()
        self.scores, self.checkpoints = scores, checkpoints


class Opened(Message):
    """Poses and truth of a video."""

    def __init__(self, video: TrackedVideo, arena: View) -> None:
        super().__init__()
        self.video = video
        self.arena = arena
        """All that there is to see of it."""


class Predicted(Message):
    """A checkpoint's answer."""

    def __init__(self, watched: PredictedVideo) -> None:
        super().__init__()
        self.watched = watched


class Told(Message):
    """How far the reading or the answer is."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class Missing(Message):
    """The list, a video or an answer cannot be had; one line that says why and what to do."""

    def __init__(self, what: str, words: str) -> None:
        super().__init__()
        self.what, self.words = what, words


LIST, VIDEO, ANSWER = "list", "video", "answer"
"""What there is to read, which :attr:`Missing.what` names."""


class _UnwantedError(Exception):
    """Another video is wanted by now, or none."""


class VideoLoader:
    """Does one thing after another: a newer wish ends the work on the one before.

    Args:
        screen: gets the messages.
        entry: the run.
    """

    def __init__(self, screen: MabeScreen, entry: RunEntry) -> None:
        self._screen, self._entry = screen, entry
        self._wish = 0

    def list(self) -> None:
        """Read which videos there are; tells :class:`Listed`."""
        run = self._entry.run
        self._do(LIST, lambda _: Listed(validation_scores(run), pointer_names(run)))

    def open(self, video_id: str, data: Path | None) -> None:
        """Read poses and truth; tells :class:`Opened`.

        Args:
            video_id: which video.
            data: where the data are now; none: where the run found them.
        """

        def work(tell: Progress) -> Message:
            video = open_video(self._entry, video_id, data, tell)
            arena = arena_view(video.sample, video.about.width, video.about.height)
            return Opened(video, arena)

        self._do(VIDEO, work)

    def predict(self, video: TrackedVideo, which: str) -> None:
        """Have a checkpoint's answer; tells :class:`Predicted`."""
        entry = self._entry
        self._do(ANSWER, lambda tell: Predicted(predict_video(entry, video, which, progress=tell)))

    def close(self) -> None:
        """Want nothing more."""
        self._wish += 1

    def _do(self, what: str, work: Callable[[Progress], Message]) -> None:
        self._wish += 1
        wish = self._wish

        def run() -> Message | None:
            try:
                return work(self._teller(wish))
            except _UnwantedError:
                return None
            except UserError as error:
                return Missing(what, str(error))

        self._screen.ask(run, "video")

    def _teller(self, wish: int) -> Progress:
        def show(done: int, total: int, what: str) -> None:
            share = f"{done / total:.0%} of the " if total else ""
            self._screen.post_message(Told(share + what))

        show_sparingly = sparing(show, SECONDS_BETWEEN)

        def tell(done: int, total: int, what: str) -> None:
            if wish != self._wish:
                raise _UnwantedError
            show_sparingly(done, total, what)

        return tell
