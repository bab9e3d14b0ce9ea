"""Single checkpoints as runs: measured anew, or averaged by their weights."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.config.registry import VERSION_NAME, Registry
from core.errors import ConfigError, MisuseError
from core.run.request import RunRequest
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.comparison.found import find_side
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.checkpoints import checkpoint_here, pointer_name
from mabe_tui.runs.summary.run_summary import state_of

AT = "@"
BEST = "best"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One checkpoint that is a member of an ensemble."""

    request: RunRequest
    """Of the run that measures it."""
    existing: RunEntry | None
    """A run that has measured it already."""


def names_a_checkpoint(name: str) -> bool:
    """Return whether a name is one of a checkpoint, ``RUN@epoch-10``; ``RUN@best`` is the run itself."""
    return AT in name and name.partition(AT)[2] != BEST


def snapshots_of(name: str, store: RunStore, registry: Registry) -> list[Snapshot]:
    """Return what measures the checkpoint that a name stands for: of all folds and seeds of a version.

    Raises:
        UserError: there is no such run or checkpoint, or it is not here.
    """
    from core.ensembles.weights import weights_request  # imported late: torch

    found = []
    for entry, pointer in _checkpoints(name, store, registry):
        own = f"{entry.version}-{name.partition(AT)[2]}"
        request = weights_request([entry.run], [pointer], _free(own, registry))
        found.append(Snapshot(request, _measured_before(store, request)))
    return found


def weights_of(
    names: Sequence[str], name: str | None, store: RunStore, registry: Registry
) -> RunRequest:
    """Build the request of a run whose weights are the mean of several checkpoints'. Touches no file.

    Args:
        names: ``RUN@epoch-10``, or runs, which stand for their best checkpoints; of versions, the newest run.
        name: that it is listed under; by default "weights".
        store: the runs.
        registry: the versions.

    Raises:
        UserError: there is no such run or checkpoint, or it is not here.
    """
    from core.ensembles.weights import weights_request  # imported late: torch

    found = [each for given in names for each in _checkpoints(given, store, registry)]
    name = name or "weights"
    if not VERSION_NAME.fullmatch(name) or name == "last":
        raise MisuseError(f"--name {name}: up to 40 letters, digits, dots, dashes; not 'last'")
    if name in registry.versions:
        raise ConfigError(f"--name {name}: a version of the registry is called so; choose another")
    folds = {entry.require_request().experiment.data.fold for entry, _ in found}
    if len(folds) > 1:
        raise MisuseError(
            "--average-weights: runs of other folds have learned from one another's validation units; name"
            " runs of one fold, or combine their predictions"
        )
    return weights_request([entry.run for entry, _ in found], [each for _, each in found], name)


def _checkpoints(name: str, store: RunStore, registry: Registry) -> list[tuple[RunEntry, str]]:
    """Return runs and the pointer of each.

    Raises:
        UserError: there is no such run or checkpoint, or it is not here.
    """
    run, _, which = name.partition(AT)
    found = find_side(run, store, registry, latest=False)
    pointer = pointer_name(which or BEST)
    entries = [each for entry in found.entries for each in found.runs_of(entry)]
    if not entries:
        raise MisuseError(f"{name}: {run} has no run")
    for entry in entries:
        checkpoint_here(entry.run, pointer)
    return [(entry, pointer) for entry in entries]


def _free(name: str, registry: Registry) -> str:
    cut = name[:32]
    return f"{cut}-weights" if cut in registry.versions else cut


def _measured_before(store: RunStore, request: RunRequest) -> RunEntry | None:
    for entry in store.entries():
        if entry.version != request.experiment.name or entry.request is None:
            continue
        alike = entry.request.averaged == request.averaged
        if alike and state_of(entry) is RunState.FINISHED and entry.run.predictions.is_file():
            return entry
    return None
