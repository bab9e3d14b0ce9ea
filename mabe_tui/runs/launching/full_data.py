"""Training on everything: no validation, and as many epochs as were best for the folds."""

import statistics
from dataclasses import dataclass

import msgspec

from core.config.experiment import flatten
from core.config.registry import Registry
from core.errors import MisuseError, RunError
from mabe_tui.runs.launching.run_requests import LaunchOptions, experiment_for
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.folds import FoldSet, fold_sets
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.store import RunStore

EPOCHS = "training.epochs"
NOTHING_KEPT = {
    "data.validation_fraction": "0",
    "data.validation_videos": "none",
    "data.folds": "none",
    "data.fold": "none",
    "training.early_stopping_patience": "none",
    "training.keep_predictions": "false",
}
"""What training on everything implies, for the settings that a task has."""
FREE = {*NOTHING_KEPT, EPOCHS, "training.seed", "training.scheduler", "training.plateau_patience"}
"""Settings in which it may differ from the runs of the folds."""
MOST_KEYS = 3


@dataclass(frozen=True, slots=True)
class FullData:
    """A start that trains on everything."""

    options: LaunchOptions
    epochs_from: tuple[str, ...] = ()
    """Ids of the runs of folds whose median best epoch it trains for; empty if the epochs were given."""
    note: str = ""
    """What the user should know, or nothing."""


def on_full_data(
    registry: Registry, store: RunStore, options: LaunchOptions, folds_of: str | None = None
) -> FullData:
    """Change the options of a start to train on everything.

    The epochs are the median of the best epochs of all folds, of every seed that has a run of each fold. The
    learning rate falls over these epochs.

    Args:
        registry: has the version.
        store: has the runs of its folds.
        options: without folds; if they set ``training.epochs``, no runs are looked for.
        folds_of: a run of the folds; by default, the version's newest complete set.

    Raises:
        MisuseError: the options exclude each other.
        RunError: there are no runs of all folds.
    """
    if options.folds is not None:
        raise MisuseError("--full keeps nothing for validation, so it has no --folds")
    known = flatten(registry.experiment(options.version))
    implied = tuple(f"{key}={value}" for key, value in NOTHING_KEPT.items() if key in known)
    options = msgspec.structs.replace(options, overrides=(*options.overrides, *implied))
    if any(text.partition("=")[0].strip() == EPOCHS for text in options.overrides):
        if folds_of is not None:
            raise MisuseError(f"--from-folds and --set {EPOCHS}: choose one")
        return FullData(options)
    sets = _sets(store, options.version, folds_of)
    runs = [run for each in sets for run in each.runs]
    best = [run.summary.best_epoch for run in runs if run.summary.best_epoch is not None]
    if len(best) < len(runs):
        raise RunError(f"{runs[0].id}: not every run of its folds has a best epoch; run them again")
    epochs = max(1, round(statistics.median(best)))
    options = msgspec.structs.replace(options, overrides=(*options.overrides, f"{EPOCHS}={epochs}"))
    wanted, had = flatten(experiment_for(registry, options)), runs[0].settings
    compared = [key for key in had if key not in FREE and not key.startswith("hardware.")]
    other = [key for key in compared if wanted.get(key) != had[key]]
    note = f"the folds were trained with other settings: {', '.join(other[:MOST_KEYS])}"
    return FullData(options, tuple(run.id for run in runs), note if other else "")


def _sets(store: RunStore, version: str, folds_of: str | None) -> list[FoldSet[RunRecord]]:
    """Return the complete sets of folds that differ from the newest, or from the named one, in the seed."""
    records = Catalog(store).records()
    if folds_of is not None:
        named = store.find(folds_of)
        (record,) = [each for each in records if each.id == named.id]
        if record.folds is None:
            raise RunError(
                f"{record.id} is no run of several folds; `mabe run {named.version} --folds 5` makes them"
            )
        alike = [each for each in records if each.fold_group == record.fold_group]
    else:
        alike = [
            each for each in records if each.summary.version == version and each.folds is not None
        ]
    sets, incomplete = fold_sets(alike)
    complete = [each for each in sets if each.is_pooled]
    if not complete:
        why = f" ({incomplete[0]})" if incomplete else ""
        raise RunError(
            f"no runs of all folds of {folds_of or version} to take the epochs from{why}: `mabe run {version}"
            f" --folds 5` makes them, or --set {EPOCHS}=N says how many"
        )
    return [each for each in complete if each.alike == complete[0].alike]
