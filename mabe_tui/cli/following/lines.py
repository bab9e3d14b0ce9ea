"""Format each item that a run emits as one line of text."""

import shutil

from core.config.task_spec import TaskSpec
from core.run.events import encode
from mabe_tui.cli.terminal.output import clean
from mabe_tui.runs.following.mirror import EventItem, Item, TextItem
from mabe_tui.runs.format.event_text import news_line, short_rate
from mabe_tui.runs.format.units import duration
from mabe_tui.runs.format.untrusted_text import plain
from mabe_tui.runs.summary.run_summary import RunSummary

WIDE = 120
"""Minimum width for longer lines."""


def line_of(item: Item, spec: TaskSpec, epochs: int | None = None) -> str | None:
    """Return the line to show, or ``None`` for items that are not shown: steps, readings, saves.

    The line fits the terminal, or 80 columns if there is none.

    Args:
        item: the event or log line.
        spec: the run's task.
        epochs: the number of epochs of the run.
    """
    if isinstance(item, TextItem):
        return plain(item.raw)
    wide = shutil.get_terminal_size().columns >= WIDE
    line = news_line(item.event, spec, epochs, wide)
    return clean(line) if line is not None else None


def json_line(item: Item) -> str:
    """Return the JSON object of an item, on one line."""
    if isinstance(item, EventItem):
        return encode(item.event).decode()
    import json  # imported late: only needed here

    return json.dumps({"kind": "text", "attempt": item.attempt, "text": plain(item.raw)})


def standing_line(run: RunSummary, room: int) -> str:
    """Summarise a run's position, speed and remaining time, in at most ``room`` columns if possible."""
    under_way = run.epoch_steps > 0
    parts = {
        "epoch": f"epoch {run.epoch + under_way}/{run.epochs}",
        "step": f"step {run.epoch_step}/{run.epoch_steps}" if under_way else None,
        "train": None if run.train_loss is None else f"train {run.train_loss:.4f}",
        "speed": None if run.frames_per_second is None else _rate(run),
        "left": None if run.eta_seconds is None else f"{duration(run.eta_seconds)} left",
        "cost": None if run.cost_usd is None else f"${run.cost_usd:.2f}",
    }
    shown = {name: part for name, part in parts.items() if part is not None}
    for name in ("speed", "train", "step"):
        if len("  ".join(shown.values())) > room:
            shown.pop(name, None)
    return "  ".join(shown.values())


def _rate(run: RunSummary) -> str:
    return f"{_short(run.frames_per_second or 0)} {short_rate(run.rate_unit)}"


def _short(number: float) -> str:
    """Format a large number in a few characters: ``12.3k``."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.1f}{letter}"
    return f"{number:.0f}"
