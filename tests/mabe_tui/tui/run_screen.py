"""Open the run screen in a test, and simulate a live run."""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from core.run import events
from core.run.emitter import Emitter
from core.run.records import Handle
from core.run.rundir import RunDir
from mabe_tui.launch import process
from mabe_tui.tui.app import MabeApp
from mabe_tui.tui.screens.run.screen import RunScreen
from mabe_tui.tui.widgets.chart import ChartView
from tests.mabe_tui.tui.conftest import NOW
from tests.waiting import Bound


async def until(pilot: Pilot[Any], condition: Callable[[], object]) -> None:
    """Run the app until a condition holds."""
    bound = Bound()
    while not condition():
        assert not bound.is_over, "it did not come to pass"
        await pilot.pause(0.01)
    await pilot.pause()


async def workers_done(pilot: Pilot[Any]) -> None:
    """Wait until no worker runs; one that was replaced by a newer one counts as done."""
    while True:
        try:
            await pilot.app.workers.wait_for_complete()
        except WorkerCancelled:
            await pilot.pause()
        else:
            return


async def opened(pilot: Pilot[Any], name: str = "cc42") -> RunScreen:
    """Open a run's screen and wait until everything visible is loaded."""
    app = pilot.app
    assert isinstance(app, MabeApp)
    screen = RunScreen(app.store.find(name).id)
    await app.push_screen(screen)
    await until(pilot, lambda: is_settled(screen))
    return screen


def is_settled(screen: RunScreen) -> bool:
    """Return whether charts and log are up to date."""
    look, view = screen.look, screen.log_panel.view
    names = screen.panels.visible_charts
    return (
        look is not None
        and set(look.charts) == set(names)
        and look.log.complete
        and view.bounds == look.log
        and all(position in view.lines_here for position in visible(screen))
    )


def visible(screen: RunScreen) -> range:
    """Return the positions of the visible log lines."""
    view = screen.log_panel.view
    return range(view._top, min(view._top + view.size.height, view.bounds.stop))


def drawn(screen: RunScreen, name: str) -> str:
    """Return a chart's text."""
    return screen.query_one(f"#chart-{name}", ChartView).drawn.text


def log_lines(screen: RunScreen) -> list[str]:
    """Return the visible lines."""
    view = screen.log_panel.view
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


def tabs(screen: RunScreen) -> str:
    """Return the row of panel names."""
    return str(screen.query_one("#tabs").render())


@dataclass
class Going:
    """A run that stays alive during the test and emits events on demand."""

    run: RunDir
    back_to: int = -1
    """The checkpoint that it resumes from."""

    def __post_init__(self) -> None:
        self.attempt = self.run.claim_attempt()
        me = process.reference_to(os.getpid())
        assert me is not None
        reference: dict[str, str | int | float] = {"pid": me.pid, "create_time": me.create_time}
        handle = Handle(launcher="local", attempt=self.attempt, reference=reference)
        self.run.write_handle(handle)
        self.log = io.StringIO()
        self.emitter = Emitter(
            self.attempt, self.run.events_path(self.attempt), self.log, clock=lambda: NOW
        )

    def say(self, kind: type[Any], **fields: Any) -> Any:
        """Emit an event, also into the log."""
        event = self.emitter.emit(kind, **fields)
        with self.run.log_path(self.attempt).open("a") as file:
            file.write(self.log.getvalue())
        self.log.seek(0)
        self.log.truncate()
        return event

    def begin(self) -> "Going":
        """Emit the start of an attempt that resumes from the last checkpoint."""
        self.saved = [e for e in self.run.events() if isinstance(e, events.CheckpointSaved)][
            self.back_to
        ]
        self.say(
            events.RunStarted, run=self.run.id, experiment="v6", device="cpu", device_name="x",
            torch="2", threads=1, code_version="c", pid=os.getpid(), seed=1,
        )  # fmt: skip
        self.say(
            events.Resumed, from_attempt=self.saved.attempt, from_seq=self.saved.seq,
            epoch=self.saved.epoch, step=self.saved.step, file=self.saved.file,
            sha256=self.saved.sha256,
        )  # fmt: skip
        return self

    def step(self, number: int, loss: float) -> Any:
        """Emit one of the eight steps after the checkpoint."""
        return self.say(
            events.Step, epoch=self.saved.epoch + 1, step=self.saved.step + number,
            epoch_step=number, epoch_steps=8, loss=loss, learning_rate=1e-3, gradient_norm=1.0,
            frames_per_second=100.0,
        )  # fmt: skip
