"""Train the sides of a comparison with further seeds: each run as its side's newest one was started."""

import msgspec

from core.errors import ConfigError
from core.run.limits import Limits
from core.run.request import RunRequest
from mabe_tui.launch.launcher import launcher_named
from mabe_tui.runs.comparison.compare import Comparison
from mabe_tui.runs.launching.forecast import spending
from mabe_tui.runs.launching.run_requests import check_data, new_request
from mabe_tui.runs.store import RunStore


class MoreSeeds(msgspec.Struct, frozen=True, kw_only=True):
    """Runs that would settle a verdict, ready to start."""

    title: str
    """The question whether to start them."""
    words: str
    """What they cost, or how long they take."""
    groups: tuple[tuple[RunRequest, ...], ...]
    """Requests of one side each."""


def runs_that_settle(comparison: Comparison, place: int, store: RunStore) -> MoreSeeds:
    """Prepare the runs that a verdict's plan names, with their price. Starts nothing, writes nothing.

    Args:
        comparison: of two or more sides.
        place: which of its verdicts.
        store: the runs.

    Raises:
        UserError: there is nothing to launch for this verdict, or a run is not possible as its side's was;
            says why.
    """
    verdict = comparison.verdicts[place]
    settling = verdict.settling
    if settling is None:
        why = "it is settled" if verdict.told_apart else "there is no plan"
        raise ConfigError(f"{verdict.second} against {verdict.first}: {why}: nothing to launch")
    if not any(settling.seeds):
        raise ConfigError(settling.sentence)
    sides = (comparison.sides[0], comparison.sides[place + 1])
    groups, words, named = [], [settling.sentence], []
    for side, seeds in zip(sides, settling.seeds, strict=True):
        if not seeds:
            continue
        ids = side.fold_runs or tuple(run.id for run in side.runs[:1])
        bases = {
            request.experiment.data.fold: request
            for request in (store.find(run).require_request() for run in reversed(ids))
        }
        requests = tuple(
            repeated(base, seed) for seed in seeds for _, base in sorted(bases.items(), key=_fold)
        )
        check_data(requests[0])
        groups.append(requests)
        named.append(f"{len(requests)} of {side.experiment.name}")
        spent = spending(store, requests)
        if spent is not None:
            words.append(f"{side.experiment.name}: {spent.line}")
            words += [f"{spent.above_budget}."] if spent.above_budget is not None else []
    runs = sum(len(group) for group in groups)
    noun = "run" if runs == 1 else "runs"
    return MoreSeeds(
        title=f"launch {runs} more {noun}: {' and '.join(named)}?",
        words="\n".join(words),
        groups=tuple(groups),
    )


def _fold(item: tuple[int | None, RunRequest]) -> int:
    return item[0] or 0


def repeated(request: RunRequest, seed: int) -> RunRequest:
    """Return a request for the same run with another seed, whatever the registry has become since.

    Raises:
        ConfigError: the run is made from other runs, which have seeds of their own.
        UserError: its launcher refuses it.
    """
    if request.inputs:
        raise ConfigError(
            f"{request.run} is made from other runs; train these with more seeds, and combine them again"
        )
    experiment = request.experiment
    experiment = msgspec.structs.replace(
        experiment, training=msgspec.structs.replace(experiment.training, seed=seed)
    )
    limits = Limits(seconds=request.limits.seconds, cost_usd=request.limits.cost_usd)
    again = new_request(
        experiment,
        request.launcher,
        overrides=request.overrides,
        preset=request.preset,
        limits=limits,
    )
    again = msgspec.structs.replace(
        again, data=request.data, start=request.start, pseudo=request.pseudo
    )
    return launcher_named(again.launcher).prepare(again)
