"""Launch the seeds that would settle the verdict of a comparison, after asking with their price."""

from textual import on
from textual.message import Message

from mabe_tui.runs.launching.more_seeds import runs_that_settle
from mabe_tui.runs.launching.start import start_requests
from mabe_tui.tui.messages import Progressed
from mabe_tui.tui.screens.compare.looks import ComparisonLooks
from mabe_tui.tui.screens.compare.messages import SettlingReady
from mabe_tui.tui.screens.dialogs.confirm import ConfirmScreen


class SettlingScreen(ComparisonLooks):
    """A comparison whose selected verdict can be settled by more seeds."""

    @property
    def selected_verdict(self) -> int:
        """The place of the verdict to settle."""
        raise NotImplementedError

    def action_settle(self) -> None:
        """Ask whether to launch the seeds that would settle the selected verdict."""
        found, store, place = self.found, self.mabe.store, self.selected_verdict
        if found is None or not found.comparison.verdicts:
            self.notify("nothing is compared yet", severity="warning")
            return

        def work() -> Message:
            return SettlingReady(runs_that_settle(found.comparison, place, store))

        self.ask(work, "settle", keys_wait=True)

    @on(SettlingReady)
    def _agree(self, message: SettlingReady) -> None:
        wanted, home = message.wanted, self.mabe.session.home
        about = wanted.groups[0][0].run

        def tell(words: str) -> None:
            self.mabe.post_message(Progressed(about, words))

        def work() -> str:
            started = [
                run.id for group in wanted.groups for run in start_requests(home, group, say=tell)
            ]
            return f"started {' '.join(started)}"

        def answered(agreed: bool | None) -> None:
            if agreed:
                tell(f"starting {about}")
                self.mabe.do(work, about)

        self.app.push_screen(ConfirmScreen(wanted.title, wanted.words), answered)
