"""Estimate the cost of runs, and ask before exceeding the budget."""

import sys
from collections.abc import Sequence

from core.errors import ConfigError, UserError
from core.run.request import RunRequest
from core.run.rundir import RunDir
from mabe_tui.cli.terminal.output import say
from mabe_tui.launch.modal.handle import call_of
from mabe_tui.runs.launching.forecast import spending
from mabe_tui.runs.store import RunStore


def agree_on_cost(store: RunStore, requests: Sequence[RunRequest], yes: bool) -> None:
    """Report what rented runs will cost; ask for confirmation if that is above the budget.

    Args:
        store: earlier runs, for the estimate.
        requests: one per run.
        yes: do not ask.

    Raises:
        ConfigError: it is above the budget, and the user declines or cannot be asked.
    """
    spent = spending(store, requests)
    if spent is None:
        return
    say(spent.line)
    if spent.above_budget is not None:
        ask_first(spent.above_budget, yes)


def ask_first(why: str, yes: bool) -> None:
    """Ask whether to start anyway.

    Args:
        why: the reason for asking.
        yes: do not ask.

    Raises:
        ConfigError: the user declines or cannot be asked.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(f"{why}; --yes starts it all the same")
    print(f"{why}. Start? [y/N] ", end="", file=sys.stderr, flush=True)
    if not sys.stdin.readline().strip().lower().startswith("y"):
        raise ConfigError("not started")


def elsewhere_words(run: RunDir) -> str:
    """Return a note if a rented run is in another environment than the current one, else an empty string.

    Queries Modal once per process for the environment of the current profile.
    """
    call = call_of(run)
    if call is None or not call.place.environment:
        return ""
    from mabe_tui.launch.modal.place import here, words_of

    try:
        now = here()
    except UserError:  # the state is then unknown, and the reason has been reported
        return ""
    is_readable = call.place.has_same_account_as(now)
    differs = call.place.environment != now.environment
    return words_of(run, call.place, now) if is_readable and differs else ""


def rented_reference(run: RunDir) -> dict[str, str]:
    """Return the ids of a rented run's app and call, where it runs, and the page of its app.

    Empty for a local run; facts that older versions did not record are omitted.
    """
    call = call_of(run)
    if call is None:
        return {}
    named = {
        "app_id": call.app_id,
        "call_id": call.id,
        "workspace": call.place.workspace,
        "environment": call.place.environment,
        "app_url": call.app_url,
    }
    return {name: value for name, value in named.items() if value}
