"""Look-up of launchers by name, and the contract that all of them keep."""

import pytest

from core.errors import UserError
from mabe_tui.launch.launcher import RunState, launcher_named, launcher_names
from mabe_tui.launch.local_launcher import LocalLauncher


def test_every_launcher_file_gives_a_launcher_of_its_name() -> None:
    assert "local" in launcher_names()
    for name in launcher_names():
        assert launcher_named(name).name == name
    assert isinstance(launcher_named("local"), LocalLauncher)


def test_unknown_launcher_names_the_nearest() -> None:
    with pytest.raises(UserError, match="no launcher 'locl'; did you mean 'local'"):
        launcher_named("locl")


def test_alive_states() -> None:
    alive = {state.value for state in RunState if state.is_alive}
    assert alive == {"queued", "running", "stopping"}
