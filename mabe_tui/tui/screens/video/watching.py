"""Key actions of the video player."""

from core.errors import ConfigError
from mabe_tui.runs.videos.confused import Pair, next_confused
from mabe_tui.tui.screens.base import MabeScreen
from mabe_tui.tui.screens.dialogs.entry import EntryScreen
from mabe_tui.tui.screens.video.playback import parse_place
from mabe_tui.tui.screens.video.player import Player

WATCHING = "video"
"""The name of their place in the key table."""
PLAYED = frozenset(
    ("play", "step", "skip", "end", "speed", "error", "bout", "go_to", "view", "trail", "span")
)
NOT_YET = "the model's answer is not there yet"


class Watching(MabeScreen):
    """A screen with a player; add :data:`WATCHING` to ``PLACES`` and ``BINDINGS``."""

    pair: Pair | None = None
    """The confusion that is looked at, whose frames count as the errors; ``None`` for all errors."""

    @property
    def player(self) -> Player:
        """The player."""
        return self.query_one(Player)

    def why_not(self, action: str) -> str | None:
        """Return why an action is not available, e.g. while no video is shown."""
        if action in PLAYED and not (self.is_mounted and self.player.is_seen):
            return "no video is shown"
        return super().why_not(action)

    def action_play(self) -> None:
        """Play or pause."""
        self.player.toggle()

    def action_step(self, frames: int) -> None:
        """Pause and move by some frames."""
        self.player.pause()
        self.player.seek(self.player.frame + frames)

    def action_skip(self, seconds: float) -> None:
        """Move by some seconds."""
        rate = self.player.playback.frames_per_second
        self.player.seek(self.player.frame + round(seconds * rate))

    def action_end(self, direction: int) -> None:
        """Go to the first or the last frame."""
        self.player.seek(0 if direction < 0 else self.player.playback.frames - 1)

    def action_speed(self, steps: int) -> None:
        """Change the speed."""
        self.player.faster(steps)

    def action_error(self, direction: int) -> None:
        """Jump to the next or previous stretch of wrong frames."""
        self._jump("error", direction)

    def action_bout(self, direction: int) -> None:
        """Jump to the next or previous bout."""
        self._jump("bout", direction)

    def action_view(self) -> None:
        """Cycle through the arena, all mice close up, and each mouse."""
        self.player.next_view()

    def action_trail(self) -> None:
        """Change the length of the trails."""
        self.player.next_trail()

    def action_span(self, steps: int) -> None:
        """Show more or fewer seconds in the lower strip."""
        self.player.widen(steps)

    def action_go_to(self) -> None:
        """Ask for a frame or a time and jump there."""
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

    def _jump(self, what: str, direction: int) -> None:
        watched, at = self.player.watched, self.player.frame
        if watched is None:
            self.notify(NOT_YET, timeout=2)
            return
        if what == "error" and self.pair is not None:
            found = next_confused(watched, self.pair, at, direction)
            self._go(found, str(self.pair), direction)
            return
        find = {
            ("error", 1): watched.next_error,
            ("error", -1): watched.previous_error,
            ("bout", 1): watched.next_bout,
            ("bout", -1): watched.previous_bout,
        }[what, direction]
        self._go(find(at), what, direction)

    def _go(self, frame: int | None, what: str, direction: int) -> None:
        if frame is not None:
            self.player.seek(frame)
        else:
            where = "after" if direction > 0 else "before"
            self.notify(f"no {what} {where} this one", timeout=2, markup=False)
