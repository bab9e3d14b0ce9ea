"""The parts of a comparison that read tables, events and git: classes, curves, figures, code."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from core.config.task_spec import TaskSpec
from core.errors import DataError, RunError
from core.evaluation.frames import Counts
from core.evaluation.rows import (
    TOTAL,
    Floats,
    counts_of,
    f1_per_label,
    precision_per_label,
    recall_per_label,
    support_per_label,
)
from core.evaluation.table import read_confusions, read_rows
from mabe_tui.runs.comparison.code import CodeChange, code_changes
from mabe_tui.runs.comparison.compare import Comparison
from mabe_tui.runs.comparison.confusions import Confusion, confusions
from mabe_tui.runs.comparison.sides import Side, mean_over_runs
from mabe_tui.runs.curves.overlay import SideNumbers
from mabe_tui.runs.curves.panels import RunNumbers
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.summary.provenance import provenance_of
from mabe_tui.runs.tasks import spec_of

if TYPE_CHECKING:  # torch
    from core.tasks.predictor import Evaluation

MOST_CONFUSIONS = 20
"""Keys of a side in ``--json``."""


class ClassScore(msgspec.Struct, frozen=True, kw_only=True):
    """Scores of one class over all validation examples, as scikit-learn defines them."""

    name: str
    f1: float
    precision: float
    recall: float
    frames: int
    """Number of examples whose true label is this class, in the task's unit."""


class SideClasses(msgspec.Struct, frozen=True, kw_only=True):
    """The confusions of the best checkpoints of one side."""

    name: str
    classes: tuple[str, ...] = ()
    counts: tuple[tuple[int, ...], ...] = ()
    """``(classes, classes)`` examples of all validation units and seeds; rows are the truth. Empty for a task
    whose classes are not mutually exclusive."""
    scores: tuple[ClassScore, ...] = ()
    """Over all validation units and seeds; with several seeds, not quite the mean of the seeds' values."""
    confusions: tuple[Confusion, ...] = ()
    """The worst confusions in ``counts``, the most harmful first."""
    problem: str | None = None
    """Why there is nothing to show, or no ``counts``."""
    examples: str = "examples"
    """Unit of ``counts``, such as ``frames``."""


class SideFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The resources that one side used: means over its runs that know the figure."""

    name: str
    elapsed_seconds: float | None
    frames_per_second: float | None
    cost_usd: float | None
    parameters: int | None
    devices: tuple[str, ...]


class Inspection(Comparison, frozen=True, kw_only=True):
    """A comparison with everything that a screen or ``--json`` shows beside it."""

    classes: tuple[SideClasses, ...]
    """One per side."""
    figures: tuple[SideFigures, ...]
    """One per side."""
    code: tuple[CodeChange | None, ...]
    """Each later side compared with the first; ``None`` if one of the two has no run."""


def inspect(comparison: Comparison, store: RunStore) -> Inspection:
    """Add the parts that read tables and run git, which take up to a second.

    Args:
        comparison: from :func:`~mabe_tui.runs.comparison.compare.compare`.
        store: the store that has its runs.
    """
    sides = comparison.sides
    fields = {name: getattr(comparison, name) for name in comparison.__struct_fields__}
    return Inspection(
        **fields,
        classes=tuple(side_classes(side, store) for side in sides),
        figures=tuple(side_figures(side) for side in sides),
        code=code_of_sides(sides, store),
    )


def side_classes(side: Side, store: RunStore) -> SideClasses:
    """Add up the evaluations of all runs of a side."""
    task = spec_of(side.experiment)
    if not side.runs:
        return SideClasses(name=side.name, problem="no run here")
    try:
        ids = side.fold_runs or [run.id for run in side.runs]
        paths = [store.find(run).run.evaluation_table for run in ids]
        tables = [read_rows(path) for path in paths]
    except (DataError, RunError) as error:
        return SideClasses(name=side.name, problem=str(error))
    if len({table.labels for table in tables}) > 1:
        return SideClasses(
            name=side.name, problem=f"its runs do not learn the same {task.label.many}"
        )
    labels, counts = tables[0].labels, np.sum([table.pooled for table in tables], axis=0)
    return _with_confusions(_of_labels(side.name, labels, counts, task), paths, task)


def _of_labels(name: str, labels: tuple[str, ...], counts: Floats, task: TaskSpec) -> SideClasses:
    """Return the scores of each label, if the task tells labels apart."""
    if not counts[:, :TOTAL].any():
        return SideClasses(name=name, problem=f"{task.title}: has no {task.label.many}")
    return SideClasses(name=name, classes=labels, scores=_scores(labels, counts))


def _with_confusions(found: SideClasses, paths: Sequence[Path], task: TaskSpec) -> SideClasses:
    """Add the confusions, if the task has them."""
    if "confusion" not in task.views or found.problem is not None:
        return found
    try:
        tables = [read_confusions(path) for path in paths]
    except DataError as error:
        return msgspec.structs.replace(found, problem=str(error))
    counts: Counts = np.sum([table.counts.sum(axis=0) for table in tables], axis=0)
    return classes_of_counts(found.name, found.classes, counts, task.example.many)


def classes_of_counts(
    name: str, classes: tuple[str, ...], counts: Counts, examples: str = "examples"
) -> SideClasses:
    """Return counts, ``(classes, classes)`` with the truth in rows, with the scores computed from them."""
    return SideClasses(
        name=name,
        classes=classes,
        counts=tuple(tuple(row) for row in counts.tolist()),
        scores=_scores(classes, counts_of(counts)),
        confusions=confusions(classes, counts)[:MOST_CONFUSIONS],
        examples=examples,
    )


def classes_of_evaluation(name: str, found: "Evaluation", task: TaskSpec) -> SideClasses:
    """Return what was measured of each label, with the confusions if there are any."""
    if found.confusions is None:
        return _of_labels(name, found.rows.labels, found.rows.pooled, task)
    table = found.confusions
    return classes_of_counts(name, table.classes, table.counts.sum(axis=0), task.example.many)


def _scores(labels: tuple[str, ...], counts: Floats) -> tuple[ClassScore, ...]:
    columns = (
        f1_per_label(counts).tolist(),
        precision_per_label(counts).tolist(),
        recall_per_label(counts).tolist(),
        support_per_label(counts).tolist(),
    )
    return tuple(
        ClassScore(name=name, f1=f1, precision=precision, recall=recall, frames=round(examples))
        for name, f1, precision, recall, examples in zip(labels, *columns, strict=True)
    )


def side_numbers(side: Side, store: RunStore) -> SideNumbers:
    """Read the curves of all seeds; a run that has been removed since has none."""
    found = []
    for run in side.runs:
        try:
            found.append(RunNumbers.read(store.find(run.id), side.name))
        except RunError:
            continue
    return SideNumbers(side.name, tuple(found))


def side_figures(side: Side) -> SideFigures:
    """Average the resources of the runs of a side."""
    devices = dict.fromkeys(run.device_name or run.device for run in side.runs)
    return SideFigures(
        name=side.name,
        elapsed_seconds=mean_over_runs(side, "elapsed_seconds"),
        frames_per_second=mean_over_runs(side, "frames_per_second"),
        cost_usd=mean_over_runs(side, "cost_usd"),
        parameters=side.summary.parameters if side.summary else None,
        devices=tuple(device for device in devices if device),
    )


def code_of_sides(sides: tuple[Side, ...], store: RunStore) -> tuple[CodeChange | None, ...]:
    """Compare the code of each side's newest run with the first's."""
    codes = [_code_of(side, store) for side in sides]
    first = codes[0]
    if first is None:
        return (None,) * (len(sides) - 1)
    known = [code for code in codes if code is not None]
    changes = code_changes([c.version for c in known], recorded=[c.recorded for c in known])
    found = dict(zip(known[1:], changes, strict=True))
    return tuple(found[code] if code else None for code in codes[1:])


class _Code(NamedTuple):
    version: str
    recorded: str | None


def _code_of(side: Side, store: RunStore) -> _Code | None:
    if side.summary is None:
        return None
    try:
        entry = store.find(side.summary.id)
        resolved = entry.require_request().resolved
    except RunError:
        return None
    if resolved is None:
        return None
    recorded = provenance_of(entry.run)
    code = recorded.code if recorded else None
    return _Code(resolved.code_version, str(code) if code and code.checkouts else None)
