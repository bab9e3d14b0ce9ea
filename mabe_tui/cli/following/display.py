"""Show the lines and the progress of a run that is followed.

On a terminal a bar stays below the lines: epoch, step, loss, speed, time left, cost. Elsewhere there are
only lines, including an occasional progress line within a long epoch.
"""

import datetime as dt
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from core.config.task_spec import TaskSpec
from core.errors import RunError
from core.run.events import Step, identity
from core.run.request import RunRequest
from core.run.rundir import RunDir
from mabe_tui.cli.following.lines import line_of, standing_line
from mabe_tui.cli.terminal.output import say, wrapped
from mabe_tui.cli.terminal.streams import console
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.following.mirror import EventItem, Item
from mabe_tui.runs.format.event_text import step_line
from mabe_tui.runs.reading.thin_history import thin_history
from mabe_tui.runs.summary.run_summary import summarise
from mabe_tui.runs.tasks import default_spec, spec_of

if TYPE_CHECKING:  # numpy and rich are too slow to import for plain lines
    from rich.progress import BarColumn, Progress

    from mabe_tui.runs.reading.growing import GrowingFold

STEP_LINE_SECONDS = 30.0
BAR_WIDTH = (8, 40)
"""Minimum width of the bar, before words are dropped, and maximum."""
AROUND_BAR = 2 + 1 + 3
"""Columns for the spinner, the space behind the bar, and the ``^C`` that a terminal may echo."""
INDENT = "    "


class Show(Protocol):
    """Shows what a run has emitted since the last call."""

    def __call__(self, items: Sequence[Item], last: int | None = None) -> None:
        """Show the lines of ``items``, or only the last ones, and update the bar."""


@contextmanager
def display(run: RunDir, lines_to: TextIO, bar: bool = True) -> Iterator[Show]:
    """Show a run while the context is open.

    Args:
        run: the run to show.
        lines_to: standard output if the lines are the command's data, else standard error.
        bar: show a progress bar if all streams are terminals.
    """
    try:
        request = run.read_request()
    except RunError:  # earlier lines can still be shown
        yield _PlainDisplay(default_spec(), None, lines_to)
        return
    if not (bar and sys.stderr.isatty() and lines_to.isatty()):
        yield _PlainDisplay(
            spec_of(request.experiment), request.experiment.training.epochs, lines_to
        )
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    column = BarColumn(bar_width=BAR_WIDTH[0])
    words = TextColumn("{task.description}", markup=False)
    terminal = console(to_stderr=True)
    with Progress(SpinnerColumn(), column, words, console=terminal, transient=True) as progress:
        yield _BarDisplay(request, _earlier_events(run), progress, column)


def _earlier_events(run: RunDir) -> "GrowingFold":
    """Fold earlier events, including those of earlier attempts, which count in time and cost."""
    from mabe_tui.runs.reading.growing import GrowingFold

    fold, history = GrowingFold(), thin_history(run)
    fold.feed(sorted([*history.superseded, *history.events], key=identity))
    return fold


def newest(lines: list[str], count: int | None) -> list[str]:
    """Return the last ``count`` lines, or all if it is ``None``."""
    return lines if count is None else lines[max(0, len(lines) - count) :]


def shown_lines(
    items: Sequence[Item], spec: TaskSpec, epochs: int | None, last: int | None = None
) -> list[str]:
    """Return the lines of ``items`` to show, or only the last of them; see :func:`line_of`."""
    lines = (line_of(item, spec, epochs) for item in items)
    return newest([line for line in lines if line is not None], last)


class _BarDisplay:
    """Lines, with a bar over all epochs below them."""

    def __init__(
        self, request: RunRequest, fold: "GrowingFold", progress: "Progress", column: "BarColumn"
    ) -> None:
        self._request, self._fold = request, fold
        self._progress, self._column = progress, column
        self._task = progress.add_task("starting", total=None)

    def __call__(self, items: Sequence[Item], last: int | None = None) -> None:
        from rich.text import Text

        experiment = self._request.experiment
        for line in shown_lines(items, spec_of(experiment), experiment.training.epochs, last):
            text = wrapped(line, INDENT, sys.stderr)
            self._progress.console.print(Text(text), soft_wrap=True)
        self._fold.feed(item.event for item in items if isinstance(item, EventItem))
        if items:
            self._move()

    def _move(self) -> None:
        now = summarise(
            self._request, self._fold.history, RunState.RUNNING, dt.datetime.now(dt.UTC)
        )
        if not now.epoch and not now.epoch_fraction:
            return
        least, most = BAR_WIDTH
        room = self._progress.console.width - AROUND_BAR
        words = standing_line(now, room - least)
        self._column.bar_width = max(least, min(most, room - len(words)))
        done = now.epoch + now.epoch_fraction
        self._progress.update(self._task, total=now.epochs, completed=done, description=words)


class _PlainDisplay:
    """Lines only."""

    def __init__(self, spec: TaskSpec, epochs: int | None, lines_to: TextIO) -> None:
        self._spec, self._epochs, self._to = spec, epochs, lines_to
        self._last_line = time.monotonic()

    def __call__(self, items: Sequence[Item], last: int | None = None) -> None:
        if lines := shown_lines(items, self._spec, self._epochs, last):
            text = "\n".join(wrapped(line, INDENT, self._to) for line in lines)
            print(text, file=self._to, flush=True)
            self._last_line = time.monotonic()
        elif time.monotonic() - self._last_line > STEP_LINE_SECONDS:
            self._sign_of_life(items)

    def _sign_of_life(self, items: Sequence[Item]) -> None:
        for item in reversed(items):
            if isinstance(item, EventItem) and isinstance(item.event, Step):
                say(step_line(item.event, self._spec))
                self._last_line = time.monotonic()
                return
