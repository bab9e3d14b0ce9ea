"""How many more seeds, hours and dollars would settle a verdict that is undecided."""

import shlex
from collections.abc import Sequence
from itertools import count, islice

import msgspec

from core.run.request import RunRequest
from mabe_tui.runs.comparison.found import Found, repeat_digest
from mabe_tui.runs.comparison.judgement import Settling, Verdict
from mabe_tui.runs.comparison.sides import Side, mean_over_runs
from mabe_tui.runs.comparison.verdict_words import signed
from mabe_tui.runs.comparison.yardstick import Yardstick
from mabe_tui.runs.format.units import duration
from mabe_tui.runs.store import RunEntry, RunStore


def with_settling(
    verdict: Verdict,
    sides: tuple[Side, Side],
    found: tuple[Found, Found],
    store: RunStore,
    by: Yardstick,
) -> Verdict:
    """Complete a verdict by what it would take to settle it, with its price, if that can be said.

    Args:
        verdict: on the second side against the first.
        sides: the two.
        found: the runs of each.
        store: all runs, whose seeds are taken.
        by: the metric and its task.
    """
    from core.evaluation.planning import POWER  # numpy: already imported for the verdict

    if any(each.entries[0].require_request().is_combined for each in found):
        return msgspec.structs.replace(verdict, settling=None)
    settling = verdict.settling
    if settling is None:
        if verdict.distinguishable is not None or _is_one_version(found):
            return verdict
        settling = Settling(power=POWER, more_seeds=(1, 1))
    more = settling.more_seeds or (0, 0)
    ordered = [_unused_seeds(each, store, n) for each, n in zip(found, more, strict=True)]
    settling = msgspec.structs.replace(
        settling,
        seconds=_total(sides, more, "elapsed_seconds"),
        cost_usd=_total(sides, more, "cost_usd"),
        seeds=(ordered[0], ordered[1]),
        commands=tuple(
            command_for(each.entries[0].require_request(), seeds)
            for each, seeds in zip(found, ordered, strict=True)
            if seeds
        ),
    )
    settling = msgspec.structs.replace(settling, sentence=settled_by(verdict, settling, by))
    return msgspec.structs.replace(verdict, settling=settling)


def _is_one_version(found: tuple[Found, Found]) -> bool:
    """Return whether two single runs differ in the seed alone, so that there is nothing to settle."""
    first, second = (repeat_digest(each.entries[0]) for each in found)
    return first == second


def _unused_seeds(found: Found, store: RunStore, wanted: int) -> tuple[int, ...]:
    """Return the smallest seeds from 1 that no run of the version here has."""
    if not wanted:
        return ()
    version = found.entries[0].version
    used = {_seed(entry) for entry in store.entries() if entry.version == version}
    return tuple(islice((seed for seed in count(1) if seed not in used), wanted))


def _seed(entry: RunEntry) -> int | None:
    return None if entry.request is None else entry.request.seed


def _total(sides: tuple[Side, Side], more: tuple[int, int], field: str) -> float | None:
    """Add up what the further runs of both sides take, as their runs did on average."""
    total = 0.0
    for side, seeds in zip(sides, more, strict=True):
        if seeds:
            each = mean_over_runs(side, field)
            if each is None:
                return None
            total += each * seeds * (side.folds or 1)
    return total or None


def command_for(request: RunRequest, seeds: Sequence[int]) -> str:
    """Return the command that trains a run's version again, as that run was started, with other seeds."""
    words = ["mabe", "run", request.experiment.name, "--seeds", ",".join(map(str, seeds))]
    words += ["--on", request.launcher]
    words += ["--data", request.data] if request.data is not None else []
    words += ["--preset", request.preset] if request.preset else []
    if (folds := request.experiment.data.folds) is not None:
        words += ["--folds", str(folds)]
    words += [word for text in request.overrides for word in ("--set", text)]
    return shlex.join(words)


def settled_by(verdict: Verdict, settling: Settling, by: Yardstick) -> str:
    """Say what would settle the verdict, or that nothing would be expected to."""
    from core.evaluation.paired import FEWEST_UNITS
    from core.evaluation.planning import MOST_SEEDS, ROUNDING

    difference, error = verdict.difference or 0.0, settling.error
    many = by.unit.many
    if error is None:
        return (
            "undecided: one seed each shows no spread over seeds; 1 more seed of each"
            f"{_price(settling)} is the least that a verdict needs"
        )
    if abs(difference) <= ROUNDING:
        return (
            "undecided: they score the same; no number of seeds would be expected to settle"
            " which is better"
        )
    size, power = signed(difference), f"{100 * settling.power:.0f} % power"
    doubt = ""
    if abs(difference) < error:
        doubt = (
            f"; it is below its own error (± {error:.3f}), and if the two are equal,"
            " no number of seeds settles it"
        )
    if settling.more_seeds is None:
        on = f"no number of seeds up to {MOST_SEEDS} each would be expected to settle {size}"
        if settling.more_videos is None and verdict.first_seeds + verdict.second_seeds < 3:
            if (verdict.videos or 0) < FEWEST_UNITS:
                on = f"a verdict needs at least {FEWEST_UNITS} {many}, and several seeds of a side"
            return f"undecided: {on}{doubt}"  # what more of them would do is not known of two runs
        if settling.more_videos is None:
            return f"undecided: {on}, nor would more {many}{doubt}"
        return f"undecided: {on}; {settling.more_videos:,} more {many} would with {power}{doubt}"
    or_units = f" (or {settling.more_videos:,} more {many})" if settling.more_videos else ""
    return (
        f"undecided: {_seeds(verdict, settling.more_seeds)}{or_units} would settle {size}"
        f" with {power}{_price(settling)}{doubt}"
    )


def _seeds(verdict: Verdict, more: tuple[int, int]) -> str:
    """Say which seeds are needed: ``3 more seeds of each``, ``3 more seeds of v6``."""
    first, second = more
    if first == second:
        return f"{first} more {_noun(first)} of each"
    parts = zip(more, (verdict.first, verdict.second), strict=True)
    first_named, *rest = [(n, name) for n, name in parts if n]
    words = f"{first_named[0]} more {_noun(first_named[0])} of {first_named[1]}"
    return words + "".join(f" and {n} of {name}" for n, name in rest)


def _noun(seeds: int) -> str:
    return "seed" if seeds == 1 else "seeds"


def _price(settling: Settling) -> str:
    """Return ``, about $1.20 and 2h 10m``, as far as both are known."""
    parts = [f"${settling.cost_usd:.2f}"] if settling.cost_usd is not None else []
    parts += [duration(settling.seconds)] if settling.seconds is not None else []
    return f", about {' and '.join(parts)}" if parts else ""
