"""What a run is going to cost, and asking before it costs more than a person wants to spend."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from core.errors import ConfigError
from core.rundir import Limits, RunDir, RunRequest
from mabe_tui.cli.output import duration, say
from mabe_tui.runs.start import Estimate, estimate
from mabe_tui.runs.store import RunStore

BudgetOption = Annotated[
    float | None,
    typer.Option(
        metavar="USD",
        help="Stop with a checkpoint when so much is spent, over all attempts.",
        min=0.01,
    ),
]
HOUR = 3600.0


def expected_seconds(request: RunRequest, guess: Estimate | None) -> tuple[float, str] | None:
    """Say how long a run may take, and by whose word; ``None`` where nobody knows."""
    if guess is not None:
        return guess.seconds, f"as {guess.from_run} did"
    reported = request.experiment.reported
    if reported is not None and reported.hours is not None:
        return reported.hours * HOUR, "as its documents claim"
    return None


def expected_cost(request: RunRequest, guess: Estimate | None) -> float | None:
    """Give the dollars a run may cost; ``None`` where nobody charges, or nobody knows."""
    expected, hourly = expected_seconds(request, guess), request.limits.usd_per_hour
    return None if expected is None or hourly is None else expected[0] / HOUR * hourly


def cost_line(request: RunRequest, guess: Estimate | None) -> str:
    """Spell the price an hour and the estimate for the run."""
    hourly = request.limits.usd_per_hour
    if hourly is None:
        return "no charge"
    expected, cost = expected_seconds(request, guess), expected_cost(request, guess)
    if expected is None or cost is None:
        return f"${hourly:.2f} an hour; no earlier run to estimate the whole by"
    return f"${hourly:.2f} an hour; about ${cost:.2f} for {duration(expected[0])}, {expected[1]}"


def limits_line(limits: Limits) -> str:
    """Spell what a run may use before it stops with a checkpoint."""
    said = []
    if limits.cost_usd is not None:
        said.append(f"${limits.cost_usd:.2f} over all attempts")
    if limits.seconds is not None:
        said.append(f"{duration(limits.seconds)} over all attempts")
    if limits.attempt_seconds is not None:
        said.append(f"{duration(limits.attempt_seconds)} an attempt")
    return ", ".join(said) or "–"


def agree_on_cost(store: RunStore, requests: Sequence[RunRequest], yes: bool) -> None:
    """Say what rented runs cost; ask where that is above the budget.

    Raises:
        ConfigError: it is above, and there is nobody to ask or the answer is no.
    """
    rented = [request for request in requests if request.limits.usd_per_hour is not None]
    for request in rented[:1]:
        guess = estimate(store, request)
        times = f"{len(rented)} runs, each " if len(rented) > 1 else ""
        say(f"{times}{cost_line(request, guess)}; limit: {limits_line(request.limits)}")
        cost, budget = expected_cost(request, guess), request.limits.cost_usd
        if cost is not None and budget is not None and cost > budget and not yes:
            _ask(f"the estimate, ${cost:.2f}, is above the budget of ${budget:.2f}")


def _ask(why: str) -> None:
    if not sys.stdin.isatty():
        raise ConfigError(f"{why}; --yes starts it all the same, and it stops at the budget")
    print(f"{why}; it would stop there. Start it? [y/N] ", end="", file=sys.stderr, flush=True)
    if not sys.stdin.readline().strip().lower().startswith("y"):
        raise ConfigError("not started")


def rented_reference(run: RunDir) -> dict[str, str]:
    """Give the ids under which a rented run can be found; none for one on this computer."""
    handle = run.read_handle()
    if handle is None:
        return {}
    return {
        name: str(value)
        for name, value in handle.reference.items()
        if name in ("app_id", "call_id")
    }
