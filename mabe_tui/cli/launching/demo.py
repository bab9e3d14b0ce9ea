"""``mabe demo``: the complete workflow with embedded defaults, in a few minutes."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from core.config.registry import default_path, load
from core.errors import RunError
from core.run.events import Epoch, Failed, Step, Warned
from core.run.rundir import RunDir
from mabe_tui.cli.comparison.compare_command import print_comparison
from mabe_tui.cli.following.lines import line_of
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.output import progress, say
from mabe_tui.cli.terminal.streams import console
from mabe_tui.launch.launcher import RunState, launcher_named
from mabe_tui.runs.following.mirror import EventItem, Item, Mirror
from mabe_tui.runs.launching.run_requests import new_request
from mabe_tui.runs.launching.start import start_run
from mabe_tui.runs.tasks import spec_of

VERSIONS = ("v5", "v6")
SEEDS = (1, 2)
"""Seeds per version: with one seed, a comparison could only speak of two checkpoints."""
PRESET = "demo"
POLL_SECONDS = 0.3
NAME_WIDTH = 11
Show = Callable[[int, Item], None]
"""Callback with the run's index and its item."""


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("demo")(demo)


def demo(
    context: typer.Context,
    videos: Annotated[int, typer.Option(help="Number of synthetic videos.", min=10)] = 60,
    frames: Annotated[int, typer.Option(help="Frames per video.", min=200)] = 1500,
) -> None:
    """Make data, train two seeds each of v5 and v6 scaled down, detached, then compare the versions."""
    session = session_of(context)
    began = time.monotonic()
    data = _make_data(session.cache / "demo-data", videos, frames)
    registry = load(default_path())
    say(f"preset {PRESET}: {registry.presets[PRESET]['title']}")
    runs = [_launch(session.home, version, seed, data) for seed in SEEDS for version in VERSIONS]
    states = _follow(runs)
    for run, state in zip(runs, states, strict=True):
        if state is not RunState.FINISHED:
            raise RunError(f"{run.id} ended {state}; `mabe logs {run.id}` shows why")
    print_comparison(VERSIONS, session)
    say(
        f"\ndone in {time.monotonic() - began:.0f} s. Next: mabe runs · mabe logs v6 · mabe show v6 --diff v5"
    )


def _make_data(folder: Path, videos: int, frames: int) -> Path:
    from core.data.synthetic import SyntheticSettings, synthesise

    settings = SyntheticSettings(videos=videos, frames=frames, keypoints="mabe18", mice=2)
    data = folder / f"{videos}x{frames}"
    with progress("simulating mice") as tell:
        summary = synthesise(data, settings, progress=tell)
    shares = ", ".join(f"{name} {share:.0%}" for name, share in summary.class_shares.items())
    say(f"data: {summary.videos} videos, {summary.frames:,} frames ({shares}) in {data}")
    return data


def _launch(home: Path, version: str, seed: int, data: Path) -> RunDir:
    # The runs share the machine: giving each a part of its cores is faster than all of them to each.
    at_once = len(VERSIONS) * len(SEEDS)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) // at_once)))
    experiment = load(default_path()).experiment(version, [f"training.seed={seed}"], PRESET)
    request = new_request(experiment, "local", preset=PRESET, data=data)
    run = start_run(home, request, launcher_named("local"), tags=["demo"])
    say(f"launched {run.id}, detached: it outlives this terminal")
    return run


def _follow(runs: list[RunDir]) -> list[RunState]:
    """Follow several runs at once until all of them end."""
    launcher = launcher_named("local")
    mirrors = [Mirror(run) for run in runs]
    with _display(runs) as show:
        while True:
            states = [launcher.state(run) for run in runs]
            for number, mirror in enumerate(mirrors):
                for item in mirror.poll():
                    show(number, item)
            if not any(state.is_alive for state in states):
                return states
            time.sleep(POLL_SECONDS)


@contextmanager
def _display(runs: list[RunDir]) -> Iterator[Show]:
    """Show a line per epoch, and on a terminal a bar for each run below them."""
    requests = [run.read_request() for run in runs]
    epochs = [request.experiment.training.epochs for request in requests]
    specs = [spec_of(request.experiment) for request in requests]
    names = [f"{r.experiment.name} seed {r.seed}".ljust(NAME_WIDTH) for r in requests]

    def news(number: int, item: Item) -> str | None:
        interesting = isinstance(item, EventItem) and isinstance(
            item.event, Epoch | Warned | Failed
        )
        line = line_of(item, specs[number], epochs[number]) if interesting else None
        return f"{names[number]}{line}" if line is not None else None

    if not sys.stderr.isatty():
        yield lambda number, item: _report_if(news(number, item))
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(to_stderr=True), transient=True) as bars:
        tasks = [
            bars.add_task(name, total=total) for name, total in zip(names, epochs, strict=True)
        ]

        def show(number: int, item: Item) -> None:
            if (line := news(number, item)) is not None:
                bars.console.print(line, markup=False, highlight=False)
            if isinstance(item, EventItem) and isinstance(item.event, Step):
                step = item.event
                bars.update(
                    tasks[number], completed=step.epoch - 1 + step.epoch_step / step.epoch_steps
                )

        yield show


def _report_if(line: str | None) -> None:
    if line is not None:
        say(line)
