"""One line of text for each thing that a run says."""

import shutil

from core.events import (
    AnyEvent,
    CheckpointSaved,
    DataReady,
    Epoch,
    Failed,
    Finished,
    Preempted,
    Resumed,
    RunStarted,
    Step,
    Stopped,
    System,
    Warned,
)
from mabe_tui.cli.output import clean
from mabe_tui.runs.mirror import Item, TextItem
from mabe_tui.runs.text import plain
from mabe_tui.runs.units import duration, short_duration
from mabe_tui.runs.view import RunSummary

SHOWN_METRICS = ("loss", "f1_macro")
"""Of all that a task measures, what fits on a line of 80 characters; a run's status has the rest."""
WIDE_METRICS = (*SHOWN_METRICS, "f1_macro_behaviours", "accuracy")
WIDE = 120
"""Columns from which a line has room for more."""


def line_of(item: Item, epochs: int | None = None) -> str | None:
    """Give the line to show, or ``None`` for what is no news by itself: steps, readings, saves.

    Args:
        item: what the run said.
        epochs: how many it was asked for.
    """
    if isinstance(item, TextItem):
        return plain(item.raw)
    line = _event_line(item.event, epochs)
    return clean(line) if line is not None else None


def _event_line(event: AnyEvent, epochs: int | None) -> str | None:
    match event:
        case Epoch():
            return epoch_line(event, epochs)
        case Warned():
            return f"warning: {event.message}"
        case CheckpointSaved():
            return None if "best" not in event.pointers else f"  best so far, saved: {event.file}"
        case Step() | System():
            return None
        case RunStarted() | DataReady() | Resumed():
            return _beginning_line(event)
        case Finished() | Stopped() | Preempted() | Failed():
            return _ending_line(event)


def epoch_line(event: Epoch, epochs: int | None) -> str:
    """Sum up an epoch: ``epoch  3/100  train 0.2512  loss 0.2987  f1_macro 0.3489  …``.

    As wide as the terminal lets it be; 80 columns where there is none.
    """
    total = f"/{epochs}" if epochs else ""
    width = len(str(epochs or event.epoch))
    shown = [f"epoch {event.epoch:>{width}}{total}", f"train {event.train_loss:.4f}"]
    wide = shutil.get_terminal_size().columns >= WIDE
    names = WIDE_METRICS if wide else SHOWN_METRICS
    shown += [f"{name} {event.metrics[name]:.4f}" for name in names if name in event.metrics]
    shown += [f"lr {event.learning_rate:.2e}"] if wide else []
    shown += [f"{event.frames_per_second:,.0f} f/s"]
    return "  ".join([*shown, short_duration(event.seconds)])


def step_line(event: Step) -> str:
    """Sum up where in an epoch a run is."""
    return (
        f"epoch {event.epoch}, step {event.epoch_step} of {event.epoch_steps}:"
        f" loss {event.loss:.4f}, {event.frames_per_second:,.0f} frames/s"
    )


def standing_line(run: RunSummary, room: int) -> str:
    """Sum up where a run is, how fast, and what is left, in at most ``room`` columns if it can be."""
    under_way = run.epoch_steps > 0
    parts = {
        "epoch": f"epoch {run.epoch + under_way}/{run.epochs}",
        "step": f"step {run.epoch_step}/{run.epoch_steps}" if under_way else None,
        "train": None if run.train_loss is None else f"train {run.train_loss:.4f}",
        "speed": None if run.frames_per_second is None else f"{_short(run.frames_per_second)} f/s",
        "left": None if run.eta_seconds is None else f"{duration(run.eta_seconds)} left",
        "cost": None if run.cost_usd is None else f"${run.cost_usd:.2f}",
    }
    shown = {name: part for name, part in parts.items() if part is not None}
    for name in ("speed", "train", "step"):
        if len("  ".join(shown.values())) > room:
            shown.pop(name, None)
    return "  ".join(shown.values())


def _short(number: float) -> str:
    """Spell a large number in a few characters: ``12.3k``."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.1f}{letter}"
    return f"{number:.0f}"


def _beginning_line(event: RunStarted | DataReady | Resumed) -> str:
    match event:
        case RunStarted():
            return (
                f"attempt {event.attempt}: {event.device} ({event.device_name}),"
                f" torch {event.torch}, {event.threads} thread{'s' * (event.threads != 1)}, seed {event.seed}"
            )
        case DataReady():
            return (
                f"data: {event.train_videos} videos to learn from, {event.validation_videos} to"
                f" validate; {event.train_frames:,} frames, {event.train_windows:,} windows,"
                f" {event.input_size} inputs; {event.parameters:,} parameters"
            )
        case Resumed():
            return f"going on from step {event.step} (after epoch {event.epoch}), {event.file}"


def _ending_line(event: Finished | Stopped | Preempted | Failed) -> str:
    match event:
        case Finished():
            why = "by early stopping" if event.reason == "early_stopping" else "as asked"
            return (
                f"finished after epoch {event.epoch}, {why}: best {event.monitor}"
                f" {event.best_metric:.4f} at epoch {event.best_epoch}, {duration(event.seconds)}"
            )
        case Stopped():
            return f"stopped after epoch {event.epoch}, step {event.step} ({event.reason})"
        case Preempted():
            return f"preempted after epoch {event.epoch}, step {event.step} ({event.signal})"
        case Failed():
            return f"failed: {event.error}"
