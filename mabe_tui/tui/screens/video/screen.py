"""The screen of a run's validation videos: a list, worst first, and a player."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from core.run.rundir import RunDir
from mabe_tui.plotting.ethogram import MODEL
from mabe_tui.runs.comparison.evaluate import AT
from mabe_tui.runs.comparison.side_by_side import checkpoint_briefs
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.checkpoints import none_words
from mabe_tui.runs.videos.confused import next_confused
from mabe_tui.runs.videos.slices import Stretch
from mabe_tui.runs.videos.video import VideoScore
from mabe_tui.runs.videos.video_prediction import PredictedVideo
from mabe_tui.runs.videos.wish import VideoWish
from mabe_tui.tui.keys import bindings
from mabe_tui.tui.screens.dialogs.entry import EntryScreen
from mabe_tui.tui.screens.dialogs.pick import PickScreen
from mabe_tui.tui.screens.video.loader import (
    ANSWER,
    LIST,
    OTHER,
    Listed,
    Loading,
    Missing,
    Opened,
    OtherPredicted,
    Predicted,
    VideoLoader,
)
from mabe_tui.tui.screens.video.player import Looking, Player
from mabe_tui.tui.screens.video.rows import (
    CONFUSED,
    WORST_FIRST,
    Order,
    falls,
    ordered,
    score_columns,
    score_row,
)
from mabe_tui.tui.screens.video.slicing import Slicing
from mabe_tui.tui.screens.video.watching import WATCHING
from mabe_tui.tui.widgets.table import RowTable

NAME = "video"
BEST = "best"


class VideoScreen(Slicing):
    """The list of a run's validation videos beside a player.

    Args:
        run_id: the run.
        checkpoint: the checkpoint whose predictions are shown first.
        wish: what to show first, and beside which other run.
    """

    PLACES: ClassVar[tuple[str, ...]] = (WATCHING, "table", "screen")
    BINDINGS: ClassVar[list[BindingType]] = bindings(WATCHING, "screen")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 - as Textual declares it
    CSS = """
    VideoScreen #list { width: 30%; min-width: 44; max-width: 64; }
    VideoScreen.-narrow #list { width: 1fr; max-width: 100%; }
    VideoScreen.-narrow .panel, VideoScreen.-narrow .panel:focus-within { border: none; }
    VideoScreen.-narrow Player { display: none; }
    VideoScreen.-narrow.watching Player { display: block; }
    VideoScreen.-narrow.watching #list { display: none; }
    """

    def __init__(self, run_id: str, checkpoint: str = BEST, wish: VideoWish | None = None) -> None:
        super().__init__()
        self.is_open = False
        self.run_id, self.checkpoint = run_id, checkpoint
        self.video_id: str | None = None
        self._wish = wish or VideoWish()
        self.pair = self._wish.pair
        self._confused: dict[str, int] = {}
        self._scores: list[VideoScore] = []
        self._checkpoints: list[str] = []
        self._order: Order = WORST_FIRST
        self._data: Path | None = None

    # ── layout ────────────────────────────────────────────────────────────────────────────────

    def body(self) -> ComposeResult:
        """Lay out the list and the player."""
        with Horizontal():
            with Vertical(id="list", classes="panel") as pane:
                pane.border_title = "validation videos"
                yield RowTable(score_columns(()), empty="reading …", id="videos")
            yield Player(Looking.of(self.mabe.view_state.screen(NAME)), classes="panel")

    def heading(self) -> str:
        """Return run, video and checkpoint."""
        if self.video_id is None:
            return f"mabe  {self.run_id}  validation videos"
        watched, pair = self.player.watched, f"  {self.pair}" if self.pair is not None else ""
        answer = f"  {self.checkpoint}, epoch {watched.epoch}" if watched else ""
        return f"mabe  {self.run_id}  {self.video_id}{answer}{pair}"

    def on_mount(self) -> None:
        """Read the list."""
        self._arrange(self.mabe.view_state.screen(NAME))
        self.loader = VideoLoader(self, RunEntry(RunDir(self.mabe.store.folder / self.run_id)))
        self.table.focus()
        if self.pair is not None:
            self._order = (CONFUSED, True)
        self.loader.list(self.pair)

    def on_unmount(self) -> None:
        """Cancel the work of this screen's threads."""
        self.loader.close()

    def on_screen_suspend(self) -> None:
        """Pause while another screen covers this one."""
        self.player.pause()

    @property
    def table(self) -> RowTable:
        """The table of videos."""
        return self.query_one("#videos", RowTable)

    # ── the list ──────────────────────────────────────────────────────────────────────────────

    @on(Listed)
    def _list(self, message: Listed) -> None:
        self._scores, self._checkpoints = message.scores, message.checkpoints
        self._confused = message.confused
        self.is_open = True
        classes = tuple(message.scores[0].f1) if message.scores else ()
        self.table.columns = score_columns(classes, self.pair)
        self._show_rows()
        if (wished := self._wish.video) is not None:
            self.table.select(wished)
        if self.pair is not None or wished is not None:
            self._watch(wished or self.table.selected)
        else:
            self._open_where_seen()

    def on_resize(self) -> None:
        """Fill the pane beside the list once it is displayed."""
        self.call_next(self._open_where_seen)  # after the classes for the new width are set

    def _open_where_seen(self) -> None:
        is_seen = self.has_class("-wide") and self.video_id is None
        if is_seen and self.table.selected is not None:
            self._open(self.table.selected)

    def _show_rows(self) -> None:
        confused = self._confused
        self.table.show(
            [
                score_row(one, confused.get(one.video_id, 0) if self.pair is not None else None)
                for one in ordered(self._scores, self._order, confused)
            ]
        )
        self.table.mark_sorted(*self._order)

    @on(RowTable.HeaderClicked)
    def _sort_clicked(self, message: RowTable.HeaderClicked) -> None:
        self._sort(message.column)

    def action_sort(self) -> None:
        """Choose the sort column."""

        def chosen(key: str | None) -> None:
            if key is not None:
                self._sort(key)

        keys = [column.key for column in self.table.columns]
        self.app.push_screen(PickScreen("sort videos by", keys), chosen)

    def _sort(self, key: str) -> None:
        column, descending = self._order
        self._order = (key, not descending if key == column else falls(key))
        self._show_rows()
        if key != CONFUSED:
            self._keep(sort=key, descending=self._order[1])

    @on(RowTable.Chosen)
    def _choose(self, message: RowTable.Chosen) -> None:
        self._watch(message.key)

    def _watch(self, video_id: str | None) -> None:
        if video_id is None:
            return
        self.add_class("watching")  # a hidden widget takes no focus
        self.player.focus()
        if video_id != self.video_id:
            self._open(video_id)

    def action_back(self) -> None:
        """Return to the list, and from there to the previous screen."""
        if not self.player.has_focus:
            super().action_back()
            return
        self.remove_class("watching")
        self.player.pause()
        self.table.focus()

    def on_descendant_focus(self) -> None:
        """If only one of the two fits, show the one that has the focus."""
        self.set_class(self.player.has_focus, "watching")
        self.refresh_bindings()

    # ── one video ─────────────────────────────────────────────────────────────────────────────

    def _open(self, video_id: str) -> None:
        self.video_id = video_id
        self.player.clear(f"opening {video_id} …")
        self.retitle()
        self.refresh_bindings()
        self.loader.open(video_id, self._data)

    @on(Opened)
    def _show(self, message: Opened) -> None:
        self.player.open(message.video, message.arena)
        self.refresh_bindings()
        if message.video.remark:
            self.notify(message.video.remark, severity="warning", markup=False)
        self._predict()

    def _predict(self) -> None:
        if self.player.video is not None:
            self.player.add_prediction(None)
            self.loader.predict(self.player.video, self.checkpoint)

    @on(Predicted)
    def _add(self, message: Predicted) -> None:
        self.player.add_prediction(message.watched)
        self.retitle()
        self._go_where_wished(message.watched)
        if self._wish.beside is not None:
            beside = RunEntry(RunDir(self.mabe.store.folder / self._wish.beside))
            self.loader.predict_beside(beside, message.watched.video, self._data)

    def _go_where_wished(self, watched: PredictedVideo) -> None:
        """Go to the wished frame, or to the first one that is confused so."""
        at, self._wish = self._wish.frame, replace(self._wish, frame=None)
        if at is None and self.pair is not None and self.player.frame == 0:
            at = next_confused(watched, self.pair, -1, 1)
        if at is not None:
            self.player.seek(at)

    @on(OtherPredicted)
    def _add_other(self, message: OtherPredicted) -> None:
        names = [RunEntry(RunDir(Path(run))).version for run in (self.run_id, message.run)]
        labels = (names[0], names[1]) if names[0] != names[1] else (MODEL, "other")
        self.player.add_other(message.other, labels)

    @on(Loading)
    def _show_progress(self, message: Loading) -> None:
        self.player.wait(message.words)

    @on(Missing)
    def _miss(self, message: Missing) -> None:
        if message.what == OTHER:
            self.notify(message.words, severity="warning", markup=False)
            return
        if message.what == ANSWER:
            self.player.wait(message.words)
        else:
            self.player.clear(message.words)
        self.is_open = True
        if message.what == LIST:
            self.table.empty = "no video"
            self.table.refresh()
        self.notify(message.words, severity="error", markup=False)

    def action_checkpoint(self) -> None:
        """Choose the checkpoint whose predictions are shown."""

        def chosen(name: str | None) -> None:
            if name is not None:
                self.checkpoint = name
                self._predict()

        if not self._checkpoints:
            run = RunDir(self.mabe.store.folder / self.run_id)
            self.notify(none_words(run), severity="warning", markup=False)
            return
        names = [f"{self.run_id}{AT}{name}" for name in self._checkpoints]
        known = checkpoint_briefs(names, self.mabe.store)
        details = {name.partition(AT)[2]: words for name, words in known.items()}
        self.app.push_screen(PickScreen("checkpoint", self._checkpoints, details=details), chosen)

    def action_data(self) -> None:
        """Ask for the folder with the data, and open the video from there."""

        def typed(text: str | None) -> None:
            if text is None:
                return
            self._data = Path(text).expanduser() if text.strip() else None
            known = self.mabe.view_state.screen(NAME).get("data")
            self._keep(data={**(known if isinstance(known, dict) else {}), self.run_id: text})
            if self.video_id is not None:
                self._open(self.video_id)

        hint = "a folder in the competition's layout; nothing: where the run found them"
        self.app.push_screen(EntryScreen("data", str(self._data or ""), hint), typed)

    # ── slices ────────────────────────────────────────────────────────────────────────────────

    def has_video(self, video_id: str) -> bool:
        """Return whether a video is in the list."""
        return any(score.video_id == video_id for score in self._scores)

    def go_to_stretch(self, stretch: Stretch) -> None:
        """Open the video of a stretch at its first frame."""
        if stretch.video == self.video_id:
            self.player.seek(stretch.start)
            self.player.focus()
            return
        self._wish = replace(self._wish, frame=stretch.start)
        self.table.select(stretch.video)
        self._watch(stretch.video)

    def copyable(self) -> dict[str, str]:
        """Return the video, the frame, and the command that draws it."""
        if self.video_id is None:
            return {"run": self.run_id}
        frame = self.player.frame
        return {
            "video": self.video_id,
            "frame": str(frame),
            "command": f"mabe video {self.run_id} {self.video_id} --frame {frame}",
        }

    # ── view state ────────────────────────────────────────────────────────────────────────────

    def _arrange(self, kept: dict[str, object]) -> None:
        if isinstance(kept.get("sort"), str):
            self._order = (str(kept["sort"]), bool(kept.get("descending")))
        data = kept.get("data")
        if isinstance(data, dict) and data.get(self.run_id):
            self._data = Path(str(data[self.run_id])).expanduser()

    @on(Player.LookingChanged)
    def _keep_looking(self, message: Player.LookingChanged) -> None:
        self._keep(**msgspec.structs.asdict(message.looking))

    def _keep(self, **values: object) -> None:
        def work() -> None:
            self.mabe.view_state.keep(NAME, **values)

        self.ask(work, "keep")
