"""``mabe-tui``: errors before it takes over the screen, and the screens it opens."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from core.errors import ConfigError, RunError, UserError
from mabe_tui.cli.dashboard import command_of_a_tab, dashboard
from mabe_tui.cli.main import command_of
from mabe_tui.tui.app import MabeApp
from mabe_tui.tui.dashboard import Options
from tests.recorded import write_all

Invoke = Callable[..., Result]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """What the dashboard is opened with, in place of opening it."""
    options: list[Options] = []

    def run(self: MabeApp) -> None:
        options.append(self.options)

    monkeypatch.setattr(MabeApp, "run", run)
    monkeypatch.setenv("TEXTUAL_DRIVER", "none")  # as in a browser, where there is no terminal
    return options


def mabe_tui(*arguments: str) -> Any:
    return command_of(dashboard)(args=list(arguments), standalone_mode=False)


@pytest.fixture(autouse=True)
def places(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MABE_HOME", str(home))
    monkeypatch.setenv("MABE_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("MABE_REGISTRY", raising=False)


def test_options_reach_the_dashboard(opened: list[Options], home: Path) -> None:
    write_all(home)
    mabe_tui("--replay", "cc42", "--readonly", "--theme", "light", "--ascii", "--bell")
    assert opened == [
        Options(
            run="v6-20261120T130000-cc42", replay=True, readonly=True, theme="mabe-light",
            ascii_only=True, bell=True,
        )
    ]  # fmt: skip


def test_alone_it_opens_the_home_screen(opened: list[Options]) -> None:
    mabe_tui()
    assert opened == [Options()]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--theme", "pink"], ConfigError, "must be one of dark, light, colour-blind"),
        (["--replay"], ConfigError, "--replay: name a run"),
        (["zz99"], RunError, "no run 'zz99'"),
        (["--registry", "none.toml"], ConfigError, "no such registry"),
    ],
)
def test_what_it_refuses(
    opened: list[Options], home: Path, arguments: list[str], error: type[UserError], message: str
) -> None:
    write_all(home)
    with pytest.raises(error, match=message):
        mabe_tui(*arguments)
    assert not opened


def test_without_a_terminal_it_says_what_works_there() -> None:
    result = CliRunner().invoke(command_of(dashboard), [])
    assert isinstance(result.exception, ConfigError)
    assert "--serve needs none" in str(result.exception)


@pytest.mark.parametrize("port", [["--port", "9000"], ["--port=9000"], []])
def test_a_tab_is_started_with_all_but_what_serves(port: list[str]) -> None:
    command = command_of_a_tab(["--serve", *port, "--readonly", "--registry", "a b.toml", "last"])
    assert command.startswith("exec ")
    assert shlex.split(command)[4:] == ["--readonly", "--registry", "a b.toml", "last"]
