"""Video: the validation videos of a run, the worst first, and one of them played."""

from dataclasses import asdict
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message

from core.errors import ConfigError, UserError
from core.rundir import RunDir
from mabe_tui.plotting.skeleton import View
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.video import TrackedVideo, VideoScore, open_video, validation_scores
from mabe_tui.runs.video_prediction import PredictedVideo, predict_video
from mabe_tui.tui.keys import bindings
from mabe_tui.tui.playback import parse_place
from mabe_tui.tui.screens.base import MabeScreen
from mabe_tui.tui.screens.entry import EntryScreen
from mabe_tui.tui.video_rows import score_columns, score_row
from mabe_tui.tui.widgets.arena import arena_of
from mabe_tui.tui.widgets.player import Looking, Player
from mabe_tui.tui.widgets.table import RowTable

NAME = "video"
WATCHING = "watching"
NOT_YET = "the model's answer is not there yet"


class VideoScreen(MabeScreen):
    """Looks at the videos that a run was measured on."""

    PLACES: ClassVar[tuple[str, ...]] = ("video", "table", "screen")
    BINDINGS: ClassVar[list[BindingType]] = bindings("video", "screen")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 - as Textual declares it
    CSS = """
    VideoScreen #videos { width: 44; }
    VideoScreen.-narrow #videos { width: 1fr; }
    VideoScreen.-narrow Player { display: none; }
    VideoScreen.-narrow.watching Player { display: block; }
    VideoScreen.-narrow.watching #videos { display: none; }
    """

    class Listed(Message):
        """The videos are known."""

        def __init__(self, scores: list[VideoScore]) -> None:
            super().__init__()
            self.scores = scores

    class Opened(Message):
        """Poses and truth of a video are there."""

        def __init__(self, video: TrackedVideo, arena: View) -> None:
            super().__init__()
            self.video, self.arena = video, arena

    class Predicted(Message):
        """A checkpoint's answer is there."""

        def __init__(self, watched: PredictedVideo) -> None:
            super().__init__()
            self.watched = watched

    class Told(Message):
        """How far reading or predicting a video is, or why it cannot be done."""

        def __init__(self, video_id: str, words: str) -> None:
            super().__init__()
            self.video_id, self.words = video_id, words

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self.video_id: str | None = None
        self._scores: list[VideoScore] = []

    def body(self) -> ComposeResult:
        """Lay out the list beside the player."""
        with Horizontal():
            yield RowTable(score_columns(()), empty="reading …", id="videos")
            yield Player(Looking.of(self.mabe.view_state.screen(NAME)))

    def heading(self) -> str:
        """Name run and video."""
        return f"mabe  {self.run_id}  {self.video_id or 'validation videos, the worst first'}"

    def on_mount(self) -> None:
        """Read the list."""
        self.table.focus()
        self.ask(lambda: self.Listed(validation_scores(self._entry.run)), "list")

    def on_screen_suspend(self) -> None:
        """Stand still while another screen is over this one."""
        self.player.pause()

    @property
    def table(self) -> RowTable:
        """The videos."""
        return self.query_one("#videos", RowTable)

    @property
    def player(self) -> Player:
        """What plays the chosen one."""
        return self.query_one(Player)

    @property
    def _entry(self) -> RunEntry:
        return RunEntry(RunDir(self.mabe.store.folder / self.run_id))

    # ── list and video ────────────────────────────────────────────────────────────────────────

    @on(Listed)
    def _list(self, message: Listed) -> None:
        self._scores = message.scores
        self.table.columns = score_columns(tuple(message.scores[0].f1) if message.scores else ())
        self.table.show([score_row(score) for score in message.scores])
        if self.has_class("-wide") and message.scores:
            self._open(message.scores[0].video_id)

    @on(RowTable.Chosen)
    def _choose(self, message: RowTable.Chosen) -> None:
        self.add_class(WATCHING)
        self.player.focus()
        if message.key != self.video_id:
            self._open(message.key)

    def _open(self, video_id: str) -> None:
        self.video_id = video_id
        self.retitle()
        self.player.clear(f"opening {video_id} …")

        def work() -> Message:
            try:
                video = open_video(self._entry, video_id, progress=self._teller(video_id))
                return self.Opened(video, arena_of(video))
            except UserError as error:
                return self.Told(video_id, str(error))

        self.ask(work, "video")

    @on(Opened)
    def _show(self, message: Opened) -> None:
        video = message.video
        if video.video_id != self.video_id:
            return
        self.player.open(video, message.arena)

        def work() -> Message:
            try:
                tell = self._teller(video.video_id)
                return self.Predicted(predict_video(self._entry, video, progress=tell))
            except UserError as error:
                return self.Told(video.video_id, str(error))

        self.ask(work, "prediction")

    @on(Predicted)
    def _add(self, message: Predicted) -> None:
        if message.watched.video.video_id == self.video_id:
            self.player.add_prediction(message.watched)

    @on(Told)
    def _tell(self, message: Told) -> None:
        if message.video_id == self.video_id:
            self.player.wait(message.words)

    def _teller(self, video_id: str):  # type: ignore[no-untyped-def]
        def tell(done: int, total: int, what: str) -> None:
            share = f"{done / total:.0%} of " if total else ""
            self.post_message(self.Told(video_id, f"{share}{what}"))

        return tell

    # ── keys ──────────────────────────────────────────────────────────────────────────────────

    def action_back(self) -> None:
        """Go back to the list, and from there to the screen before."""
        if self.has_class(WATCHING):
            self.remove_class(WATCHING)
            self.player.pause()
            self.table.focus()
        else:
            super().action_back()

    def action_play(self) -> None:
        """Play, or stand still."""
        self.player.toggle()

    def action_step(self, frames: int) -> None:
        """Stand still some frames on."""
        self.player.pause()
        self.player.seek(self.player.frame + frames)

    def action_skip(self, seconds: float) -> None:
        """Go on by some seconds."""
        rate = self.player.playback.frames_per_second
        self.player.seek(self.player.frame + round(seconds * rate))

    def action_speed(self, steps: int) -> None:
        """Play faster or more slowly."""
        self.player.faster(steps)

    def action_error(self, direction: int) -> None:
        """Go to the next stretch of wrong frames, or the one before."""
        watched, at = self.player.watched, self.player.frame
        if watched is None:
            self.notify(NOT_YET, timeout=2)
            return
        found = watched.next_error(at) if direction > 0 else watched.previous_error(at)
        self._go(found, "error", direction)

    def action_bout(self, direction: int) -> None:
        """Go to the next bout, or the one before."""
        watched, at = self.player.watched, self.player.frame
        if watched is None:
            self.notify(NOT_YET, timeout=2)
            return
        found = watched.next_bout(at) if direction > 0 else watched.previous_bout(at)
        self._go(found, "bout", direction)

    def _go(self, frame: int | None, what: str, direction: int) -> None:
        if frame is None:
            self.notify(f"no {what} {'after' if direction > 0 else 'before'} this", timeout=2)
        else:
            self.player.seek(frame)

    def action_go_to(self) -> None:
        """Ask for a frame or a time and go there."""
        video = self.player.video
        if video is None:
            return

        def typed(text: str | None) -> None:
            if not text:
                return
            try:
                self.player.seek(parse_place(text, video.frames, video.frames_per_second))
            except ConfigError as error:
                self.notify(str(error), severity="error", markup=False)

        self.app.push_screen(EntryScreen("go to", hint="a frame, or a time: 1:22.5"), typed)

    def action_view(self) -> None:
        """Show the arena, the mice close up, or one mouse."""
        self.player.next_view()

    def action_trail(self) -> None:
        """Show a longer trail, or none."""
        self.player.next_trail()

    def action_span(self, steps: int) -> None:
        """Show more or fewer seconds in the lower strip."""
        self.player.widen(steps)

    @on(Player.LookingChanged)
    def _keep(self, message: Player.LookingChanged) -> None:
        self.ask(lambda: self.mabe.view_state.keep(NAME, **asdict(message.looking)), "keep")
