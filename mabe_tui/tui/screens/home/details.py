"""The details of the selected version or run, beside the tables."""

from collections.abc import Iterator, Mapping

import msgspec
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from core.config.experiment import Experiment, flatten
from core.config.registry import Registry
from core.config.task_spec import SUPPORT, TaskSpec
from mabe_tui.runs.format.event_text import best_words, state_words
from mabe_tui.runs.format.settings import differences
from mabe_tui.runs.format.settings import spell as spell_setting
from mabe_tui.runs.format.units import duration
from mabe_tui.runs.format.untrusted_text import plain
from mabe_tui.runs.listing.cells import spell
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.tasks import find_spec
from mabe_tui.tui.screens.home.rows import MISSING

LABEL = 11
HEAD, CUT = 6, 4
"""Maximum length of the headings over the figures of a label."""
HIDDEN = ("title", "notes", "status", "extends", "name", "reported", "assumed", "actions")
"""Settings that are shown separately or are not settings."""


class Details(VerticalScroll):
    """A text pane; settings that differ from the parent come first."""

    _written: tuple[str, str] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        yield Static(id="details-text", markup=False)

    def show_version(self, registry: Registry, version: str) -> None:
        """Show a version: its description, differences from its parent, and all settings."""
        experiment = registry.experiment(version)
        parent = registry.experiment(experiment.extends) if experiment.extends else None
        self._write(version, "\n".join(_version_lines(experiment, parent)))

    def show_run(self, record: RunRecord) -> None:
        """Show a run: its state and its settings."""
        self._write(record.id, "\n".join(_run_lines(record)))

    def _write(self, title: str, text: str) -> None:
        if (title, text) == self._written:
            return
        self.border_title = Content(title)
        self._written = title, text
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
                yield f"  {key}\n    {spell_setting(before)} → {spell_setting(now)}"
    yield "\nsettings"
    for key, value in flatten(experiment).items():
        if key.partition(".")[0] not in HIDDEN:
            yield f"  {key} {spell_setting(value)}"


def _run_lines(record: RunRecord) -> Iterator[str]:
    run = record.summary
    facts = {
        "state": state_words(run),
        "epoch": f"{run.epoch} of {run.epochs}",
        "best": best_words(run) if run.best_metric is not None else None,
        "time": duration(run.elapsed_seconds),
        "left": duration(run.eta_seconds) if run.eta_seconds is not None else None,
        "cost": spell("cost_usd", run.cost_usd),
        "at the end": spell("cost_at_end_usd", run.cost_at_end_usd),
        "budget": spell("budget_usd", run.budget_usd),
        "attempts": run.attempts,
        "device": run.device_name,
        "seed": None if run.imported else run.seed,
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
        yield from _metric_lines(run.metrics, record.best, find_spec(run.task))


def _metric_lines(
    last: Mapping[str, float], best: Mapping[str, float], spec: TaskSpec | None
) -> Iterator[str]:
    """Yield the metrics over all labels, then one line per label with its own metrics."""
    yield f"\n{'':<21}{'last':>8}{'best':>9}"
    for name, value in last.items():
        if "/" not in name:
            yield f"{name:<21}{_figure(value, 4):>8}{_figure(best.get(name), 4):>9}"
    of_labels = [name.partition("/") for name in last if "/" in name]
    kinds = list(dict.fromkeys(kind for kind, _, _ in of_labels))
    if kinds:
        yield f"\n{'best epoch':<12}" + "".join(f"{_head(kind, spec):>7}" for kind in kinds)
    for label in dict.fromkeys(label for _, _, label in of_labels):
        figures = (_figure(best.get(f"{kind}/{label}"), 3) for kind in kinds)
        yield f"{label:<12}" + "".join(f"{figure:>7}" for figure in figures)


def _head(kind: str, spec: TaskSpec | None) -> str:
    """Return the heading of a kind of figures, such as ``recall``; examples go by the task's word."""
    if spec is not None and f"{kind}/" == SUPPORT:
        kind = spec.example.many
    return kind if len(kind) <= HEAD else f"{kind[:CUT]}."


def _figure(value: float | None, places: int) -> str:
    if value is None:
        return MISSING
    return f"{value:.0f}" if value > 1 and value == int(value) else f"{value:.{places}f}"
