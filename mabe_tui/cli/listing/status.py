"""``mabe status`` and ``mabe checkpoints``: show the state and the checkpoints of a run."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated

import msgspec
import typer

from core.config.strict import UNSET
from core.errors import MisuseError, RunError
from core.run.checkout import MOST_DIFF_BYTES
from core.run.events import decode
from core.run.inputs import IN_WORDS
from core.run.rundir import RunDir
from mabe_tui.cli.following.display import shown_lines
from mabe_tui.cli.launching.cost_question import elsewhere_words, rented_reference
from mabe_tui.cli.options import RunName
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.fit import fitted, say_left_out
from mabe_tui.cli.terminal.output import (
    NO_BREAK,
    JsonOption,
    print_json,
    print_table,
    progress,
    say,
    wrapped,
)
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.tail import last_lines
from mabe_tui.runs.following.mirror import EventItem, Item, TextItem
from mabe_tui.runs.format.event_text import best_name, best_words, full_data_words, state_words
from mabe_tui.runs.format.units import duration, short_duration
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.checkpoints import (
    CheckpointRow,
    checkpoint_rows,
    mark,
    none_words,
    unmark,
)
from mabe_tui.runs.summary.deliveries import stored_rules, submissions
from mabe_tui.runs.summary.hearing import refresh
from mabe_tui.runs.summary.provenance import diff_of, provenance_lines, provenance_of
from mabe_tui.runs.summary.run_summary import RunSummary, summary_of
from mabe_tui.runs.tasks import spec_of

LAST_LINES = 10
LABEL = 12
"""Width of the labels in `mabe status`."""
REFERENCES = {"app_id": "app", "call_id": "call", "app_url": "app page"}
"""Labels of a rented run's references that differ from their names."""
NUMBERS = ("epoch", "best", "at", "time", "left", "cost", "step", "metric", "MiB")
NARROW_CHECKPOINTS = ("sha256", "step", "MiB")


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("status")(status)
    app.command("checkpoints")(checkpoints)


def find_run(context: typer.Context, name: str) -> RunEntry:
    """Find the run that a name refers to; see :meth:`~mabe_tui.runs.store.RunStore.find`."""
    return RunStore(session_of(context).home).find(name)


def find_runs(context: typer.Context, names: Iterable[str]) -> list[RunEntry]:
    """Find several runs, without duplicates, in the order they were named."""
    found = {entry.id: entry for entry in (find_run(context, name) for name in names)}
    return list(found.values())


def _print_fitted(rows: Sequence[Mapping[str, object]], droppable: Sequence[str]) -> None:
    whole = [(header, [row[header] for row in rows]) for header in rows[0]]
    columns = fitted(whole, droppable)
    headers = [header for header, _ in columns]
    cells = list(zip(*(cells for _, cells in columns), strict=True))
    print_table(headers, cells, right=[headers.index(name) for name in NUMBERS if name in headers])
    say_left_out(whole, headers)


def status(
    context: typer.Context,
    run: RunName = "last",
    diff: Annotated[
        bool,
        typer.Option("--diff", help="Print the uncommitted changes that it was trained with."),
    ] = False,
    packages: Annotated[
        bool, typer.Option("--packages", help="Print the packages that it was trained with.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show everything known about a run."""
    entry = find_run(context, run)
    if diff or packages:
        _print_provenance(entry, diff, packages)
        return
    problems = refresh([entry])
    summary, reference = summary_of(entry), rented_reference(entry.run)
    for problem in problems:
        if problem != summary.problem:  # already among the lines below
            say(f"mabe: what is here may be old: {problem}")
    if summary.state.may_speak and (elsewhere := elsewhere_words(entry.run)):
        say(f"mabe: {elsewhere}")
    if as_json:
        more = {
            "postprocessing": stored_rules(entry.run),
            "submissions": submissions(entry.run),
            "provenance": provenance_of(entry.run),
        }
        print_json(msgspec.structs.asdict(summary) | reference | more)
        return
    ids = [(REFERENCES.get(name, name), value) for name, value in reference.items()]
    warnings = [("warning", warning) for warning in summary.warnings]
    recorded = provenance_of(entry.run)
    trained_with = [] if recorded is None else provenance_lines(recorded)
    folder = ("folder", entry.run.path)
    lines = [*_details(summary), *_deliveries(entry.run), *trained_with, folder]
    for label, value in [*lines, *ids, *warnings]:
        print(wrapped(f"{label:<{LABEL}} {value}", " " * (LABEL + 1)))
    if summary.state is RunState.LOST:
        _show_last_lines(entry)


def _print_provenance(entry: RunEntry, diff: bool, packages: bool) -> None:
    """Print the kept difference, or the packages, as they were recorded."""
    if diff and packages:
        raise MisuseError("--diff and --packages exclude one another")
    found = provenance_of(entry.run)
    if found is None or (packages and not found.packages):
        raise RunError(f"{entry.id}: no record of what it was trained with")
    if packages:
        print("\n".join(f"{name}=={version}" for name, version in found.packages.items()))
        return
    kept = diff_of(entry.run)
    print(kept, end="")
    whole = sum(each.diff_bytes for each in found.code.checkouts) if found.code else 0
    if not kept:
        say(f"{entry.id}: no uncommitted changes were kept; code: {found.code or 'not recorded'}")
    elif whole > MOST_DIFF_BYTES:
        say(f"cut off: the whole difference has {whole:,} bytes")


def _details(run: RunSummary) -> Iterator[tuple[str, object]]:
    yield "run", run.id
    yield "state", state_words(run) + _silence(run)
    if run.problem:
        yield "problem", run.problem
    if run.epochs:
        yield "epoch", f"{run.epoch} of {run.epochs}"
    if run.best_metric is not None:
        yield "best", f"{best_name(run)} {best_words(run)}"
    yield from _last_metrics(run.metrics)
    if training := _training(run):
        yield "training", training
    if run.frames_per_second is not None:
        each = (
            f", {short_duration(run.seconds_per_epoch)} an epoch" if run.seconds_per_epoch else ""
        )
        yield "speed", f"{run.frames_per_second:,.0f} {run.rate_unit}{each}"
    left = f", {duration(run.eta_seconds)} left at most" if run.eta_seconds is not None else ""
    over = f" over {run.attempts} attempts" if run.attempts > 1 else ""
    yield "time", f"{duration(run.elapsed_seconds)}{over}{left}"
    yield from _circumstances(run)


def _training(run: RunSummary) -> str:
    """Format training loss and learning rate as far as known: an old log may contain neither."""
    known = [] if run.train_loss is None else [f"loss {run.train_loss:.4f}"]
    known += [] if run.learning_rate is None else [f"learning rate {run.learning_rate:.2e}"]
    return ", ".join(known)


def _last_metrics(metrics: dict[str, float]) -> Iterator[tuple[str, object]]:
    """Return the metrics of the last epoch, those of each label (``recall/b``) on a line of their own."""
    measures: dict[str, list[str]] = {}
    for name, value in metrics.items():
        measure, slash, label_name = name.rpartition("/")
        shown = f"{value:.0f}" if measure == "support" else f"{value:.4f}"
        label = measure if slash else "last epoch"
        measures.setdefault(label, []).append(f"{label_name}{NO_BREAK}{shown}")
    for label, values in measures.items():
        yield label, "  ".join(values)


def _circumstances(run: RunSummary) -> Iterator[tuple[str, object]]:
    if run.cost_usd is not None:
        yield "cost", f"${run.cost_usd:.2f}"
    if run.device:
        named = run.device_name not in (None, run.device)
        yield "device", f"{run.device} ({run.device_name})" if named else run.device
    if run.created is not None:
        when = f"{run.created.astimezone():%Y-%m-%d %H:%M:%S}"
        yield ("imported", when) if run.imported else ("requested", f"{when}, seed {run.seed}")
    if run.preset:
        yield "preset", run.preset
    if run.overrides:
        yield "overrides", "  ".join(run.overrides)
    yield from _sources(run)
    if run.tags:
        yield "tags", " ".join(run.tags)
    if run.note:
        yield "note", run.note


def _sources(run: RunSummary) -> Iterator[tuple[str, object]]:
    """Say what a run is made from."""
    if not run.validates:
        yield "validation", full_data_words(run)
    if run.inputs:
        yield IN_WORDS[run.how or "mean"], " ".join(run.inputs)
    if run.learns_from:
        yield "teacher", run.learns_from
    if run.data:
        yield "data", run.data


def _deliveries(run: RunDir) -> Iterator[tuple[str, object]]:
    """Say what post-processing is stored with a run, and what became of its submissions."""
    for rules in stored_rules(run):
        words = [rules.problem] if rules.problem else [f"fitted {rules.created}".strip()]
        if rules.videos is not None:
            words.append(f"on {rules.videos:,} videos")
        if rules.score is not None:
            words.append(f"{rules.metric} {rules.score:.4f} nested ({rules.gain:+.4f})")
        yield "rules", f"{rules.name}: {', '.join(words)}"
    for each in submissions(run):
        if each.problem:
            yield "submission", each.problem
            continue
        number = "" if each.submission is None else f" {each.submission}"
        score = "" if each.public_score is None else f", public score {each.public_score:.4f}"
        when = "" if each.when is None else f", {each.when.astimezone():%Y-%m-%d %H:%M:%S}"
        why = f": {each.error}" if each.error else ""
        yield "submission", f"{each.state}{number}{score}{when}{why}"


def _silence(run: RunSummary) -> str:
    silent = run.stalled_seconds
    return f", but has said nothing for {duration(silent)}" if silent is not None else ""


def _show_last_lines(entry: RunEntry) -> None:
    attempts = entry.run.attempts()
    printed = last_lines(entry.run.log_path(attempts[-1])) if attempts else []
    experiment = entry.require_request().experiment
    items = [_item(line, attempts[-1]) for line in printed]
    lines = shown_lines(items, spec_of(experiment), experiment.training.epochs, LAST_LINES)
    print("its last lines:" if lines else "it printed nothing")
    for line in lines:
        print(wrapped(f"  {line}", "    "))


def _item(line: bytes, attempt: str) -> Item:
    event = decode(line)
    return TextItem(attempt, line) if event is None else EventItem(event)


def _soundness(row: CheckpointRow) -> str:
    if not row.here:
        return "not here (mabe pull)"
    return "whole" if row.verified else "size is right"


def checkpoints(
    context: typer.Context,
    run: RunName = "last",
    verify: Annotated[
        bool, typer.Option("--verify", help="Read each file and check its sha256.")
    ] = False,
    marked: Annotated[
        str | None,
        typer.Option(
            "--mark", metavar="best|last|epoch-N|none", help="Keep this checkpoint as `marked`."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the checkpoints of a run; exit code 1 if one that is needed is damaged."""
    entry = find_run(context, run)
    if marked == UNSET:
        unmark(entry.run)
    elif marked is not None:
        mark(entry.run, marked)
    rows = _verified(entry) if verify else checkpoint_rows(entry.run)
    if as_json:
        print_json(rows)
    elif not rows:
        say(none_words(entry.run))
    else:
        _print_fitted([_checkpoint_cells(row) for row in rows], NARROW_CHECKPOINTS)
    for row in (damaged := [row for row in rows if row.problem]):
        say(f"mabe: {row.file}: {row.problem}" if row.file else f"mabe: {row.problem}")
    if damaged:
        raise typer.Exit(1)


def _verified(entry: RunEntry) -> list[CheckpointRow]:
    with progress("verifying") as tell:
        return checkpoint_rows(entry.run, verify=True, progress=tell)


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
