"""Fixtures: a stand-in Modal for each test, and runs launched on it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from core.run.rundir import RunDir
from mabe_tui.launch.modal import calls as modal_calls
from mabe_tui.launch.modal import client as modal_client
from mabe_tui.launch.modal_launcher import ModalLauncher
from tests import command_line
from tests.loopback.helpers import fake_request
from tests.loopback.server import LoopbackServer

FAKE_JOB = Path(__file__).parent / "fake_job.py"
OVERLAY = {
    "core/job.py": FAKE_JOB,
    "core/training/probe.py": FAKE_JOB.with_name("fake_probe.py"),
}
MakeRun = Callable[..., RunDir]
Mabe = Callable[..., Result]
BUSY = 6
"""How many times as long the stand-in may take to answer, beside jobs on the same machine."""


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackServer]:
    """One stand-in control plane for all tests: a client keeps what it has uploaded in mind."""
    with LoopbackServer(tmp_path_factory.mktemp("cloud"), OVERLAY) as running:
        yield running


@pytest.fixture
def server(cloud: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """The control plane without faults; this process's Modal client talks to it and to nothing else."""
    for name, value in cloud.client_environment().items():
        monkeypatch.setenv(name, value)
    for module, name in ((modal_client, "HELLO_SECONDS"), (modal_calls, "STATE_SECONDS")):
        monkeypatch.setattr(module, name, BUSY * getattr(module, name))
    _forget()
    yield cloud
    cloud.reset()
    _forget()


def _forget() -> None:
    """Ask anew: what was answered, or was not, was another test's."""
    modal_client.forget_probe()
    modal_calls.forget_backoff()


@pytest.fixture
def launcher() -> ModalLauncher:
    return ModalLauncher()


@pytest.fixture
def make_run(tmp_path: Path, launcher: ModalLauncher) -> MakeRun:
    """Make a run that waits to be launched; ``plan`` tells the fake job what to do."""

    def make(epochs: int = 2, timeout: int = 3600, retries: int = 3, **plan: object) -> RunDir:
        request = launcher.prepare(fake_request(epochs, timeout, retries, **plan))
        run = RunDir(tmp_path / "home" / "runs" / request.run)
        run.write_request(request)
        return run

    return make


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def mabe(
    server: LoopbackServer, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Mabe:
    """Run one command in this process; errors of the user's making are raised."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MABE_HOME", str(home))
    monkeypatch.delenv("MABE_REGISTRY", raising=False)
    return command_line.mabe
