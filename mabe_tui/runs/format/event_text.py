"""What a run says of itself, in words: one line an event, for the command line and the dashboard."""

from math import isnan

from core.run.events import (
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
from mabe_tui.runs.format.units import duration, short_duration, size_text
from mabe_tui.runs.format.untrusted_text import plain
from mabe_tui.runs.summary.run_summary import RunSummary

SHOWN_METRICS = ("loss", "f1_macro")
"""Of all that a task measures, what fits on a line of 80 characters; a run's status has the rest."""
WIDE_METRICS = (*SHOWN_METRICS, "f1_macro_behaviours", "accuracy")
MIB = 2.0**20
UNKNOWN = "unknown"
"""What stands in an event for what an imported log does not tell."""
ENDED = {
    "epochs": "all epochs done",
    "early_stopping": "stopped early",
    "user": "as asked",
    "time_limit": "its time is used up",
    "budget": "its budget is spent",
    UNKNOWN: "the log ends here",
}
"""Why a run ended, where the event's own word would not do."""


def event_line(event: AnyEvent, epochs: int | None = None) -> str:
    """Return the words of any event, with control characters removed.

    Args:
        event: what the run said.
        epochs: how many it was asked for.
    """
    match event:
        case Step():
            words = step_line(event)
        case System():
            words = _machine_line(event)
        case CheckpointSaved():
            words = f"saved {event.file} ({', '.join(event.pointers)})"
        case _:
            words = news_line(event, epochs) or ""
    return plain(words.encode())


def news_line(event: AnyEvent, epochs: int | None = None, wide: bool = False) -> str | None:
    """Return the words of an event, or ``None`` for what is no news by itself: steps, readings, saves."""
    match event:
        case Epoch():
            return epoch_line(event, epochs, wide)
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


def epoch_line(event: Epoch, epochs: int | None, wide: bool = False) -> str:
    """Sum up an epoch: ``epoch  3/100  train 0.2512  loss 0.2987  f1_macro 0.3489  …``.

    Fits 80 columns; ``wide``: 120.
    """
    total = f"/{epochs}" if epochs else ""
    width = len(str(epochs or event.epoch))
    shown = [f"epoch {event.epoch:>{width}}{total}"]
    known = not isnan(event.frames_per_second)  # an imported log does not tell
    shown += [f"train {event.train_loss:.4f}"] if known or not isnan(event.train_loss) else []
    names = WIDE_METRICS if wide else SHOWN_METRICS
    shown += [f"{name} {event.metrics[name]:.4f}" for name in names if name in event.metrics]
    shown += [f"lr {event.learning_rate:.2e}"] if wide and not isnan(event.learning_rate) else []
    shown += [f"{event.frames_per_second:,.0f} f/s"] if known else []
    shown += [] if isnan(event.seconds) else [short_duration(event.seconds)]
    return "  ".join(shown)


def step_line(event: Step) -> str:
    """Sum up where in an epoch a run is."""
    return (
        f"epoch {event.epoch}, step {event.epoch_step} of {event.epoch_steps}:"
        f" loss {event.loss:.4f}, {event.frames_per_second:,.0f} frames/s"
    )


def ending_words(reason: str | None) -> str:
    """Say why a run ended; empty where that is not known."""
    return ENDED.get(reason, reason) if reason else ""


def state_words(run: RunSummary) -> str:
    """Say how a run is and, if it has ended, why."""
    return f"{run.state}{_in_brackets(ending_words(run.ended_because))}"


def best_words(run: RunSummary) -> str:
    """Say what a run's best epoch came to: ``0.4700 at epoch 3 (at most 0.50 on these videos)``."""
    most = run.best_at_most
    limit = "" if most is None else f"at most {most:.2f} on these videos, which lack classes"
    return f"{run.best_metric:.4f} at epoch {run.best_epoch}{_in_brackets(limit)}"


def _in_brackets(why: str) -> str:
    return f" ({why})" if why else ""


def _machine_line(event: System) -> str:
    words = f"CPU {event.cpu_percent:.0f} %, {size_text(event.memory_mib * MIB)}"
    if event.gpu_percent is not None:
        words += f"; GPU {event.gpu_percent:.0f} %"
    if event.gpu_memory_mib is not None:
        words += f", {size_text(event.gpu_memory_mib * MIB)}"
    return words


def _beginning_line(event: RunStarted | DataReady | Resumed) -> str:
    match event:
        case RunStarted(torch=torch, threads=0) if torch == UNKNOWN:  # of an imported log
            return f"from a log: {event.device} ({event.device_name})"
        case RunStarted():
            return (
                f"attempt {event.attempt}: {event.device} ({event.device_name}),"
                f" torch {event.torch}, {event.threads} thread{'s' * (event.threads != 1)}, seed {event.seed}"
            )
        case DataReady():
            return (
                f"data: {event.train_units} videos to learn from, {event.validation_units} to"
                f" validate; {event.train_examples:,} frames, {event.train_samples:,} windows,"
                f" {event.input_size} inputs; {event.parameters:,} parameters"
            )
        case Resumed():
            return f"going on from step {event.step} (after epoch {event.epoch}), {event.file}"


def _ending_line(event: Finished | Stopped | Preempted | Failed) -> str:
    match event:
        case Finished():
            took = "" if isnan(event.seconds) else f", {duration(event.seconds)}"
            return (
                f"finished after epoch {event.epoch}{_in_brackets(ending_words(event.reason))}:"
                f" best {event.monitor} {event.best_metric:.4f} at epoch {event.best_epoch}{took}"
            )
        case Stopped():
            why = _in_brackets(ending_words(event.reason))
            step = "" if event.reason == UNKNOWN else f", step {event.step}"
            return f"stopped after epoch {event.epoch}{step}{why}"
        case Preempted():
            return f"preempted after epoch {event.epoch}, step {event.step} ({event.signal})"
        case Failed():
            return f"failed: {event.error}"
