"""What a run is going to cost, and asking before it costs more than a person wants to spend."""

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
    """Say what rented runs cost; ask where that is above the budget.

    Args:
        store: earlier runs to go by.
        requests: one a run.
        yes: ask nobody.

    Raises:
        ConfigError: it is above, and there is nobody to ask or the answer is no.
    """
    spent = spending(store, requests)
    if spent is None:
        return
    say(spent.line)
    if spent.above_budget is not None:
        ask_first(spent.above_budget, yes)


def ask_first(why: str, yes: bool) -> None:
    """Ask whether to start something all the same.

    Args:
        why: it should be asked.
        yes: ask nobody.

    Raises:
        ConfigError: there is nobody to ask, or the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(f"{why}; --yes starts it all the same")
    print(f"{why}. Start? [y/N] ", end="", file=sys.stderr, flush=True)
    if not sys.stdin.readline().strip().lower().startswith("y"):
        raise ConfigError("not started")


def elsewhere_words(run: RunDir) -> str:
    """Say that a rented run is in another environment than the current one; empty where it is not.

    Asks Modal, once in a process, where the current profile leads.
    """
    call = call_of(run)
    if call is None or not call.place.environment:
        return ""
    from mabe_tui.launch.modal.place import here, words_of

    try:
        now = here()
    except UserError:  # then the state is unknown, and why has been said
        return ""
    is_readable = call.place.has_same_account_as(now)
    differs = call.place.environment != now.environment
    return words_of(run, call.place, now) if is_readable and differs else ""


def rented_reference(run: RunDir) -> dict[str, str]:
    """Return the ids under which a rented run can be found, where it is, and its app's page.

    Empty for a run on this computer; what an older version did not note is left out.
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
