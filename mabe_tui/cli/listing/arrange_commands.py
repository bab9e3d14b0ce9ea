"""``mabe pin`` and ``views``: manage pins and saved views, shared with the dashboard."""

from typing import Annotated

import typer

from core.errors import ConfigError
from mabe_tui.cli.listing.runs_view import baseline_name
from mabe_tui.cli.session import Session, session_of
from mabe_tui.cli.terminal.output import JsonOption, print_json, print_table, say
from mabe_tui.runs.listing.view_state import SavedView, ViewState
from mabe_tui.runs.store import RunStore


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("pin")(pin)
    app.command("views")(views)


def pin(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[RUN|V]", help="A run or a version; without one, list the pins."),
    ] = None,
    baseline: Annotated[
        bool,
        typer.Option("--baseline", help="Make it the baseline that all others are compared with."),
    ] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the pin.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Pin a version or a run, or make it the baseline of `runs`, `list --measured` and the dashboard."""
    session = session_of(context)
    state = ViewState(session.home)
    if name is not None:
        _pin(state, _meant(session, name), baseline, remove)
    elif baseline and remove:
        state.set_baseline(None)
    elif baseline or remove:
        raise ConfigError("name a run or a version")
    kept = state.read()
    if as_json:
        print_json({"baseline": kept.baseline, "pinned": kept.pinned})
        return
    for pinned in kept.pinned:
        print(pinned)
    say(f"baseline: {kept.baseline or 'none'}; {len(kept.pinned)} pinned")


def _pin(state: ViewState, name: str, baseline: bool, remove: bool) -> None:
    if baseline:
        state.set_baseline(None if remove else name)
    elif remove:
        state.unpin(name)
    else:
        state.pin(name)


def _meant(session: Session, name: str) -> str:
    """Return a version, a run's id, or a pinned id whose run no longer exists.

    Raises:
        RunError: it is none of these.
    """
    if name in (*session.registry.versions, *ViewState(session.home).read().pinned):
        return name
    return str(baseline_name(RunStore(session.home), name))


def views(
    context: typer.Context,
    remove: Annotated[str | None, typer.Option(metavar="NAME", help="Remove this view.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the saved views; `mabe runs … --save NAME` saves one, `--view NAME` shows it."""
    state = ViewState(session_of(context).home)
    if remove is not None:
        state.remove_view(remove)
    kept = state.read().views
    if as_json:
        print_json(kept)
    elif not kept:
        say("no views yet; `mabe runs --where … --sort … --save NAME` makes one")
    else:
        rows = [
            [name, view.query or None, _order(view), " ".join(view.columns) or None]
            for name, view in kept.items()
        ]
        print_table(["view", "query", "order", "columns"], rows)


def _order(view: SavedView) -> str:
    direction = {None: "", True: " ↓", False: " ↑"}[view.descending]
    return f"{view.sort or 'created'}{direction}"
