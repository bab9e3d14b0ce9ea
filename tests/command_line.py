"""Run a command in the test's own process."""

import pytest
from typer.testing import CliRunner, Result

from mabe_tui.cli.main import app


def mabe(*arguments: str) -> Result:
    """Run ``mabe`` with these arguments; user errors are raised."""
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def on_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Make the output of :func:`mabe` look as if it goes to a terminal."""
    monkeypatch.setattr("typer.testing._NamedTextIOWrapper.isatty", lambda _: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "dumb")  # no colours
