"""A run folder, and a launcher whose jobs only pretend."""

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.run.request import RunRequest
from core.run.rundir import RunDir, new_run_id
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.launch.local_launcher import LocalLauncher

FAKE_JOB = (sys.executable, str(Path(__file__).parent / "fake_job.py"))
MakeRun = Callable[..., RunDir]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home folder of the test's runs."""
    return tmp_path / "home"


@pytest.fixture
def make_run(home: Path) -> MakeRun:
    """Make a run folder; ``plan`` tells the fake job what to do."""

    def make(version: str = "v1", created: dt.datetime | None = None, **plan: Any) -> RunDir:
        created = created or dt.datetime.now(dt.UTC)
        run = RunDir(home / "runs" / new_run_id(version, created))
        request = RunRequest(
            run=run.id,
            created=created,
            launcher="local",
            seed=1,
            experiment=BehaviourExperiment(name=version),
        )
        run.write_request(request)
        if plan:
            (run.path / "fake.json").write_text(json.dumps(plan))
        return run

    return make


@pytest.fixture
def launcher(home: Path) -> Iterator[LocalLauncher]:
    """A launcher of fake jobs; none outlives the test."""
    yield LocalLauncher(FAKE_JOB)
    for process in psutil.process_iter(["cmdline"]):
        if any(str(home) in argument for argument in process.info["cmdline"] or []):
            process.kill()
