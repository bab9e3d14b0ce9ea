"""Fit post-processing to the out-of-fold predictions of a run, or of the runs of all folds."""

import contextlib
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from core.config.registry import Registry
from core.config.task_spec import MetricSpec
from core.errors import DataError, RunError
from core.run.places import cache_of_run
from core.system.progress import Progress
from mabe_tui.runs.comparison.found import find_side
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.run_summary import state_of
from mabe_tui.runs.tasks import spec_of
from mabe_tui.runs.videos.video import data_folder, kept_data

if TYPE_CHECKING:  # numpy and pyarrow
    from core.evaluation.rows import Rows
    from core.postprocess.rules import Rules, Settings

HOW_TO_KEEP = "`mabe run VERSION --keep-predictions` keeps them, of a new run"


@dataclass(frozen=True)
class OutOfFold:
    """The runs whose predictions are out of fold, together."""

    entry: RunEntry
    """Represents them in words."""
    runs: tuple[RunEntry, ...]
    """In the order of folds; one alone if it has no folds."""
    others: tuple[str, ...] = ()
    """Further seeds of the version, which are not used."""


def out_of_fold(name: str, store: RunStore, registry: Registry) -> OutOfFold:
    """Find the runs that a name stands for, and require that their predictions are out of fold.

    Args:
        name: a run; or a version: its newest finished run, or the runs of all its folds.
        store: the runs.
        registry: the versions.

    Raises:
        UserError: there is none, it has kept no predictions, or it has learned from what it predicts.
    """
    found = find_side(name, store, registry, latest=False)
    if not found.entries:
        raise RunError(
            f"{name} has no finished run; post-processing is fitted on what a run predicts"
        )
    entry = found.entries[0]
    runs = found.runs_of(entry)
    for each in runs:
        _require_kept(each)
    return OutOfFold(entry, runs, tuple(other.id for other in found.entries[1:]))


def _require_kept(entry: RunEntry) -> None:
    if entry.is_import or entry.require_request().resolved is None:
        raise RunError(f"{entry.id} has not been trained here, so it has no predictions")
    if state_of(entry).is_alive:
        raise RunError(f"{entry.id} is still training; fit post-processing once it has finished")
    if not entry.run.predictions.is_file():
        elsewhere = entry.require_request().launcher != "local"
        hint = f"`mabe sync {entry.id}` fetches them if it kept some, and " if elsewhere else ""
        raise RunError(f"{entry.id} has kept no predictions; {hint}{HOW_TO_KEEP}")


def require_out_of_fold(entry: RunEntry, units: Sequence[str]) -> None:
    """Refuse predictions of what a run has learned from: thresholds fitted on them would be far too high.

    Raises:
        RunError: names one such unit.
    """
    request = entry.require_request()
    if request.inputs or request.resolved is None:  # an ensemble's members are out of fold each
        return
    learned = {*request.resolved.train_units}
    spec = spec_of(request.experiment)
    names = {unit: {unit, unit.partition("/")[2]} for unit in units}
    if seen := [unit for unit, also in names.items() if also & learned]:
        raise RunError(
            f"{entry.id} has learned from {spec.unit.count(len(seen))} that it predicts, such as {seen[0]}:"
            " these predictions are in-sample, and post-processing is fitted on out-of-fold ones alone"
        )


def fit_rules(
    found: OutOfFold,
    settings: "Settings",
    data: Path | None = None,
    progress: Progress | None = None,
) -> "Rules":
    """Fit rules, with a report of what each part adds on folds held out.

    Args:
        found: whose predictions.
        settings: which parts. ``absent`` is switched off if the runs learned from further videos of the
            same labs.
        data: the data folder, whose table tells frame rates that the predictions lack; by default, where the
            run found it. Where there is none, times are counted in frames.
        progress: called with (done, total, what).

    Raises:
        UserError: the predictions cannot be used.
    """
    from core.evaluation.statistic import statistic_of
    from core.postprocess.kept import KeptPredictions
    from core.postprocess.nested import fit_nested, scored

    paths = [each.run.predictions for each in found.runs]
    kept = KeptPredictions(paths, _rates(found.entry, data))
    for each in found.runs:
        require_out_of_fold(each, kept.units_of(each.run.predictions))
    ids = tuple(each.id for each in found.runs)
    if lack_videos(found.runs, kept.units):
        settings = msgspec.structs.replace(settings, absent=False)
    fitted = fit_nested(kept, settings, runs=ids, progress=progress)
    metric = _metric(found.entry, fitted.rows[0])
    rules = scored(fitted, statistic_of(metric, fitted.rows[0].labels), metric.name)
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return msgspec.structs.replace(rules, created=now)


def lack_videos(runs: Sequence[RunEntry], predicted: Sequence[str]) -> bool:
    """Return whether runs learned from videos of the predicted labs that none of them predicts.

    A label without bouts in the predictions may then well have some in those videos.
    """
    known = {*predicted}
    labs = {unit.rpartition("/")[0] for unit in predicted}
    requests = [each.require_request() for each in runs]
    learned = {unit for each in requests if each.resolved for unit in each.resolved.train_units}
    return any(unit.rpartition("/")[0] in labs for unit in learned - known)


def _metric(entry: RunEntry, rows: "Rows") -> MetricSpec:
    """Return the metric that leads: that over the labels present if the truth lacks some."""
    from core.evaluation.rows import support_per_label

    spec = spec_of(entry.require_request().experiment)
    other = spec.metric(spec.primary_where_absent) if spec.primary_where_absent else None
    lacking = bool((support_per_label(rows.pooled) == 0).any())
    return other if other is not None and lacking else spec.primary_metric


def _rates(entry: RunEntry, data: Path | None) -> dict[str, float]:
    """Return the frame rates of videos by unit, as far as they are known on this computer."""
    from core.data.competition import read_videos

    resolved = entry.require_request().resolved
    with contextlib.suppress(DataError):
        if data is None and resolved is not None:
            kept = kept_data(cache_of_run(entry.run.path), resolved.data_fingerprint)
            if kept is not None:
                return {video.video_id: video.frames_per_second for video in kept.videos}
        root = data or data_folder(entry)
        if root is not None:
            return {video.video_id: video.frames_per_second for video in read_videos(root)}
    return {}
