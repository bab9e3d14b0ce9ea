"""A run's summary: the same facts for a table, for JSON and for the dashboard."""

import datetime as dt
import math

import msgspec

from core.config.experiment import DEFAULT_TASK, How, TrainingConfig
from core.config.task_spec import TaskSpec
from core.errors import RunError, UserError
from core.run.events import LEAK, READINGS, Epoch, Failed, Finished, Resumed, Stopped
from core.run.history import History
from core.run.inputs import how_combined
from core.run.records import About
from core.run.request import RunRequest
from mabe_tui.launch import unknown
from mabe_tui.launch.attempts import STATE_OF_ENDING, read_quiet_ending
from mabe_tui.launch.launcher import RunState, launcher_named
from mabe_tui.runs.reading.thin_history import thin_history
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.metric_limits import most_possible
from mabe_tui.runs.tasks import spec_of

STALL_SECONDS = 60.0
"""A run emits an event about once a second; after this many seconds of silence something is wrong."""
RECENT_EPOCHS = 5


class Branch(msgspec.Struct, frozen=True):
    """The point where an attempt continued from another."""

    attempt: str
    from_attempt: str
    epoch: int
    """Epochs completed by then."""
    step: int


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The summary of one run. ``None``: unknown, or not yet measured."""

    id: str
    version: str
    state: RunState
    problem: str | None = None
    """Why it failed, why it cannot be read, or why its state is currently unknown."""
    ended_because: str | None = None
    """For a run that finished or was stopped: ``epochs``, ``early_stopping``, ``user``, ``killed``, …"""
    launcher: str | None = None
    created: dt.datetime | None = None
    last_event: dt.datetime | None = None
    seed: int | None = None
    preset: str | None = None
    overrides: tuple[str, ...] = ()
    data: str | None = None
    inputs: tuple[str, ...] = ()
    """For an ensemble: the ids of the runs that it is made of."""
    how: How | None = None
    """For an ensemble: how their predictions become one; see ``ensemble.how``."""
    learns_from: str | None = None
    """The run whose probabilities it learns from, and how."""
    validates: bool = True
    """Whether it kept anything for validation."""
    epochs_from: tuple[str, ...] = ()
    """For a run that trains on everything: the runs of folds whose median best epoch it trains for."""
    imported: bool = False
    """Imported from an old log: its figures are claims, and it cannot be resumed."""
    tags: tuple[str, ...] = ()
    note: str = ""
    attempts: int = 0
    lineage: tuple[Branch, ...] = ()
    """For each resumed attempt; attempts that led nowhere are included."""
    device: str | None = None
    device_name: str | None = None
    parameters: int | None = None
    epoch: int = 0
    """Completed epochs."""
    epochs: int | None = None
    """Requested epochs."""
    epoch_fraction: float = 0.0
    """Completed share of the current epoch."""
    epoch_step: int = 0
    """Completed optimiser steps of the current epoch, out of ``epoch_steps``."""
    epoch_steps: int = 0
    monitor: str | None = None
    best_metric: float | None = None
    best_epoch: int | None = None
    best_at_most: float | None = None
    """Upper bound of a mean over all labels, if validation lacks some of them: each of these counts 0."""
    task: str = DEFAULT_TASK
    metric: str | None = None
    """The leading metric: the task's primary one, or its substitute if validation lacks some labels."""
    metric_label: str | None = None
    metric_rises: bool = True
    """Whether a larger value of ``metric`` is better."""
    best_score: float | None = None
    """``metric`` at the best epoch, which is the one with the best value of ``monitor``."""
    labels_absent: bool = False
    """Whether ``metric`` replaces the primary one, as validation has no example of some label."""
    metrics: dict[str, float] = {}
    """From the last completed epoch."""
    train_loss: float | None = None
    """From the latest step, else from the last epoch."""
    learning_rate: float | None = None
    frames_per_second: float | None = None
    """Training rate in ``rate_unit``."""
    rate_unit: str = ""
    cpu_percent: float | None = None
    """CPU use of the job's process at the last reading; 100 is one core."""
    memory_mib: float | None = None
    gpu_percent: float | None = None
    gpu_memory_mib: float | None = None
    seconds_per_epoch: float | None = None
    """Mean over the last few epochs."""
    elapsed_seconds: float | None = None
    """Total over all attempts."""
    eta_seconds: float | None = None
    """Time left until the last epoch; early stopping may come before."""
    cost_usd: float | None = None
    """Cost so far, if the price is known."""
    cost_at_end_usd: float | None = None
    """Estimated cost at its last epoch, at the current speed; early stopping may come before."""
    budget_usd: float | None = None
    """Limit at which it stops with a checkpoint."""
    warnings: tuple[str, ...] = ()
    """Each once, even if several attempts emit it."""
    leaks: tuple[str, ...] = ()
    """Those of the warnings that say why its validation is flattered."""
    stalled_seconds: float | None = None
    """Seconds since the last event of a run that should be emitting some."""


def _teacher(training: TrainingConfig) -> str | None:
    if training.teacher is None:
        return None
    share, temperature = training.teacher_share, training.teacher_temperature
    return f"{training.teacher}, share {share:g}, temperature {temperature:g}"


def _leaks(history: History) -> tuple[str, ...]:
    found = (each for each in history.warnings if each.code.endswith(LEAK))
    return tuple(dict.fromkeys(each.message for each in found))


def state_of(entry: RunEntry) -> RunState:
    """Query the run's launcher for its state; ``unknown`` if that cannot be determined."""
    if entry.request is None:
        return RunState.UNKNOWN
    try:
        return launcher_named(entry.request.launcher).state(entry.run)
    except (UserError, OSError):
        return RunState.UNKNOWN


def summary_of(entry: RunEntry, now: dt.datetime | None = None) -> RunSummary:
    """Read and summarise one run. Never raises for a damaged one."""
    if entry.request is None:
        return RunSummary(
            id=entry.id, version=entry.version, state=RunState.UNKNOWN, problem=entry.problem
        )
    state = state_of(entry)  # first: later events can only be newer
    return summary_from(entry, thin_history(entry.run), state, now or dt.datetime.now(dt.UTC))


def summary_from(
    entry: RunEntry, history: History, state: RunState, now: dt.datetime
) -> RunSummary:
    """Summarise a run whose history and state are known; read the rest from its folder.

    Raises:
        RunError: its request cannot be read.
    """
    request = entry.require_request()
    about, unreadable = _about(entry)
    summary = summarise(request, history, state, now)
    attempts = entry.run.attempts()
    quiet = read_quiet_ending(entry.run, attempts[-1]) if attempts else None
    return msgspec.structs.replace(
        summary,
        tags=about.tags,
        note=about.note,
        attempts=len(attempts),
        warnings=(*summary.warnings, *history.unreadable, *unreadable),
        problem=summary.problem or (quiet.reason if quiet else None) or _why_unknown(entry, state),
    )


def _why_unknown(entry: RunEntry, state: RunState) -> str | None:
    return unknown.reason_of(entry.run) if state is RunState.UNKNOWN else None


def _about(entry: RunEntry) -> tuple[About, list[str]]:
    try:
        return entry.run.read_about(), []
    except RunError as error:
        return About(), [str(error)]


def summarise(
    request: RunRequest, history: History, state: RunState, now: dt.datetime
) -> RunSummary:
    """Compute the summary of a run from its request and its events."""
    training = request.experiment.training
    last_event = history.events[-1].time if history.events else None
    silent = (now - last_event).total_seconds() if last_event is not None else 0.0
    running = state in (RunState.RUNNING, RunState.STOPPING)
    elapsed = _elapsed(request, history)
    if elapsed is not None and running:
        elapsed += max(0.0, silent)
    facts = RunSummary(
        id=request.run,
        task=request.experiment.task,
        version=request.experiment.name,
        state=state,
        launcher=request.launcher,
        created=request.created,
        last_event=last_event,
        seed=request.seed,
        preset=request.preset,
        overrides=request.overrides,
        data=request.data,
        inputs=tuple(each.run for each in request.inputs),
        how=how_combined(request) if request.inputs else None,
        learns_from=_teacher(request.experiment.training),
        validates=request.experiment.data.validates,
        epochs_from=request.epochs_from,
        imported=request.imported,
        attempts=len(history.attempts),
        lineage=lineage(history),
        epochs=training.epochs,
        monitor=training.monitor,
        elapsed_seconds=elapsed,
        cost_usd=None
        if elapsed is None
        else request.limits.spent(history, elapsed - history.seconds),
        budget_usd=request.limits.cost_usd,
        warnings=tuple(dict.fromkeys(warning.message for warning in history.warnings)),
        leaks=_leaks(history),
        stalled_seconds=silent if running and silent > STALL_SECONDS else None,
    )
    facts = _with_epochs(facts, history, spec_of(request.experiment))
    facts = _with_machine(_with_ending(facts, history), history)
    if state is not RunState.RUNNING:
        return facts
    return _with_cost_at_end(_with_progress(facts, history, now), history, request)


def _elapsed(request: RunRequest, history: History) -> float | None:
    """Return the duration of the attempts; ``None`` if unknown, as for some imported logs."""
    if not history.events:
        return None
    if request.imported:
        ending, known = history.ending, [epoch.seconds for epoch in history.epochs]
        if any(map(math.isnan, [ending.seconds] if isinstance(ending, Finished) else known)):
            return None
    return history.seconds


def lineage(history: History) -> tuple[Branch, ...]:
    """List where each resumed attempt continued, in order."""
    events = [*history.superseded, *history.events]
    resumed = sorted((e for e in events if isinstance(e, Resumed)), key=lambda e: e.attempt)
    return tuple(Branch(e.attempt, e.from_attempt, e.epoch, e.step) for e in resumed)


def _with_epochs(facts: RunSummary, history: History, spec: TaskSpec) -> RunSummary:
    best = history.best_epoch(facts.monitor or "")
    facts = _with_score(facts, best, spec)
    last = history.epochs[-1] if history.epochs else None
    step = history.last_step
    if step is not None and last is not None and step.step <= last.step:
        step = None  # of an epoch that has ended, or that a resume has superseded
    recent = [e.seconds for e in history.epochs[-RECENT_EPOCHS:] if not math.isnan(e.seconds)]
    latest = step or last
    return msgspec.structs.replace(
        facts,
        epoch=last.epoch if last else 0,
        best_metric=best.metrics[facts.monitor or ""] if best else None,
        best_epoch=best.epoch if best else None,
        metrics=last.metrics if last else {},
        train_loss=step.loss if step else _train_loss(last) if last else None,
        learning_rate=_known(latest.learning_rate) if latest else None,
        frames_per_second=_known(latest.frames_per_second) if latest else None,
        seconds_per_epoch=math.fsum(recent) / len(recent) if recent else None,
        epoch_fraction=min(1.0, step.epoch_step / max(1, step.epoch_steps)) if step else 0.0,
        epoch_step=step.epoch_step if step else 0,
        epoch_steps=step.epoch_steps if step else 0,
    )


def _with_score(facts: RunSummary, best: Epoch | None, spec: TaskSpec) -> RunSummary:
    """Add the value of the task's leading metric at the best epoch."""
    measured = best.metrics if best is not None else {}
    leading = spec.leading(measured)
    is_mean_over_all = facts.monitor == spec.primary and spec.primary_where_absent is not None
    return msgspec.structs.replace(
        facts,
        metric=leading,
        metric_label=spec.label_of(leading),
        metric_rises=spec.rises(leading),
        best_score=measured.get(leading),
        best_at_most=most_possible(measured) if is_mean_over_all else None,
        labels_absent=leading != spec.primary,
        rate_unit=spec.rate_unit,
    )


def _train_loss(last: Epoch) -> float | None:
    """Return the epoch's training loss: NaN if it diverged, ``None`` if there was no training."""
    return last.train_loss if last.was_trained else _known(last.train_loss)


def _known(value: float) -> float | None:
    """Return a figure, or ``None`` if it is unknown."""
    return None if math.isnan(value) else value


def _with_ending(facts: RunSummary, history: History) -> RunSummary:
    ending = history.ending
    if STATE_OF_ENDING.get(type(ending)) is not facts.state:
        ending = None  # from an earlier attempt: the newest has no events yet, or ended without any
    if isinstance(ending, Failed):
        return msgspec.structs.replace(facts, problem=ending.error)
    if isinstance(ending, Finished | Stopped):
        return msgspec.structs.replace(facts, ended_because=ending.reason)
    if facts.state is RunState.STOPPED and history.events:
        return msgspec.structs.replace(
            facts, ended_because="killed"
        )  # it could not report that itself
    return facts


def _with_machine(facts: RunSummary, history: History) -> RunSummary:
    started, data, system = history.started, history.data, history.last_system
    if system is not None:
        readings = {name: getattr(system, name) for name in READINGS}
        facts = msgspec.structs.replace(facts, **readings)
    return msgspec.structs.replace(
        facts,
        device=started.device if started else None,
        device_name=started.device_name if started else None,
        parameters=data.parameters if data else None,
    )


def _with_progress(facts: RunSummary, history: History, now: dt.datetime) -> RunSummary:
    """Add the time left, estimated from the last epochs, else from the first one's steps."""
    remaining = (facts.epochs or 0) - facts.epoch - facts.epoch_fraction
    seconds = facts.seconds_per_epoch
    if seconds is None and history.data is not None and facts.epoch_fraction > 0:
        seconds = (now - history.data.time).total_seconds() / facts.epoch_fraction
    return msgspec.structs.replace(
        facts, eta_seconds=max(0.0, remaining * seconds) if seconds is not None else None
    )


def _with_cost_at_end(facts: RunSummary, history: History, request: RunRequest) -> RunSummary:
    if facts.elapsed_seconds is None or facts.eta_seconds is None:
        return facts
    further = facts.elapsed_seconds - history.seconds + facts.eta_seconds
    total = request.limits.spent(history, further)
    return msgspec.structs.replace(facts, cost_at_end_usd=total)
