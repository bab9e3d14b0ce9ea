"""The ``mabe-tui`` command, which opens the dashboard."""

import os
import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import ConfigError
from core.run import places
from mabe_tui.cli.session import Session
from mabe_tui.cli.terminal.output import say
from mabe_tui.runs.store import RunStore

if TYPE_CHECKING:
    from mabe_tui.tui.settings import DashboardSettings

THEMES = {
    "dark": "mabe-dark",
    "light": "mabe-light",
    "colour-blind": "mabe-colour-blind",
}
SELF = "from mabe_tui.cli.main import run_dashboard; run_dashboard()"


def dashboard(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="Open this run; `last` is the latest.")
    ] = None,
    registry: Annotated[
        str | None,
        typer.Option(
            help="The experiments.toml to use; default: $MABE_REGISTRY, else searched for upwards."
        ),
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Replay the run from its beginning.")
    ] = False,
    readonly: Annotated[
        bool, typer.Option("--readonly", help="Disable every key that changes anything.")
    ] = False,
    ascii_only: Annotated[
        bool,
        typer.Option("--ascii", help="Use plain characters only, for old terminals and fonts."),
    ] = False,
    theme: Annotated[
        str | None, typer.Option(metavar="|".join(THEMES), help="Colours to start with.")
    ] = None,
    bell: Annotated[
        bool, typer.Option("--bell", help="Ring the bell when a run ends, stalls or fails.")
    ] = False,
    desktop: Annotated[
        bool, typer.Option("--notify", help="Notify the desktop when a run ends, stalls or fails.")
    ] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Serve the dashboard to a browser on this computer.")
    ] = False,
    port: Annotated[
        int, typer.Option(help="Port for --serve; 0 picks a free one.", min=0, max=65535)
    ] = 8000,
) -> None:
    """Show experiments, live runs, comparisons and videos. Closing it stops nothing.

    NO_COLOR is respected.
    """
    if theme is not None and theme not in THEMES:
        raise ConfigError(f"--theme {theme}: must be one of {', '.join(THEMES)}")
    if replay and run is None:
        raise ConfigError("--replay: name a run, as in `mabe-tui --replay last`")
    session = Session(stated_registry=registry)
    _ = session.registry  # report a broken registry before taking over the screen
    opened = RunStore(session.home).find(run).id if run is not None else None
    if serve:
        _serve(port)
        return
    in_browser = "TEXTUAL_DRIVER" in os.environ
    streams = (sys.stdin, sys.stdout, sys.stderr)  # the dashboard is drawn on standard error
    if not in_browser and not all(stream.isatty() for stream in streams):
        raise ConfigError(
            "the dashboard needs a terminal; --serve needs none, nor do `mabe runs` and `mabe logs`"
        )
    settings = _settings()  # before the screens, whose classes hold their keys
    from mabe_tui.tui.app import MabeApp  # imported late: textual takes 0.4 s
    from mabe_tui.tui.dashboard import Options
    from mabe_tui.tui.garbage import look_seldom_for_garbage

    options = Options(
        run=opened,
        replay=replay,
        readonly=readonly,
        ascii_only=ascii_only,
        theme=THEMES[theme] if theme is not None else THEMES.get(settings.theme or ""),
        colours=settings.colours,
        bell=bell,
        desktop=desktop,
    )
    look_seldom_for_garbage()
    raise typer.Exit(MabeApp(session, options).run() or 0)


def _settings() -> "DashboardSettings":
    """Read the settings file, and put its keys into the key table.

    Raises:
        ConfigError: it is damaged; names the line or key.
    """
    from mabe_tui.tui.keys import KEYS
    from mabe_tui.tui.settings import read_settings, rebound

    found = read_settings(places.settings(), KEYS)
    KEYS.update(rebound(KEYS, found.keys))
    return found


def _serve(port: int) -> None:
    """Serve this command, without its serving options, to browsers."""
    from mabe_tui.tui.serve import DashboardServer  # imported late: aiohttp is slow to import

    server = DashboardServer(command_of_a_tab(sys.argv[1:]), port)
    print(server.address, flush=True)
    say("open it in a browser of this computer; each tab is a dashboard of its own; Ctrl-C ends")
    server.run()


def command_of_a_tab(arguments: list[str]) -> str:
    """Return the shell command line for the process of one browser tab."""
    kept, skip = [], False
    for argument in arguments:
        if not (skip or argument == "--serve" or argument.startswith("--port")):
            kept.append(argument)
        skip = argument == "--port"
    return "exec " + shlex.join([sys.executable, "-c", SELF, *kept])
