"""Running one command in this process."""

from typer.testing import CliRunner, Result

from mabe_tui.cli.main import app


def mabe(*arguments: str) -> Result:
    """Run ``mabe`` with these arguments; errors of the user's making are raised."""
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
