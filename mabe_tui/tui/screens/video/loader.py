"""Read a run's videos and a checkpoint's predictions, in threads that can be cancelled."""

from collections.abc import Callable
from pathlib import Path

from textual.message import Message

from core.errors import UserError
from core.system.progress import Progress, sparing
from mabe_tui.plotting.skeleton import ArenaView, arena_view
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.checkpoints import pointer_names
from mabe_tui.runs.videos.confused import Pair, frames_confused
from mabe_tui.runs.videos.video import TrackedVideo, VideoScore, open_video, validation_scores
from mabe_tui.runs.videos.video_prediction import PredictedVideo, predict_video
from mabe_tui.tui.screens.base import MabeScreen
from mabe_tui.tui.work import SECONDS_BETWEEN


class Listed(Message):
    """The videos and checkpoints of the run are known."""

    def __init__(
        self, scores: list[VideoScore], checkpoints: list[str], confused: dict[str, int]
    ) -> None:
        super().__init__()
        self.scores, self.checkpoints = scores, checkpoints
        self.confused = confused
        """Video → frames of the wanted confusion; empty if none is wanted."""


class Opened(Message):
    """Poses and truth of a video."""

    def __init__(self, video: TrackedVideo, arena: ArenaView) -> None:
        super().__init__()
        self.video = video
        self.arena = arena
        """The extent of the whole arena."""


class Predicted(Message):
    """A checkpoint's predictions."""

    def __init__(self, watched: PredictedVideo) -> None:
        super().__init__()
        self.watched = watched


class OtherPredicted(Message):
    """What another run's best checkpoint predicts for the same video."""

    def __init__(self, other: PredictedVideo, run: str) -> None:
        super().__init__()
        self.other, self.run = other, run


class Loading(Message):
    """Progress of reading or predicting."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class Missing(Message):
    """The list, a video or predictions are unavailable; one line that says why and what to do."""

    def __init__(self, what: str, words: str) -> None:
        super().__init__()
        self.what, self.words = what, words


LIST, VIDEO, ANSWER, OTHER = "list", "video", "answer", "other"
"""The kinds of data to read, named in :attr:`Missing.what`."""


class _UnwantedError(Exception):
    """Another video, or none, is requested by now."""


class VideoLoader:
    """A loader with one job at a time: a newer request cancels the previous one.

    Args:
        screen: receives the messages.
        entry: the run.
    """

    def __init__(self, screen: MabeScreen, entry: RunEntry) -> None:
        self._screen, self._entry = screen, entry
        self._request_number = 0

    def list(self, pair: Pair | None = None) -> None:
        """Read the list of videos, with the frames of a confusion; post :class:`Listed`."""
        run = self._entry.run

        def work(_: Progress) -> Message:
            confused = frames_confused(run, pair) if pair is not None else {}
            return Listed(validation_scores(run), pointer_names(run), confused)

        self._do(LIST, work)

    def open(self, video_id: str, data: Path | None) -> None:
        """Read poses and truth; post :class:`Opened`.

        Args:
            video_id: the video's id.
            data: the folder that has the data now; by default that of the run.
        """

        def work(report: Progress) -> Message:
            video = open_video(self._entry, video_id, data, report)
            arena = arena_view(video.sample, video.about.width, video.about.height)
            return Opened(video, arena)

        self._do(VIDEO, work)

    def predict(self, video: TrackedVideo, which: str) -> None:
        """Load or compute a checkpoint's predictions; post :class:`Predicted`."""
        entry = self._entry
        self._do(
            ANSWER, lambda report: Predicted(predict_video(entry, video, which, progress=report))
        )

    def predict_beside(self, entry: RunEntry, video: TrackedVideo, data: Path | None) -> None:
        """Load or compute what another run's best checkpoint predicts; post :class:`OtherPredicted`."""

        def work(report: Progress) -> Message:
            own = open_video(entry, video.video_id, data, report)
            if own.classes != video.classes or own.frames != video.frames:
                return Missing(
                    OTHER, f"{entry.short} has other classes or frames: not shown beside"
                )
            return OtherPredicted(predict_video(entry, own, progress=report), entry.id)

        self._do(OTHER, work)

    def close(self) -> None:
        """Cancel all requests."""
        self._request_number += 1

    def _do(self, what: str, work: Callable[[Progress], Message]) -> None:
        self._request_number += 1
        number = self._request_number

        def run() -> Message | None:
            try:
                return work(self._progress_callback(number))
            except _UnwantedError:
                return None
            except UserError as error:
                return Missing(what, str(error))

        self._screen.ask(run, "video")

    def _progress_callback(self, number: int) -> Progress:
        def show(done: int, total: int, what: str) -> None:
            share = f"{done / total:.0%} of the " if total else ""
            self._screen.post_message(Loading(share + what))

        show_sparingly = sparing(show, SECONDS_BETWEEN)

        def report(done: int, total: int, what: str) -> None:
            if number != self._request_number:
                raise _UnwantedError
            show_sparingly(done, total, what)

        return report
