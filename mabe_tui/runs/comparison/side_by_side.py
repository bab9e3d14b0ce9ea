"""A comparison as a screen shows it: fast results come first, slow ones follow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from core.config.registry import Registry
from core.errors import MisuseError
from core.system.progress import Progress
from mabe_tui.runs.comparison.code import CodeChange
from mabe_tui.runs.comparison.compare import Comparison, compare, comparison_of_sides
from mabe_tui.runs.comparison.evaluate import (
    AT,
    CheckpointComparison,
    NamedCheckpoint,
    compare_checkpoints,
    named_checkpoints,
)
from mabe_tui.runs.comparison.found import find_side
from mabe_tui.runs.comparison.inspection import (
    SideClasses,
    code_of_sides,
    side_classes,
    side_numbers,
)
from mabe_tui.runs.comparison.sides import Side, side_of
from mabe_tui.runs.comparison.yardstick import common_task, yardstick
from mabe_tui.runs.curves.overlay import SideNumbers
from mabe_tui.runs.listing.brief import aligned
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.summary.checkpoints import pointer_names


@dataclass(frozen=True, kw_only=True, eq=False)
class SideBySide:
    """All results so far for several sides."""

    comparison: Comparison
    """Comparison without verdicts, while checkpoints are evaluated."""
    numbers: tuple[SideNumbers, ...] = ()
    """Curves, one per side."""
    classes: tuple[SideClasses, ...] = ()
    """One per side; empty while checkpoints are evaluated."""
    code: tuple[CodeChange | None, ...] | None = None
    """Each later side compared with the first; ``None`` until computed."""


def side_by_side(
    names: Sequence[str], store: RunStore, registry: Registry, progress: Progress | None = None
) -> Iterator[SideBySide]:
    """Compare, and yield the results as they grow; the last item is complete.

    Args:
        names: versions, runs or checkpoints (``RUN@epoch-3``), two or more; if one is a checkpoint,
            a run stands for its best checkpoint.
        store: the runs.
        registry: the versions.
        progress: called with (done, total, what), if checkpoints have to be evaluated.

    Raises:
        UserError: as :func:`~mabe_tui.runs.comparison.compare.compare` or
            :func:`~mabe_tui.runs.comparison.evaluate.compare_checkpoints`.
    """
    if any(AT in name for name in names):
        yield from _of_checkpoints(names, store, registry, progress)
        return
    comparison = compare(names, store, registry)
    known = SideBySide(
        comparison=comparison,
        classes=tuple(side_classes(side, store) for side in comparison.sides),
    )
    yield known
    yield from _with_curves_and_code(known, store)


def _with_curves_and_code(known: SideBySide, store: RunStore) -> Iterator[SideBySide]:
    sides = known.comparison.sides
    known = replace(known, numbers=tuple(side_numbers(side, store) for side in sides))
    yield known
    yield replace(known, code=code_of_sides(sides, store))


def _of_checkpoints(
    names: Sequence[str], store: RunStore, registry: Registry, progress: Progress | None
) -> Iterator[SideBySide]:
    if len(names) < 2:
        raise MisuseError("name two or more checkpoints, such as v6@epoch-3 v6@best")
    checkpoints = _in_short(named_checkpoints(names, store))
    sides = tuple(_run_of(each, store, registry) for each in checkpoints)
    task = common_task([side.experiment for side in sides])
    unmeasured = comparison_of_sides(sides, (), yardstick(task))
    known = before = SideBySide(comparison=unmeasured)
    for known in _with_curves_and_code(before, store):
        yield known
    measured = compare_checkpoints(checkpoints, progress=progress)
    yield replace(
        known,
        comparison=comparison_of(measured, unmeasured),
        classes=tuple(side.classes for side in measured.sides),
    )


def _in_short(checkpoints: Sequence[NamedCheckpoint]) -> list[NamedCheckpoint]:
    """Name checkpoints by their runs' letters, which fit a legend, if these distinguish the runs."""
    runs = {each.entry.id: each.entry.short for each in checkpoints}
    if len({*runs.values()}) < len(runs):
        return list(checkpoints)
    return [each._replace(name=f"{each.entry.short}{AT}{each.which}") for each in checkpoints]


def comparison_of(measured: CheckpointComparison, runs: Comparison) -> Comparison:
    """Replace the runs' own metrics by those of the evaluated checkpoints.

    Args:
        measured: the checkpoints.
        runs: their runs, in the same order.
    """
    sides = tuple(
        msgspec.structs.replace(side, best_epoch=found.epoch, best=found.metrics)
        for side, found in zip(runs.sides, measured.sides, strict=True)
    )
    by = yardstick(runs.by.task, (side.best for side in sides))
    return comparison_of_sides(sides, measured.verdicts, by, runs.unreadable)


def _run_of(checkpoint: NamedCheckpoint, store: RunStore, registry: Registry) -> Side:
    """Describe the run of a checkpoint, without metrics: they do not belong to the checkpoint."""
    side = side_of(checkpoint.name, find_side(checkpoint.entry.id, store, registry, latest=True))
    return msgspec.structs.replace(
        side, checkpoint=checkpoint.which, best_epoch=None, best={}, last={}
    )


def checkpoint_briefs(names: Sequence[str], store: RunStore) -> dict[str, str]:
    """Return what a list says beside checkpoints: name → epoch, metric and seed."""
    cells = {}
    for name in names:
        run, _, pointer = name.partition(AT)
        entry = store.find(run)
        found = entry.run.read_pointer(pointer)
        if found is None:
            continue
        seed = entry.request.seed if entry.request is not None else None
        monitor = entry.request.experiment.training.monitor if entry.request is not None else ""
        cells[name] = (
            f"epoch {found.epoch}",
            f"{monitor} {found.metric:.4f}" if found.metric is not None else "",
            f"seed {seed}" if seed is not None else "",
        )
    return aligned(cells)


def candidates(names: Sequence[str], store: RunStore, registry: Registry) -> list[str]:
    """List what can be compared with some names: checkpoints, if one of these is a checkpoint.

    Returns:
        Versions that have runs, then runs, newest first; or the checkpoints of all runs. Items that are
        already in the comparison are left out.
    """
    entries = store.entries()
    if any(AT in name for name in names):
        found = [f"{e.id}{AT}{pointer}" for e in entries for pointer in pointer_names(e.run)]
    else:
        with_runs = {entry.version for entry in entries}
        found = [version for version in registry.versions if version in with_runs]
        found += [entry.id for entry in entries]
    return [name for name in found if name not in names]
