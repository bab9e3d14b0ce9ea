"""Following a run in the terminal: its lines, a progress bar, and what Ctrl-C means.

Exit codes of a followed run: 0 finished, or left running; 1 failed; 3 stopped; 4 preempted; 5 lost.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.events import Epoch, Step
from core.rundir import RunDir
from mabe_tui.cli.lines import line_of, step_line
from mabe_tui.cli.output import say
from mabe_tui.launch.launcher import Launcher, RunState
from mabe_tui.runs.mirror import EventItem, Item, Mirror

POLL_SECONDS = 0.2
STATE_SECONDS = 1.0
STEP_LINE_SECONDS = 30.0
EXIT_CODES = {
    RunState.FINISHED: 0,
    RunState.FAILED: 1,
    RunState.STOPPED: 3,
    RunState.PREEMPTED: 4,
    RunState.LOST: 5,
}
QUESTION = "\nleave it running (Enter), [s]top it, or go on [f]ollowing? "
ANSWERS = {
    "": "leave",
    "l": "leave",
    "leave": "leave",
    "s": "stop",
    "stop": "stop",
    "f": "follow",
    "follow": "follow",
}
Show = Callable[[Item], None]


def follow(
    run: RunDir, launcher: Launcher, mirror: Mirror | None = None, grace: float = 60.0
) -> RunState | None:
    """Show what a run says until it ends, and give how; ``None`` where the user left it running.

    A ``mirror`` that has read before goes on from there.
    """
    mirror, again = mirror or Mirror(run), False
    while True:
        try:
            with launcher.following(run), _display(run) as show:
                if again:
                    say("following again")
                state = watch(run, launcher, mirror, show)
            break
        except KeyboardInterrupt:
            match ask_what_to_do():
                case "follow":
                    again = True
                case "stop":
                    say(f"asked to stop; it saves a checkpoint first (at most {grace:.0f} s)")
                    say(f"{run.id}: {launcher.stop(run, grace).value}")
                case _:
                    say(
                        f"left running; this follows it again, and this stops it:\n"
                        f"  mabe logs -f {run.id}\n  mabe stop {run.id}"
                    )
                    return None
    _say_end(run, state)
    return state


def watch(run: RunDir, launcher: Launcher, mirror: Mirror, show: Show) -> RunState:
    """Hand all that a run says to ``show`` until nothing more can come from it."""
    next_look = 0.0
    state = RunState.RUNNING
    while True:
        if time.monotonic() >= next_look:
            state, next_look = launcher.state(run), time.monotonic() + STATE_SECONDS
        items = mirror.poll()
        for item in items if state.may_speak else [*items, *mirror.remainder()]:
            show(item)
        if not state.may_speak:
            return state
        if any(isinstance(item, EventItem) for item in items):
            next_look = min(next_look, time.monotonic() + POLL_SECONDS)
        time.sleep(POLL_SECONDS)


def ask_what_to_do() -> str:
    """Ask, at Ctrl-C, until the answer is clear: ``leave``, ``stop`` or ``follow``.

    Enter, the end of the input and another Ctrl-C mean ``leave``.
    """
    if not sys.stdin.isatty():
        return "leave"
    try:
        while True:
            print(QUESTION, end="", file=sys.stderr, flush=True)
            if (meant := ANSWERS.get(sys.stdin.readline().strip().lower())) is not None:
                return meant
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return "leave"


def exit_code(state: RunState | None) -> int:
    """Give the exit code of a command that followed a run; see the top of this file."""
    return 0 if state is None else EXIT_CODES.get(state, 1)


def _say_end(run: RunDir, state: RunState) -> None:
    if state is RunState.LOST:
        say(f"{run.id} died without a word; `mabe status {run.id}` shows its last lines")
    if state in (RunState.STOPPED, RunState.PREEMPTED, RunState.LOST):
        say(f"`mabe resume {run.id}` goes on from its last checkpoint")


@contextmanager
def _display(run: RunDir) -> Iterator[Show]:
    epochs = run.read_request().experiment.training.epochs
    if not sys.stderr.isatty():
        yield _PlainDisplay(epochs)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    words = TextColumn("{task.description}", markup=False)
    columns = (words, BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=epochs)

        def show(item: Item) -> None:
            if (line := line_of(item, epochs)) is not None:
                bar.console.print(Text(line))
            match item:
                case EventItem(Step() as step):
                    done = step.epoch - 1 + step.epoch_step / max(1, step.epoch_steps)
                    bar.update(task, completed=done, description=step_line(step))
                case EventItem(Epoch() as epoch):
                    bar.update(task, completed=epoch.epoch)

        yield show


class _PlainDisplay:
    """Lines only, with a sign of life now and then inside a long epoch."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._last_line = time.monotonic()

    def __call__(self, item: Item) -> None:
        line = line_of(item, self._epochs)
        quiet = time.monotonic() - self._last_line > STEP_LINE_SECONDS
        if line is None and quiet and isinstance(item, EventItem) and isinstance(item.event, Step):
            line = step_line(item.event)
        if line is not None:
            say(line)
            self._last_line = time.monotonic()
