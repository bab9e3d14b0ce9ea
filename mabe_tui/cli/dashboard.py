"""``mabe-tui``: the dashboard's own command."""

import sys
from typing import Annotated

import typer

from core.errors import ConfigError
from mabe_tui.cli.session import Session

THEMES = {
    "dark": "mabe-dark",
    "light": "mabe-light",
    "colour-blind": "mabe-colour-blind",
}


def dashboard(
    registry: Annotated[
        str | None,
        typer.Option(help="The experiments.toml to use; else $MABE_REGISTRY, else found upwards."),
    ] = None,
    readonly: Annotated[
        bool, typer.Option("--readonly", help="Without every key that changes anything.")
    ] = False,
    ascii_only: Annotated[
        bool, typer.Option("--ascii", help="Plain characters only, for old terminals and fonts.")
    ] = False,
    theme: Annotated[
        str | None, typer.Option(metavar="|".join(THEMES), help="Colours to start with.")
    ] = None,
    bell: Annotated[
        bool, typer.Option("--bell", help="Ring the bell when a run ends, stalls or breaks.")
    ] = False,
) -> None:
    """Experiments, live runs, comparisons and videos on one screen. Closing it stops nothing.

    NO_COLOR is respected.
    """
    if theme is not None and theme not in THEMES:
        raise ConfigError(f"--theme {theme}: must be one of {', '.join(THEMES)}")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("the dashboard needs a terminal; `mabe runs` and `mabe logs` need none")
    from mabe_tui.tui.app import MabeApp, Options  # late: textual takes 0.4 s

    options = Options(
        readonly=readonly,
        ascii_only=ascii_only,
        theme=THEMES[theme] if theme is not None else None,
        bell=bell,
    )
    session = Session(stated_registry=registry)
    _ = session.registry  # a broken registry is told before the screen is taken
    raise typer.Exit(MabeApp(session, options).run() or 0)
