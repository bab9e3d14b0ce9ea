from collections.abc import Callable, Iterator
from typing import Any

import pytest
import typer
from typer.testing import Result

from core.errors import ConfigError
from mabe_tui.cli.commands import COMMANDS, command_named
from mabe_tui.cli.main import app

Mabe = Callable[..., Result]
ROOT = typer.main.get_command(app)
CONTEXT = typer.Context(ROOT)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_where_the_table_says(name: str) -> None:
    command = ROOT.get_command(CONTEXT, name)
    assert command.name == name
    assert command.help


def test_an_unknown_command_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'compare'"):
        ROOT.get_command(CONTEXT, "compair")


def test_no_summary_of_a_data_command_is_cut(invoke: Mabe) -> None:
    listed = invoke("data", "-h").stdout.split("Commands:")[1].strip().splitlines()
    assert len(listed) == len(command_named("data").commands)
    assert not [line for line in listed if line.endswith("...") or len(line) > 80]


def test_no_option_takes_what_is_not_a_number() -> None:
    def floats(command: Any) -> Iterator[tuple[Any, Any]]:
        for inner in getattr(command, "commands", {}).values():
            yield from floats(inner)
        for option in command.params:
            if "float" in type(option.type).__name__.lower():
                yield command, option

    found = [each for name in COMMANDS for each in floats(ROOT.get_command(CONTEXT, name))]
    assert len(found) > 8
    for command, option in found:
        for value in ("nan", "inf"):
            with pytest.raises(typer.BadParameter):
                option.process_value(typer.Context(command), value)
                pytest.fail(f"{command.name} {option.opts[0]} takes {value}")
