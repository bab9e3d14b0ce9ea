"""Forecast of a run before it starts: its settings, inputs, duration and cost."""

from collections.abc import Sequence

import msgspec

from core.config.registry import Registry
from core.run.limits import HOUR, Limits
from core.run.request import RunRequest
from mabe_tui.launch.launcher import Quote, launcher_named
from mabe_tui.runs.format.settings import differences
from mabe_tui.runs.format.units import duration, short_duration
from mabe_tui.runs.launching.estimate import Estimate, estimate
from mabe_tui.runs.store import RunStore


class Changed(msgspec.Struct, frozen=True):
    """A setting that differs from the registry."""

    key: str
    registry: object
    run: object


class DryRun(msgspec.Struct, frozen=True, kw_only=True):
    """The forecast of a run, as ``mabe run --dry-run --json`` prints it."""

    request: RunRequest
    quote: Quote
    estimate: Estimate | None
    """Estimate from an earlier run; ``None`` if there is none."""
    data: str
    """The estimate in words."""
    cost_usd: float | None
    """Expected cost of the whole run; ``None`` if it is free or unknown."""
    changed: tuple[Changed, ...]
    """Settings changed by preset, overrides, seed and data."""


def dry_run(registry: Registry, store: RunStore, request: RunRequest, data: str) -> DryRun:
    """Forecast one run. Starts nothing, writes nothing.

    Args:
        registry: the registry that holds its version.
        store: earlier runs to estimate from.
        request: the run as the user asked for it.
        data: the result of :func:`~mabe_tui.runs.launching.run_requests.check_data`.

    Raises:
        UserError: the run cannot start there; says why.
    """
    guess, own = estimate(store, request), request.experiment
    return DryRun(
        request=request,
        quote=launcher_named(request.launcher).quote(request),
        estimate=guess,
        data=data,
        cost_usd=expected_cost(request, guess),
        changed=tuple(Changed(*each) for each in differences(registry.experiment(own.name), own)),
    )


def described(foreseen: DryRun) -> dict[str, str]:
    """Describe a dry run: label → text."""
    request, quote, guess = foreseen.request, foreseen.quote, foreseen.estimate
    time = "no earlier run of this version here to go by"
    if guess is not None:
        each = short_duration(guess.seconds_per_epoch)
        time = f"{duration(guess.seconds)} at most, at {each} an epoch as in {_run_of(guess)}"
    warnings = {"warning": "; ".join(quote.warnings)} if quote.warnings else {}
    return {
        "version": request.experiment.name,
        "preset": request.preset or "none",
        "seed": str(request.seed),
        "data": foreseen.data,
        "on": f"{quote.launcher}: {quote.machine}, {price_line(request.limits)}",
        **warnings,
        "estimate": time,
        "cost": cost_line(request, guess),
        "limit": limits_line(request.limits),
        "command": " ".join(quote.command).replace(request.run, "RUN"),
    }


def expected_seconds(request: RunRequest, guess: Estimate | None) -> tuple[float, str] | None:
    """Say how long a run may take, and what the estimate is based on; ``None`` if unknown."""
    if guess is not None:
        return guess.seconds, f"as {_run_of(guess)} did"
    reported = request.experiment.reported
    if reported is not None and reported.hours is not None:
        other = any(text.startswith("hardware.gpu") for text in request.overrides)
        return reported.hours * HOUR, "as its documents claim" + " of another GPU" * other
    return None


def _run_of(guess: Estimate) -> str:
    """Name the run that an estimate is based on, and its GPU if it had a different one."""
    return guess.from_run + (f" on {guess.other_gpu}" if guess.other_gpu is not None else "")


def expected_cost(request: RunRequest, guess: Estimate | None) -> float | None:
    """Return the dollars that a run may cost; ``None`` if it is free or unknown."""
    expected = expected_seconds(request, guess)
    return None if expected is None else request.limits.cost_of(expected[0])


def cost_line(request: RunRequest, guess: Estimate | None) -> str:
    """Describe the hourly price and the estimate for the run."""
    limits, hourly = request.limits, price_line(request.limits)
    if limits.usd_per_hour is None:
        return hourly
    expected, cost = expected_seconds(request, guess), expected_cost(request, guess)
    if expected is None or cost is None:
        return f"{hourly}; no earlier run to estimate the whole by"
    about = f"${cost:.2f}"
    if (least := limits.least_usd_per_hour) is not None and least < limits.usd_per_hour:
        about = f"${least * expected[0] / HOUR:.2f} to {about}"
    return f"{hourly}; about {about} for {duration(expected[0])}, {expected[1]}"


def price_line(limits: Limits) -> str:
    """Describe the machine's hourly price: a range if it depends on which GPU is allocated."""
    if limits.unpriced:
        return f"no price is known for {', '.join(limits.unpriced)}"
    if limits.usd_per_hour is None:
        return "no charge"
    least = limits.least_usd_per_hour
    if least is None or least == limits.usd_per_hour:
        return f"${limits.usd_per_hour:.2f} an hour"
    return f"${least:.2f} to ${limits.usd_per_hour:.2f} an hour, by the GPU that it gets"


def limits_line(limits: Limits) -> str:
    """Describe the limits at which a run stops with a checkpoint."""
    said = []
    if limits.cost_usd is not None:
        said.append(f"${limits.cost_usd:.2f} over all attempts")
    if limits.seconds is not None:
        said.append(f"{duration(limits.seconds)} over all attempts")
    if limits.attempt_seconds is not None:
        said.append(f"{duration(limits.attempt_seconds)} an attempt")
    return ", ".join(said) or "–"


class Spending(msgspec.Struct, frozen=True, kw_only=True):
    """The cost of starting rented runs."""

    line: str
    """Price, estimate and limit, of all runs together and of each."""
    above_budget: str | None
    """The question that :func:`above_budget` returns, to be asked before anything starts."""


def spending(store: RunStore, requests: Sequence[RunRequest]) -> Spending | None:
    """Describe the cost of rented runs; ``None`` if none is charged for.

    Args:
        store: earlier runs to estimate from.
        requests: runs that cost the same.
    """
    rented = [request for request in requests if request.limits.is_rented]
    if not rented:
        return None
    request, guess = rented[0], estimate(store, rented[0])
    cost, runs = expected_cost(request, guess), len(rented)
    line = f"{cost_line(request, guess)}; limit: {limits_line(request.limits)}"
    return Spending(
        line=f"{_in_all(runs, cost)}each {line}" if runs > 1 else line,
        above_budget=above_budget(request, cost, runs),
    )


def _in_all(runs: int, cost_usd: float | None) -> str:
    return f"{runs} runs, " + ("" if cost_usd is None else f"about ${runs * cost_usd:.2f} in all: ")


def above_budget(request: RunRequest, cost_usd: float | None, runs: int = 1) -> str | None:
    """Say that runs may exceed the budget, which limits each run, or that their cost is unknown.

    Args:
        request: one of the runs, whose settings they share.
        cost_usd: expected cost of one run; ``None`` if unknown.
        runs: number of runs.

    Returns:
        ``None`` if there is nothing to ask about.
    """
    if request.limits.unpriced:
        return f"{price_line(request.limits)}, so what this costs is not known"
    budget = request.limits.cost_usd
    if cost_usd is None or budget is None or runs * cost_usd <= budget:
        return None
    above = f"${runs * cost_usd:.2f}, is above the budget of ${budget:.2f}"
    if runs == 1:
        return f"the estimate, {above}: it would stop there"
    return f"the estimate for all {runs} runs, {above}, which is a limit of each run"
