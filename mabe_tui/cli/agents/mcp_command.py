"""``mabe mcp``: tools for agents."""

import asyncio
from typing import Annotated

import typer

from core.errors import MisuseError, UserError
from mabe_tui.cli.options import finite
from mabe_tui.cli.session import session_of

BUDGET_USD = 10.0


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("mcp")(mcp)


def mcp(
    context: typer.Context,
    allow_changes: Annotated[
        bool, typer.Option("--allow-changes", help="Also let agents start and stop runs.")
    ] = False,
    budget: Annotated[
        float | None,
        typer.Option(
            metavar="USD",
            help="With --allow-changes: the most that the budgets of the runs it starts may come to.",
            show_default=f"{BUDGET_USD:g}",
            min=0.01,
            callback=finite,
        ),
    ] = None,
) -> None:
    """Serve tools to an agent over the Model Context Protocol, on standard input and output.

    They list and show versions and runs, return curves and logs, and compare, as the commands with
    --json do. Nothing can be changed unless --allow-changes is given; a run is then started only with a
    budget and a time limit. Needs the package mcp (pip install 'mabe[mcp]').
    """
    if budget is not None and not allow_changes:
        raise MisuseError("--budget is for --allow-changes")
    try:
        from mabe_tui.cli.agents.server import serve, server_of
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "mcp":
            raise
        raise UserError("the package mcp is not installed; `pip install 'mabe[mcp]'`") from error
    from mabe_tui.cli.agents.allowance import Allowance

    session = session_of(context)
    allowance = Allowance(allow_changes, budget or BUDGET_USD)
    asyncio.run(serve(server_of(allowance, session.stated_registry)))
