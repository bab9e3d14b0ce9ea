"""Progress of long work, and its interruption by Ctrl-C."""

import sys
from collections.abc import Callable

import pytest
from typer.testing import Result

from mabe_tui.cli import main
from mabe_tui.cli.terminal.output import progress

Mabe = Callable[..., Result]


@pytest.mark.parametrize("words", ["vid[/b]", "[bold]vid", "[link=x]"])
def test_a_strangers_words_are_no_markup(
    words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress(f"reading {words}") as tell:
        tell(3, 5, words)
    shown = capsys.readouterr().err
    assert f"reading {words}" in shown
    assert f"3 of 5 {words}" in shown


def test_ctrl_c_promises_nothing_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["mabe", "predict"])
    assert main._guarded(interrupted, "mabe") == main.INTERRUPTED
    assert capsys.readouterr().err == "mabe: interrupted\n"


def test_ctrl_c_where_the_same_command_goes_on(
    invoke: Mabe, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.data import prepared

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(prepared, "prepare", interrupted)
    result = invoke("data", "prepare", "mice")
    assert result.exit_code == main.INTERRUPTED
    assert "the same command continues where it stopped" in result.stderr
