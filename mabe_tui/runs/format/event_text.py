"""A run's events in words: one line per event, for the command line and the dashboard."""

from math import isnan

from core.config.task_spec import TaskSpec
from core.run.events import (
    AnyEvent,
    CheckpointSaved,
    DataReady,
    Epoch,
    Failed,
    Finished,
    FreeMetrics,
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

NARROW_METRICS, WIDE_METRICS = 2, 4
"""Number of metrics that fit on a line of 80 columns, and of 120; a run's status has the rest."""
MIB = 2.0**20
UNKNOWN = "unknown"
"""Placeholder in an event for a value that an imported log lacks."""
ENDED = {
    "epochs": "all epochs done",
    "early_stopping": "stopped early",
    "user": "as asked",
    "time_limit": "its time is used up",
    "budget": "its budget is spent",
    "newer_attempt": "a newer attempt took over; `mabe sync` brings it",
    UNKNOWN: "the log ends here",
}
"""Why a run ended, if the event's own word is not clear enough."""


def event_line(event: AnyEvent, spec: TaskSpec, epochs: int | None = None) -> str:
    """Return the text of any event, with control characters removed.

    Args:
        event: the event to describe.
        spec: the run's task.
        epochs: number of epochs requested.
    """
    match event:
        case Step():
            words = step_line(event, spec)
        case System():
            words = _machine_line(event)
        case FreeMetrics():
            words = (
                f"step {event.step}: {', '.join(f'{k} {v:.4g}' for k, v in event.values.items())}"
            )
        case CheckpointSaved():
            words = f"saved {event.file} ({', '.join(event.pointers)})"
        case _:
            words = news_line(event, spec, epochs) or ""
    return plain(words.encode())


def news_line(
    event: AnyEvent, spec: TaskSpec, epochs: int | None = None, wide: bool = False
) -> str | None:
    """Return the text of an event, or ``None`` if it is no news by itself: steps, readings, saves."""
    match event:
        case Epoch():
            return epoch_line(event, spec, epochs, wide)
        case Warned():
            return f"warning: {event.message}"
        case CheckpointSaved():
            if "best" not in event.pointers:
                return None
            what = "saved" if event.metric is None else "best so far, saved"
            return f"  {what}: {event.file}"
        case Step() | System() | FreeMetrics():
            return None
        case RunStarted() | DataReady() | Resumed():
            return _beginning_line(event, spec)
        case Finished() | Stopped() | Preempted() | Failed():
            return _ending_line(event)


def epoch_line(event: Epoch, spec: TaskSpec, epochs: int | None, wide: bool = False) -> str:
    """Summarise an epoch: ``epoch  3/100  train 0.2512  loss 0.2987  f1_macro 0.3489  …``.

    Fits 80 columns; ``wide``: 120.
    """
    total = f"/{epochs}" if epochs else ""
    width = len(str(epochs or event.epoch))
    shown = [f"epoch {event.epoch:>{width}}{total}"]
    known = event.was_trained
    shown += [f"train {event.train_loss:.4f}"] if known or not isnan(event.train_loss) else []
    shown += [f"{name} {value:.4f}" for name, value in _told_metrics(event, spec, wide)]
    shown += [f"lr {event.learning_rate:.2e}"] if wide and not isnan(event.learning_rate) else []
    shown += [f"{event.frames_per_second:,.0f} {short_rate(spec.rate_unit)}"] if known else []
    shown += [] if isnan(event.seconds) else [short_duration(event.seconds)]
    return "  ".join(shown)


def _told_metrics(event: Epoch, spec: TaskSpec, wide: bool) -> list[tuple[str, float]]:
    """Return the loss, the leading metric, and the most informative others as far as there is room."""
    leading = spec.leading(event.metrics)
    rest = [m.name for m in spec.metrics if not m.per_label and m.name != spec.primary_where_absent]
    names = dict.fromkeys(("loss", leading, *spec.charted, *rest))
    known = [(name, event.metrics[name]) for name in names if name in event.metrics]
    count = WIDE_METRICS if wide else NARROW_METRICS
    # the longer name of the leading metric in place of the primary one would not fit
    return [
        (spec.label_of(n) if n != spec.primary and n == leading else n, v) for n, v in known[:count]
    ]


def short_rate(unit: str) -> str:
    """Shorten the unit of a training rate: ``f/s`` for ``frames/s``."""
    return f"{unit[:1]}/s"


def step_line(event: Step, spec: TaskSpec) -> str:
    """Describe the progress within an epoch."""
    return (
        f"epoch {event.epoch}, step {event.epoch_step} of {event.epoch_steps}:"
        f" loss {event.loss:.4f}, {event.frames_per_second:,.0f} {spec.rate_unit}"
    )


def ending_words(reason: str | None) -> str:
    """Say why a run ended; empty if unknown."""
    return ENDED.get(reason, reason) if reason else ""


def state_words(run: RunSummary) -> str:
    """Describe the state of a run and, if it has ended, the reason."""
    return f"{run.state}{_in_brackets(ending_words(run.ended_because))}"


def best_name(run: RunSummary) -> str:
    """Return the name of the metric that :func:`best_words` describes."""
    return (run.metric if run.best_score is not None else run.monitor) or ""


def best_words(run: RunSummary) -> str:
    """Describe a run's best epoch: ``0.4700 at epoch 3``.

    The figure is that of the metric that leads in the task; if another metric chose the epoch, it follows
    in brackets, as do the upper bounds of either.
    """
    most = "" if run.best_at_most is None else f"at most {run.best_at_most:.2f}"
    chosen = f"{run.monitor} {run.best_metric:.4f}"
    if run.best_score is None or run.metric == run.monitor:
        figure = run.best_metric
        why = f"{most} on the validation data, which lacks classes" if most else ""
    elif run.labels_absent:
        figure = run.best_score
        bounded = f"{chosen}, {most}" if most else chosen
        why = f"over the classes present: the validation data lacks some; {bounded}"
    else:
        figure, why = run.best_score, f"where {chosen} is best"
    return f"{figure:.4f} at epoch {run.best_epoch}{_in_brackets(why)}"


def full_data_words(run: RunSummary) -> str:
    """Say what a run that keeps nothing for validation does instead."""
    if not run.epochs_from:
        return "none: it trains on everything"
    return (
        f"none: it trains on everything, for {run.epochs} epochs, the median best of"
        f" {' '.join(run.epochs_from)}"
    )


def _in_brackets(why: str) -> str:
    return f" ({why})" if why else ""


def _machine_line(event: System) -> str:
    words = f"CPU {event.cpu_percent:.0f} %, {size_text(event.memory_mib * MIB)}"
    if event.gpu_percent is not None:
        words += f"; GPU {event.gpu_percent:.0f} %"
    if event.gpu_memory_mib is not None:
        words += f", {size_text(event.gpu_memory_mib * MIB)}"
    return words


def _samples(event: DataReady, spec: TaskSpec) -> str:
    """Say how many samples there are, if a sample is not simply an example."""
    return "" if spec.sample == spec.example else f", {spec.sample.count(event.train_samples)}"


def _beginning_line(event: RunStarted | DataReady | Resumed, spec: TaskSpec) -> str:
    match event:
        case RunStarted(torch=torch, threads=0) if torch == UNKNOWN:  # from an imported log
            return f"from a log: {event.device} ({event.device_name})"
        case RunStarted():
            return (
                f"attempt {event.attempt}: {event.device} ({event.device_name}),"
                f" torch {event.torch}, {event.threads} thread{'s' * (event.threads != 1)}, seed {event.seed}"
            )
        case DataReady(parameters=0):  # the mean of other runs
            return (
                f"data: {spec.unit.count(event.validation_units)} to validate;"
                f" {spec.example.count(event.validation_examples)}"
            )
        case DataReady():
            return (
                f"data: {spec.unit.count(event.train_units)} to learn from,"
                f" {event.validation_units:,} to validate; {spec.example.count(event.train_examples)}"
                f"{_samples(event, spec)}, {event.input_size} inputs; {event.parameters:,} parameters"
            )
        case Resumed():
            return f"going on from step {event.step} (after epoch {event.epoch}), {event.file}"


def _ending_line(event: Finished | Stopped | Preempted | Failed) -> str:
    match event:
        case Finished():
            took = "" if isnan(event.seconds) else f", {duration(event.seconds)}"
            why = _in_brackets(ending_words(event.reason))
            best = f": best {event.monitor} {event.best_metric:.4f} at epoch {event.best_epoch}"
            best = "" if isnan(event.best_metric) else best  # nothing was kept for validation
            return f"finished after epoch {event.epoch}{why}{best}{took}"
        case Stopped():
            why = _in_brackets(ending_words(event.reason))
            step = "" if event.reason == UNKNOWN else f", step {event.step}"
            return f"stopped after epoch {event.epoch}{step}{why}"
        case Preempted():
            return f"preempted after epoch {event.epoch}, step {event.step} ({event.signal})"
        case Failed():
            return f"failed: {event.error}"
