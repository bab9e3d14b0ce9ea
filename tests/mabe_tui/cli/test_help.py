"""The help of every command on a terminal of 80 columns."""

import pytest

from mabe_tui.cli.commands import COMMANDS, command_named
from tests.command_line import mabe

HEADINGS = ("Usage: ", "Options:", "Arguments:", "Commands:")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_indented_and_fits(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    below = getattr(command_named(command), "commands", {})
    for names in [(command,), *((command, name) for name in below)]:
        lines = [line for line in mabe(*names, "-h").stdout.splitlines() if line]
        assert max(map(len, lines)) <= 80
        assert [line for line in lines if not line.startswith((" ", *HEADINGS))] == []


def test_the_list_of_commands_has_each_once_in_a_column() -> None:
    lines = mabe("--help").stdout.split("\nVersions:\n")[1].splitlines()
    named = [line for line in lines if line.startswith("  ")]
    assert [line.split()[0] for line in named] == [*COMMANDS]
    assert (
        len(
            {
                len(line) - len(line[2:].lstrip("abcdefghijklmnopqrstuvwxyz-").lstrip())
                for line in named
            }
        )
        == 1
    )
