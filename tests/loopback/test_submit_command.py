"""The whole road to a score on stand-ins: a run, `mabe submit`, the notebook as it is, the submission."""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import job
from core.config.registry import default_path, load
from core.data.competition import read_videos
from core.errors import CheckpointError, UserError
from core.evaluation.competition import score
from core.postprocess.rules import Rules
from core.postprocess.store import write_rules
from core.run.rundir import RunDir
from core.submission.reading import read_submission, read_truth
from mabe_tui.kaggle_io.check import problems_of
from mabe_tui.kaggle_io.wheels import PACKAGES
from mabe_tui.launch.requirements import declared
from mabe_tui.runs.launching.run_requests import new_request
from tests.command_line import mabe
from tests.competition_folder import competition_folder
from tests.loopback.kaggle_machine import KaggleMachine, notebook_of, wheel_of
from tests.loopback.kaggle_site import Ran, Site, kaggle_site

TINY = [
    "model.width=8",
    "model.layers=1",
    "data.window=64",
    "training.epochs=1",
    "training.warmup_epochs=0",
    "training.batch_size=8",
    "training.windows_per_epoch=16",
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return competition_folder(tmp_path_factory.mktemp("competition") / "mice")


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    home = tmp_path_factory.mktemp("home")
    experiment = load(default_path()).experiment("v8", [*TINY, "data.source=competition"])
    request = new_request(experiment, "local", data=data)
    run = RunDir(home / "runs" / request.run)
    run.write_request(request)
    assert job.main([str(run.path)]) == 0
    write_rules(run, "mine", Rules.constant(0.2))
    return run


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for package in ("msgspec", "tomli-w"):
        wheel_of(package, folder)
    return folder


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trained: RunDir) -> Iterator[Site]:
    monkeypatch.setenv("MABE_HOME", str(trained.path.parents[1]))
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "TEST")
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("KAGGLE_USERNAME", "me")
    monkeypatch.setenv("KAGGLE_KEY", "s3cret")
    monkeypatch.delenv("KAGGLE_API_TOKEN", raising=False)
    with kaggle_site(Site()) as site:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        yield site


def test_from_a_run_to_a_score(
    site: Site, data: Path, trained: RunDir, wheels: Path, tmp_path: Path
) -> None:
    printed: list[str] = []

    def run(body: dict[str, Any], files: dict[str, bytes]) -> Ran:
        machine = KaggleMachine(tmp_path / "machine", lacking=("msgspec", "tomli_w"))
        slug = body["datasetDataSources"][0].partition("/")[2]
        machine.attach(slug, files)
        (machine.input / "mice").symlink_to(data)
        done = machine.run(body["text"])
        printed.append(done.stdout)
        assert done.returncode == 0, done.stdout
        output = {"submission.csv": (machine.working / "submission.csv").read_bytes()}
        site.scored["publicScore"] = str(score_of(machine.working / "submission.csv", data))
        return Ran(files=output, log=json.dumps([{"data": done.stdout}]))

    site.run = run
    command = ["submit", "v8", "--competition", "mice", "--wheels", str(wheels), "--poll", "0"]
    command += ["--data", str(data), "--rules", "mine", "--no-gpu", "-m", "a try", "--json"]
    record = json.loads(mabe(*command).stdout)
    assert "missing here: msgspec, tomli-w" in printed[0]
    assert record["status"] == "COMPLETE"
    folder = trained.path / "submission" / record["digest"]
    assert problems_of(folder / "submission.csv") == []
    assert problems_of(folder / "submission.csv", data) == []
    assert 0 <= record["public_score"] == score_of(folder / "submission.csv", data)
    assert "v8" in (folder / "log.txt").read_text()
    assert site.submissions[0]["description"].startswith("a try [mabe ")
    assert "rules.toml" in site.datasets[record["slug"]][0]
    pushed = site.kernels[record["slug"]][0].body
    assert (pushed["enableInternet"], pushed["enableGpu"]) == (False, False)

    calls = len(site.calls)
    again = mabe(*command)
    assert "submitted before" in again.stderr
    assert json.loads(again.stdout) == record
    assert len(site.calls) == calls
    assert json.loads(mabe(*command, "--again").stdout)["attempt"] == 2
    assert len(site.submissions) == 2
    assert len(site.kernels[record["slug"]]) == len(site.datasets[record["slug"]]) == 1


@pytest.mark.parametrize("with_data", [False, True])
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["0,VIDEO,PAIR,ONE,5,4"], "start"),
        (["0,VIDEO,PAIR,ONE,0,9", "1,VIDEO,PAIR,OTHER,5,9"], "frame"),
        (["0,,PAIR,ONE,0,9"], "missing|video_id is empty"),
        ([], "no rows|is empty"),
    ],
)
def test_what_is_rejected_is_found_with_data_and_without(
    tmp_path: Path, data: Path, rows: list[str], words: str, with_data: bool
) -> None:
    video = next(v for v in read_videos(data) if len({b.action for b in v.behaviors}) > 1)
    pairs = [(b.agent, b.target) for b in video.behaviors]
    agent, target = next(pair for pair in pairs if pairs.count(pair) > 1 and pair[0] != pair[1])
    one, other, *_ = (b.action for b in video.behaviors if (b.agent, b.target) == (agent, target))
    text = "\n".join(
        ["row_id,video_id,agent_id,target_id,action,start_frame,stop_frame", *rows, ""]
    )
    text = text.replace("VIDEO", video.video_id).replace("PAIR", f"mouse{agent},mouse{target}")
    path = tmp_path / "submission.csv"
    path.write_text(text.replace("ONE", one).replace("OTHER", other))
    problems = problems_of(path, data if with_data else None)
    assert any(re.search(words, each) for each in problems), problems


def score_of(path: Path, data: Path) -> float:
    return score(read_truth(data).table, read_submission(path)).score


def test_a_dry_run_writes_all_and_pushes_nothing(site: Site, wheels: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dry"
    command = ["submit", "v8", "v8", "--competition", "mice", "--wheels", str(wheels)]
    shown = mabe(*command, "--dry-run", str(folder))
    assert site.calls == []
    assert {Path(line) for line in shown.stdout.splitlines()} == {
        path for path in folder.rglob("*") if path.is_file()
    }
    assert "dry run: nothing was pushed" in shown.stderr
    assert b"s3cret" not in b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())
    with zipfile.ZipFile(folder / "dataset" / "core.zip") as archive:
        assert {"core/predict_job.py", "core/py.typed", "core/experiments.toml"} <= {
            *archive.namelist()
        }
    metadata = json.loads((folder / "kernel" / "kernel-metadata.json").read_text())
    assert (metadata["enable_internet"], metadata["machine_shape"]) == (False, "NvidiaTeslaT4")
    with pytest.raises(UserError, match="name a new folder"):
        mabe(*command, "--dry-run", str(folder))


def test_what_cannot_be_submitted_is_said_before_anything_is_pushed(
    site: Site, trained: RunDir, wheels: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    command = ["submit", "v8", "--wheels", str(wheels)]
    with pytest.raises(UserError, match="has no post-processing 'default'; it has mine"):
        mabe(*command, "--rules", "default")
    with pytest.raises(UserError, match="has no wheels"):
        mabe("submit", "v8", "--wheels", str(tmp_path))
    pointer = trained.read_pointer("best")
    assert pointer is not None
    weights = trained.checkpoints / pointer.file
    content = weights.read_bytes()
    weights.unlink()
    weights.write_bytes(content[:-1])
    with pytest.raises(CheckpointError):
        mabe(*command)
    weights.unlink()
    with pytest.raises(UserError, match="is not here; its file was removed"):
        mabe(*command)
    weights.write_bytes(content)
    monkeypatch.delenv("KAGGLE_KEY")
    with pytest.raises(UserError, match="no Kaggle credentials: make a token"):
        mabe(*command)
    assert site.calls == []


def test_the_first_cells_say_what_is_missing(site: Site, wheels: Path, tmp_path: Path) -> None:
    others = tmp_path / "wheels"
    others.mkdir()
    for wheel in wheels.glob("msgspec-*"):  # for a Python that the machine has not
        (others / wheel.name.replace("-cp3", "-cp2")).write_bytes(wheel.read_bytes())
    command = ["submit", "v8", "--wheels", str(others), "--name", "my-mice"]
    mabe(*command, "--competition", "mice", "--dry-run", str(tmp_path / "dry"))
    files = {path.name: path.read_bytes() for path in (tmp_path / "dry/dataset").iterdir()}
    notebook = (tmp_path / "dry/kernel/notebook.ipynb").read_text()
    machine = KaggleMachine(tmp_path / "machine", lacking=("msgspec",))
    assert "input: no my-mice with bundle.json; is it attached" in machine.run(notebook).stdout
    machine.attach("my-mice", files)
    assert "input: no mice with test.csv; is it attached" in machine.run(notebook).stdout
    (machine.input / "mice").mkdir()
    (machine.input / "mice/test.csv").touch()
    printed = machine.run(notebook).stdout
    assert "missing here: msgspec\n" in printed
    assert "no wheel for this Python of msgspec; wheels here: msgspec-" in printed
    machine.attach("my-mice", {"bundle.json": b'{"digest": "old"}'})
    assert "not the version that this notebook was made for" in machine.run(notebook).stdout


def test_the_machine_has_no_network_and_no_mabe(tmp_path: Path) -> None:
    machine = KaggleMachine(tmp_path / "machine")
    for cell, words in {
        "import socket; socket.create_connection(('192.0.2.1', 80))": "no network here",
        "import socket; socket.create_connection(('kaggle.com', 80))": "no network here",
        "import core": "No module named 'core'",
        "import mabe_tui": "No module named 'mabe_tui'",
    }.items():
        done = machine.run(notebook_of([cell]))
        assert (done.returncode, words in done.stdout) == (1, True), done.stdout


def test_all_that_core_needs_is_in_the_image_or_travels() -> None:
    assert {*declared("core")} - {*PACKAGES} == {"numpy", "pandas", "pyarrow", "torch"}
