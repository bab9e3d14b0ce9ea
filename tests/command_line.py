"""Running one command in this process."""

import pytest
from typer.testing import CliRunner, Result

from mabe_tui.cli.main import app


def mabe(*arguments: str) -> Result:
    """Run ``mabe`` with these arguments; errors of the user's making are raised."""
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def on_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Make what :func:`mabe` prints go to a terminal."""
    monkeypatch.setattr("typer.testing._NamedTextIOWrapper.isatty", lambda _: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "dumb")  # no colours
