"""What is known of the selected version or run, beside the tables."""

from collections.abc import Iterator

import msgspec
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from core.experiment import Experiment, flatten
from core.registry import Registry
from mabe_tui.runs.record import RunRecord
from mabe_tui.runs.settings import differences, spell
from mabe_tui.runs.text import plain
from mabe_tui.runs.units import duration

LABEL = 11
HIDDEN = ("title", "notes", "status", "extends", "name", "reported", "assumed", "actions")
"""Settings that are shown apart, or that are no settings."""


class Details(VerticalScroll):
    """A pane of words; the keys that differ from the parent come first."""

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        yield Static(id="details-text", markup=False)

    def show_version(self, registry: Registry, version: str) -> None:
        """Show a version: what it is, how it differs from its parent, all its settings."""
        experiment = registry.experiment(version)
        parent = registry.experiment(experiment.extends) if experiment.extends else None
        self._write(version, "\n".join(_version_lines(experiment, parent)))

    def show_run(self, record: RunRecord) -> None:
        """Show a run: how it stands, and what was set for it."""
        self._write(record.id, "\n".join(_run_lines(record)))

    def _write(self, title: str, text: str) -> None:
        self.border_title = title
        self.query_one("#details-text", Static).update(Text(text))


def _version_lines(experiment: Experiment, parent: Experiment | None) -> Iterator[str]:
    yield experiment.title
    yield from (f"{topic}: {text}" for topic, text in experiment.notes.items())
    if experiment.reported is not None:
        yield "\nreported by the original documents"
        for key, value in msgspec.structs.asdict(experiment.reported).items():
            if isinstance(value, int | float):
                yield f"  {key} {value}"
    if parent is not None:
        yield f"\nchanged from {parent.name}"
        for key, before, now in differences(parent, experiment):
            if key.partition(".")[0] not in HIDDEN:
                yield f"  {key}\n    {spell(before)} → {spell(now)}"
    yield "\nsettings"
    for key, value in flatten(experiment).items():
        if key.partition(".")[0] not in HIDDEN:
            yield f"  {key} {spell(value)}"


def _run_lines(record: RunRecord) -> Iterator[str]:
    run = record.summary
    facts = {
        "state": run.state.value + (f" ({run.ended_because})" if run.ended_because else ""),
        "epoch": f"{run.epoch} of {run.epochs}",
        "time": duration(run.elapsed_seconds),
        "left": duration(run.eta_seconds) if run.eta_seconds is not None else None,
        "cost": f"${run.cost_usd:.2f}" if run.cost_usd is not None else None,
        "attempts": run.attempts,
        "device": run.device_name,
        "seed": run.seed,
        "preset": run.preset,
        "data": run.data,
        "tags": " ".join(run.tags),
        "created": f"{run.created.astimezone():%Y-%m-%d %H:%M}" if run.created else None,
    }
    yield from (f"{label:<{LABEL}}{value}" for label, value in facts.items() if value)
    for label, text in (("note", run.note), ("problem", run.problem or "")):
        if text:
            yield f"\n{label}: {plain(text.encode())}"
    yield from (f"\nwarning: {plain(warning.encode())}" for warning in run.warnings)
    if run.overrides:
        yield "\nset for this run"
        yield from (f"  {override}" for override in run.overrides)
    if run.metrics:
        yield "\nlast epoch (best epoch)"
        for name, value in run.metrics.items():
            best = record.best.get(name)
            yield f"  {name:<22}{value:.4g}" + (f"  ({best:.4g})" if best is not None else "")
