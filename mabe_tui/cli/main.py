"""The entry points of the command line, and the reporting of errors.

Importing this must stay cheap: a command's module is loaded when it is called (see ``commands.py``), and
imports heavy packages (torch, pandas, pyarrow, modal, rich) inside its functions.
"""

import os
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import typer

from core.errors import MisuseError, UserError
from mabe_tui.cli.commands import COMMANDS, LazyCommands, command_named
from mabe_tui.cli.session import Session
from mabe_tui.cli.terminal import streams
from mabe_tui.cli.terminal.output import say

app = typer.Typer(
    name="mabe",
    cls=LazyCommands,
    help="Train versions of a mouse-behaviour classifier, watch them, and say which is better.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

INTERRUPTED = 130
INTERRUPTED_LINE = "mabe: interrupted"
MISUSED = 2
EXIT_SECONDS = 10.0
"""How long the ``modal`` package may take to close its connections once a command has ended."""
UsageError: Any = typer.BadParameter.__base__
"""click, which typer vendors under a private name that may change."""


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"mabe {version('mabe')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    registry: Annotated[
        str | None,
        typer.Option(
            help="The experiments.toml to use; default: $MABE_REGISTRY, else searched for upwards."
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks; works anywhere on the line.")
    ] = False,
) -> None:
    """Handle the options that precede the command."""
    del version, debug  # one acts while it is parsed, the other is looked up in run()
    context.obj = Session(stated_registry=registry)


def run() -> None:
    """Run ``mabe`` and exit: report errors in one line, with a traceback only with ``--debug``."""
    _leave(main())


def main() -> int:
    """Run ``mabe`` with the arguments of this process and return its exit code."""
    return _guarded(app, "mabe")


def run_dashboard() -> None:
    """Run ``mabe-tui`` with errors reported as in :func:`run`."""
    from mabe_tui.cli.dashboard import dashboard

    _leave(_guarded(command_of(dashboard), "mabe-tui"))


def _leave(code: int) -> NoReturn:
    """Exit with a code, within :data:`EXIT_SECONDS` even if the ``modal`` package does not let go.

    At exit the package waits for all of its coroutines, and one that ignores its cancellation, as some do
    after a Ctrl-C, would keep the process for ever. All output has been flushed by now.
    """
    if "modal" in sys.modules:
        end = threading.Timer(EXIT_SECONDS, os._exit, [code])
        end.daemon = True
        end.start()
    sys.exit(code)


def _guarded(command: Callable[..., Any], name: str) -> int:
    streams.prepare()
    try:
        return _answered(command, name)
    finally:
        streams.finish()


def _answered(command: Callable[..., Any], name: str) -> int:
    arguments = sys.argv[1:]
    debug = "--debug" in arguments or bool(os.environ.get("MABE_DEBUG"))
    if debug:
        os.environ["MABE_DEBUG"] = "1"  # for exceptions in threads
    else:
        _silence_libraries()
    try:
        code = _called(command, name, [argument for argument in arguments if argument != "--debug"])
        sys.stdout.flush()
        return code
    except streams.ReaderGoneError:
        return 0
    except UserError as error:
        if debug:
            raise
        say(f"{name}: {error}")
        return MISUSED if isinstance(error, MisuseError) else 1
    except KeyboardInterrupt:
        say(INTERRUPTED_LINE)
        return INTERRUPTED
    except Exception as error:  # the last resort: users get a sentence for any error
        if debug:
            raise
        say(
            f"{name}: unexpected {type(error).__name__}: {error}; run again with --debug for the traceback"
        )
        return 1
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else int(bool(exit_.code))


def _silence_libraries() -> None:
    """Hide libraries' warnings, which are meant for programmers; worker processes inherit this."""
    sys.warnoptions.append("ignore")  # what multiprocessing passes on
    warnings.simplefilter("ignore")


def _called(command: Callable[..., Any], name: str, arguments: list[str]) -> int:
    """Call the command and return its exit code, reporting misuse in one line instead of typer's panel."""
    try:
        code = command(args=arguments, prog_name=name, standalone_mode=False)
    except UsageError as error:
        say(_usage_line(error, name, arguments))
        return MISUSED
    except typer.Abort:  # at a prompt
        say(f"{name}: nothing was done")
        return 1
    if code == INTERRUPTED:  # Ctrl-C, which typer would catch
        say(INTERRUPTED_LINE)
    return code if isinstance(code, int) else 0


def command_of(function: Callable[..., None]) -> Callable[..., Any]:
    """Return a program that runs one function with the set-up of ``mabe``."""
    program = typer.Typer(
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    program.command()(function)
    return program


def _named(name: str, arguments: list[str]) -> str:
    """Return the command that the arguments name: typer does not say whose option lacks a value."""
    words = iter(arguments)
    command = next((word for word in words if word in COMMANDS), None) if name == "mabe" else None
    if command is None:
        return name
    commands = getattr(command_named(command), "commands", {})
    below = next((word for word in words if word in commands), None)
    return " ".join(filter(None, (name, command, below)))


def _usage_line(error: Any, name: str, arguments: list[str]) -> str:
    """Return a one-line message about misuse of a command, or its help if no arguments were given."""
    message: str = error.format_message().strip()
    command = error.ctx.command_path if error.ctx is not None else _named(name, arguments)
    if "\n" in message:  # the whole help
        return message
    return f"{command}: {message[:1].lower()}{message[1:].rstrip('.')}; see `{command} -h`"
