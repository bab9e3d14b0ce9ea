"""The video player: mice, facts about the frame, and two strips below."""

from collections.abc import Mapping
from typing import Annotated, cast

import msgspec
from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.timer import Timer

from mabe_tui.plotting.ethogram import MODEL, Ethogram
from mabe_tui.plotting.skeleton import ArenaView
from mabe_tui.runs.videos.video import TrackedVideo
from mabe_tui.runs.videos.video_prediction import PredictedVideo
from mabe_tui.tui.dashboard import Dashboard
from mabe_tui.tui.screens.video.frame_facts import FrameFactsPane, Moment
from mabe_tui.tui.screens.video.playback import NORMAL, Playback
from mabe_tui.tui.widgets.arena import MICE, TRAILS, Arena, view_count, view_name
from mabe_tui.tui.widgets.ethogram import ROWS, SPANS, Ethograms

DRAWN_PER_SECOND = 20
ROOMY = 36
"""Minimum rows at which the probabilities are drawn over time, too."""
MOST_COURSES = 8


class Looking(msgspec.Struct, frozen=True, kw_only=True):
    """Saved view settings of the player."""

    view: Annotated[int, msgspec.Meta(ge=0)] = MICE
    trail_seconds: float = TRAILS[1]
    span_seconds: float = 10.0
    speed: float = NORMAL

    @classmethod
    def of(cls, kept: Mapping[str, object]) -> "Looking":
        """Return the saved settings, or defaults if they are damaged."""
        try:
            return msgspec.convert(kept, cls)
        except msgspec.ValidationError:
            return cls()


class Player(Vertical, can_focus=True):
    """Plays one video; its screen handles the keys."""

    DEFAULT_CSS = """
    Player { height: 1fr; padding: 0 1; }
    Player #stage { height: 1fr; }
    Player Arena { width: 1fr; height: 1fr; }
    Player FrameFactsPane { width: 30; margin-left: 1; height: 1fr; }
    Player Ethograms { height: 4; }
    """

    class LookingChanged(Message):
        """The view settings changed."""

        def __init__(self, looking: Looking) -> None:
            super().__init__()
            self.looking = looking

    def __init__(
        self, looking: Looking, *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.looking = looking
        self.video: TrackedVideo | None = None
        self.watched: PredictedVideo | None = None
        self.other: PredictedVideo | None = None
        """Predictions of another model for the same video, drawn below the first's."""
        self.labels = (MODEL, "other")
        self.playback = Playback(1, 1.0)
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Lay out mice, facts and strips."""
        with Horizontal(id="stage"):
            yield Arena()
            yield FrameFactsPane()
        yield Ethograms(id="whole")
        yield Ethograms(courses=True, id="around")

    def on_mount(self) -> None:
        """Create the clock."""
        self._timer = self.set_interval(1 / DRAWN_PER_SECOND, self.draw, pause=True)
        self.query_one(Arena).look(self.looking.view, self.looking.trail_seconds)

    def on_resize(self) -> None:
        """Show as much as fits."""
        self._fit()

    def _fit(self) -> None:
        names = self.video.classes if self.video else ()
        fits = self.size.height >= ROOMY and len(names) <= MOST_COURSES
        strips = ROWS + (self.other is not None)
        self.query_one("#whole").styles.height = strips
        self.query_one("#around").styles.height = strips + (len(names) if fits else 0)

    # ── content ───────────────────────────────────────────────────────────────────────────────

    def clear(self, words: str) -> None:
        """Show a message instead of a video."""
        self.video = self.watched = self.other = None
        self.playback = Playback(1, 1.0)
        self.query_one(Arena).say(words)
        self.query_one(FrameFactsPane).show(None, None)
        self.wait("")
        for strip in self.query(Ethograms):
            strip.show(None, None)

    def open(self, video: TrackedVideo, arena: ArenaView) -> None:
        """Show a video from its first frame; its predictions come later."""
        self.playback = Playback(video.frames, video.frames_per_second, self.looking.speed)
        self.video, self.watched, self.other = video, None, None
        self._fit()
        self.query_one(Arena).show_video(video, arena)
        self._know()

    def add_prediction(self, watched: PredictedVideo | None) -> None:
        """Show the model's predictions, too; ``None`` discards the previous ones."""
        self.watched = watched
        self._know()

    def add_other(self, other: PredictedVideo, labels: tuple[str, str]) -> None:
        """Show what another model predicts for the same video.

        Args:
            other: its predictions.
            labels: names of the first model and of this one.
        """
        self.other, self.labels = other, labels
        self._fit()
        self._know()

    def wait(self, words: str) -> None:
        """Show why there are no predictions yet."""
        self.query_one(FrameFactsPane).wait(words)

    def _know(self) -> None:
        video, watched = self.video, self.watched
        if video is None:
            return
        prediction = watched.prediction if watched else None
        other = self.other.prediction if self.other else None
        labels = self.labels if self.other else (MODEL, "")
        ethogram = Ethogram(video.truth, prediction, video.classes, other, labels)
        for strip in self.query(Ethograms):
            strip.show(ethogram, watched)
        self.query_one(FrameFactsPane).show(video, watched)
        self.draw()

    def draw(self) -> None:
        """Draw the current frame."""
        if self.video is None or self._timer is None:
            return
        at = self.frame
        if not self.playback.playing:
            self._timer.pause()
        self.query_one(Arena).show_frame(at)
        span = round(self.looking.span_seconds * self.video.frames_per_second)
        self.query_one("#whole", Ethograms).show_frame(at, None)
        self.query_one("#around", Ethograms).show_frame(at, span)
        moment = Moment(
            frame=at,
            playing=self.playback.playing,
            speed=self.playback.speed,
            look=self._look_words(self.video),
        )
        self.query_one(FrameFactsPane).show_moment(moment)

    @property
    def is_seen(self) -> bool:
        """Whether a video is shown."""
        return self.video is not None and bool(self.display)

    @property
    def frame(self) -> int:
        """The current frame."""
        return self.playback.frame(self._now)

    @property
    def _now(self) -> float:
        return cast("Dashboard", self.app).seconds()

    def _look_words(self, video: TrackedVideo) -> str:
        words = view_name(self.looking.view, video)
        trail = self.looking.trail_seconds
        return f"{words}, trail {trail:g} s" if trail else words

    # ── actions ───────────────────────────────────────────────────────────────────────────────

    def toggle(self) -> None:
        """Play or pause."""
        if self.video is None or self._timer is None:
            return
        self.playback.toggle(self._now)
        if self.playback.playing:
            self._timer.resume()
        self.draw()

    def pause(self) -> None:
        """Pause."""
        self.playback.pause(self._now)
        self.draw()

    def seek(self, frame: int) -> None:
        """Go to a frame."""
        self.playback.seek(frame, self._now)
        self.draw()

    @on(Ethograms.Sought)
    def _seek_clicked(self, message: Ethograms.Sought) -> None:
        self.seek(message.frame)

    @on(Ethograms.Wheeled)
    def _wheel(self, message: Ethograms.Wheeled) -> None:
        self.widen(message.steps)

    def faster(self, steps: int) -> None:
        """Play at the next or previous speed."""
        self.playback.faster(steps, self._now)
        self._like(replace(self.looking, speed=self.playback.speed))

    def widen(self, steps: int) -> None:
        """Show more or fewer seconds around the frame."""
        at = min(range(len(SPANS)), key=lambda n: abs(SPANS[n] - self.looking.span_seconds))
        span = SPANS[min(max(at + steps, 0), len(SPANS) - 1)]
        self._like(replace(self.looking, span_seconds=span))

    def next_view(self) -> None:
        """Cycle through the arena, all mice close up, and each mouse."""
        if self.video is not None:
            after = (self.looking.view + 1) % view_count(self.video)
            self._like(replace(self.looking, view=after))

    def next_trail(self) -> None:
        """Change the length of the trails."""
        lengths = [*TRAILS, TRAILS[0]]
        known = self.looking.trail_seconds in TRAILS
        after = lengths[lengths.index(self.looking.trail_seconds) + 1] if known else TRAILS[0]
        self._like(replace(self.looking, trail_seconds=after))

    def _like(self, looking: Looking) -> None:
        self.looking = looking
        self.query_one(Arena).look(looking.view, looking.trail_seconds)
        self.draw()
        self.post_message(self.LookingChanged(looking))
