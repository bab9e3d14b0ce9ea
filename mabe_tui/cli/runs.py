"""``mabe runs``, ``status`` and ``checkpoints``: what there is, and how it stands."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated

import typer

from core.errors import RunError
from core.strict import nearest
from mabe_tui.cli.fit import fitted
from mabe_tui.cli.lines import short_duration
from mabe_tui.cli.output import (
    NO_BREAK,
    JsonOption,
    duration,
    print_json,
    print_table,
    say,
    wrapped,
)
from mabe_tui.cli.session import Session, session_of
from mabe_tui.launch.launcher import RunState, launcher_named
from mabe_tui.launch.tail import last_lines
from mabe_tui.runs.checkpoints import CheckpointRow, checkpoint_rows
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.text import plain
from mabe_tui.runs.view import RunSummary, refresh, summary_of

RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="An id, its beginning or its last four letters, a version (its latest run), or last.",
    ),
]
RunNames = Annotated[list[str], typer.Argument(metavar="RUN", help="Runs, as `mabe runs` lists.")]
LAST_LINES = 10
LABEL = 12
"""Columns of what a line of `mabe status` is about."""
REFRESHED = 50
"""Runs that are asked about where they run, for one table."""
NUMBERS = ("epoch", "best", "at", "time", "left", "cost", "step", "metric", "MiB")
NARROW = ("device", "at", "tags", "time")
"""Columns that a narrow terminal goes without, in this order; `mabe status` has them all."""

NARROW_CHECKPOINTS = ("sha256", "step", "MiB")


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("runs")(runs)
    app.command("status")(status)
    app.command("checkpoints")(checkpoints)


def find_run(context: typer.Context, name: str) -> RunEntry:
    """Find the run that a person means; see :meth:`~mabe_tui.runs.store.RunStore.find`."""
    return RunStore(session_of(context).home).find(name)


def find_runs(context: typer.Context, names: Iterable[str]) -> list[RunEntry]:
    """Find several runs, each once, in the order they were named."""
    found = {entry.id: entry for entry in (find_run(context, name) for name in names)}
    return list(found.values())


def runs(
    context: typer.Context,
    states: Annotated[
        list[str] | None, typer.Option("--state", help="Only in this state; repeatable.")
    ] = None,
    version: Annotated[str | None, typer.Option(help="Only of this version.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only with this tag.")] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", help="At most so many; 0: all.", min=0)
    ] = 20,
    foreign: Annotated[
        bool, typer.Option("--foreign", help="Jobs on this computer that belong to no run here.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the runs, newest first."""
    session = session_of(context)
    if foreign:
        _list_foreign(session, as_json)
        return
    _refresh([e for e in RunStore(session.home).entries() if version in (None, e.version)])
    chosen = _selected(session, _states(states or []), version, tag)
    shown = [summary for _, summary in zip(range(limit or 10**9), chosen, strict=False)]
    if as_json:
        print_json(shown)
        return
    if not shown:
        say("no such runs; `mabe run VERSION` starts one")
        return
    _print_runs(shown)


def _refresh(entries: list[RunEntry]) -> None:
    for problem in refresh(entries[:REFRESHED]):
        say(f"mabe: what is here may be old: {problem}")


def _print_runs(runs: list[RunSummary]) -> None:
    _print_fitted([_row(summary) for summary in runs], NARROW)


def _print_fitted(rows: Sequence[Mapping[str, object]], droppable: Sequence[str]) -> None:
    columns = [(header, [row[header] for row in rows]) for header in rows[0]]
    columns = fitted(columns, droppable)
    headers = [header for header, _ in columns]
    cells = list(zip(*(cells for _, cells in columns), strict=True))
    print_table(headers, cells, right=[headers.index(name) for name in NUMBERS if name in headers])


def _selected(
    session: Session, states: set[RunState], version: str | None, tag: str | None
) -> Iterator[RunSummary]:
    for entry in RunStore(session.home).entries():
        if version is not None and entry.version != version:
            continue
        summary = summary_of(entry)
        if (not states or summary.state in states) and (tag is None or tag in summary.tags):
            yield summary


def _states(names: list[str]) -> set[RunState]:
    known = [state.value for state in RunState]
    for name in names:
        if name not in known:
            raise RunError(f"--state {name}: no such state{nearest(name, known)}")
    return {RunState(name) for name in names}


def _row(run: RunSummary) -> dict[str, object]:
    return {
        "run": run.id,
        "state": run.state.value,
        "epoch": f"{run.epoch}/{run.epochs}" if run.epochs else None,
        "best": None if run.best_metric is None else f"{run.best_metric:.4f}",
        "at": run.best_epoch,
        "time": None if run.elapsed_seconds is None else duration(run.elapsed_seconds),
        "left": None if run.eta_seconds is None else duration(run.eta_seconds),
        "cost": None if run.cost_usd is None else f"${run.cost_usd:.2f}",
        "device": run.device,
        "tags": " ".join(run.tags) or None,
        "remarks": remark_of(run),
    }


def remark_of(run: RunSummary) -> str | None:
    """Give the one thing most worth knowing of a run, beside its figures."""
    if run.stalled_seconds is not None:
        return f"silent for {duration(run.stalled_seconds)}"
    if run.problem:
        return run.problem
    if len(run.warnings) > 1:
        return f"{len(run.warnings)} warnings"
    return run.warnings[0] if run.warnings else run.note or None


def _list_foreign(session: Session, as_json: bool) -> None:
    jobs = launcher_named("local").list_foreign(list(RunStore(session.home).handles()))
    if as_json:
        print_json(jobs)
        return
    if not jobs:
        say("no other jobs on this computer")
        return
    started = [dt.datetime.fromtimestamp(job.started).astimezone() for job in jobs]
    rows = [
        [job.reference, f"{began:%Y-%m-%d %H:%M:%S}", job.description]
        for job, began in zip(jobs, started, strict=True)
    ]
    print_table(["job", "since", "command"], rows)


def status(context: typer.Context, run: RunName = "last", as_json: JsonOption = False) -> None:
    """Show how one run stands."""
    entry = find_run(context, run)
    _refresh([entry])
    summary = summary_of(entry)
    if as_json:
        print_json(summary)
        return
    warnings = [("warning", warning) for warning in summary.warnings]
    for label, value in [*_details(summary), ("folder", entry.run.path), *warnings]:
        print(wrapped(f"{label:<{LABEL}} {value}", " " * (LABEL + 1)))
    if summary.state is RunState.LOST:
        _show_last_lines(entry)


def _details(run: RunSummary) -> Iterator[tuple[str, object]]:
    yield "run", run.id
    because = f" ({run.ended_because})" if run.ended_because else ""
    yield "state", f"{run.state}{because}" + _silence(run)
    if run.problem:
        yield "problem", run.problem
    if run.epochs:
        yield "epoch", f"{run.epoch} of {run.epochs}"
    if run.best_metric is not None:
        yield "best", f"{run.monitor} {run.best_metric:.4f} at epoch {run.best_epoch}"
    yield from _last_metrics(run.metrics)
    if run.train_loss is not None:
        yield "training", f"loss {run.train_loss:.4f}, learning rate {run.learning_rate:.2e}"
    if run.frames_per_second is not None:
        each = (
            f", {short_duration(run.seconds_per_epoch)} an epoch" if run.seconds_per_epoch else ""
        )
        yield "speed", f"{run.frames_per_second:,.0f} frames/s{each}"
    left = f", {duration(run.eta_seconds)} left at most" if run.eta_seconds is not None else ""
    over = f" over {run.attempts} attempts" if run.attempts > 1 else ""
    yield "time", f"{duration(run.elapsed_seconds)}{over}{left}"
    yield from _circumstances(run)


def _last_metrics(metrics: dict[str, float]) -> Iterator[tuple[str, object]]:
    """Give the metrics of the last epoch; what is measured per class (``f1/social``) a line each."""
    measures: dict[str, list[str]] = {}
    for name, value in metrics.items():
        measure, slash, class_name = name.rpartition("/")
        shown = f"{value:.0f}" if measure == "support" else f"{value:.4f}"
        label = measure if slash else "last epoch"
        measures.setdefault(label, []).append(f"{class_name}{NO_BREAK}{shown}")
    for label, values in measures.items():
        yield label, "  ".join(values)


def _circumstances(run: RunSummary) -> Iterator[tuple[str, object]]:
    if run.cost_usd is not None:
        yield "cost", f"${run.cost_usd:.2f}"
    if run.device:
        yield "device", f"{run.device} ({run.device_name})"
    if run.created is not None:
        yield "asked for", f"{run.created.astimezone():%Y-%m-%d %H:%M:%S}, seed {run.seed}"
    if run.preset:
        yield "preset", run.preset
    if run.overrides:
        yield "overrides", "  ".join(run.overrides)
    if run.data:
        yield "data", run.data
    if run.tags:
        yield "tags", " ".join(run.tags)
    if run.note:
        yield "note", run.note


def _silence(run: RunSummary) -> str:
    silent = run.stalled_seconds
    return f", but has said nothing for {duration(silent)}" if silent is not None else ""


def _show_last_lines(entry: RunEntry) -> None:
    attempts = entry.run.attempts()
    lines = last_lines(entry.run.log_path(attempts[-1])) if attempts else []
    print("its last lines:" if lines else "it printed nothing")
    for line in lines[-LAST_LINES:]:
        print(wrapped(f"  {plain(line)}", "    "))


def _soundness(row: CheckpointRow) -> str:
    if not row.here:
        return "not here (mabe pull)"
    return "whole" if row.verified else "size is right"


def checkpoints(
    context: typer.Context,
    run: RunName = "last",
    verify: Annotated[
        bool, typer.Option("--verify", help="Read each whole and compare its sha256.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List a run's checkpoints; exit code 1 where one that counts is damaged."""
    entry = find_run(context, run)
    rows = checkpoint_rows(entry.run, verify)
    if as_json:
        print_json(rows)
    elif not rows:
        say(f"{entry.id} has no checkpoint yet")
    else:
        _print_fitted([_checkpoint_cells(row) for row in rows], NARROW_CHECKPOINTS)
    for row in (damaged := [row for row in rows if row.problem]):
        say(f"mabe: {row.file}: {row.problem}" if row.file else f"mabe: {row.problem}")
    if damaged:
        raise typer.Exit(1)


def _checkpoint_cells(row: CheckpointRow) -> dict[str, object]:
    return {
        "file": row.file or None,
        "named by": " ".join(row.pointers),
        "epoch": row.epoch,
        "step": row.step,
        "metric": None if row.metric is None else f"{row.metric:.4f}",
        "MiB": f"{row.bytes / 2**20:.1f}",
        "sha256": row.sha256[:12],
        "state": row.problem or _soundness(row),
    }
