"""The life cycle of the feed that a run's screen shows: following, replay, and closing."""

import asyncio
from contextlib import suppress

from textual.message import Message

from core.run.rundir import RunDir
from mabe_tui.runs.following.feed import Job, RunFeed
from mabe_tui.runs.following.live import RunSource
from mabe_tui.tui.actions import RunActions
from mabe_tui.tui.messages import WorkFailed
from mabe_tui.tui.screens.run.messages import Looked


class FollowingScreen(RunActions):
    """A screen that follows one run while mounted; updates from the feed arrive as :class:`Looked`."""

    def __init__(self, run_id: str, replay: bool = False) -> None:
        super().__init__()
        self.is_open = False
        self._asked_of_feed: set[object] = set()
        self.run_id = self.tells_of = run_id
        """The run whose notices this screen shows itself, so that other screens do not."""
        self._replay = replay

    @property
    def selected_run(self) -> str | None:
        """The run that is shown."""
        return self.run_id

    def on_mount(self) -> None:
        """Begin to follow."""
        self.feed = RunFeed(
            RunDir(self.mabe.store.folder / self.run_id),
            lambda look: self._post(Looked(look)),
            lambda words: self._post(WorkFailed(words)),
            self.mabe.now,
        )
        self.feed.ask(self.begin)
        if self._replay:
            self.feed.toggle_replay()
        self.feed.start()

    def on_unmount(self) -> None:
        """Stop following; the run continues."""
        self.feed.close()

    def begin(self, source: RunSource) -> None:
        """Read, in the feed's thread, what is needed before the first update."""
        raise NotImplementedError

    @property
    def is_ready(self) -> bool:
        """Whether the run is shown and the feed has answered the requests of all keys."""
        return super().is_ready and not self._asked_of_feed

    def ask_feed(self, job: Job) -> None:
        """Run a job in the feed that moves the focus or the view; keys typed meanwhile wait for it."""
        loop, token = asyncio.get_running_loop(), object()
        self._asked_of_feed.add(token)

        def work(source: RunSource) -> None:
            try:
                job(source)
            finally:
                with suppress(RuntimeError):  # the dashboard has ended
                    # After the answer, which is posted in the same way.
                    loop.call_soon_threadsafe(self._asked_of_feed.discard, token)

        self.feed.ask(work)

    def _post(self, message: Message) -> None:
        self.post_message(message)

    def action_replay(self) -> None:
        """Replay the run from its beginning, or end the replay."""
        self.feed.toggle_replay()

    def action_pause(self) -> None:
        """Pause or continue the replay."""
        self.feed.toggle_pause()

    def action_speed(self, by: int) -> None:
        """Change the speed of the replay."""
        self.feed.change_speed(by)
