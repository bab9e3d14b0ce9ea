"""A fitted ensemble on the stand-in for Kaggle: one model, which predicts there what it predicts here."""

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from core.errors import RunError
from core.predict_job import main
from core.run.rundir import RunDir
from core.submission.bundle import NAME, read_bundle
from mabe_tui.runs.launching.run_requests import LaunchOptions
from mabe_tui.runs.store import RunStore
from tests.command_line import mabe
from tests.competition_folder import competition_folder
from tests.loopback.kaggle_machine import KaggleMachine, wheel_of
from tests.loopback.test_submit_command import TINY
from tests.mabe_tui.tiny_run import train_here

pytest.importorskip("lightgbm")

SETTINGS = (
    *TINY,
    "data.source=competition",
    "data.validation_fraction=0.5",
    "training.keep_predictions=true",
)
LACKING = {"msgspec": "msgspec", "tomli-w": "tomli_w", "lightgbm": "lightgbm"}
"""Packages that the machine lacks, and their modules."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return competition_folder(tmp_path_factory.mktemp("competition") / "mice", videos=4)


@pytest.fixture(scope="module")
def staged(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What would be pushed of a stack of two seeds of v8; the home is beside it."""
    place = tmp_path_factory.mktemp("place")
    home, wheels = place / "home", place / "wheels"
    train_here(home, LaunchOptions(version="v8", data=data, overrides=SETTINGS, seeds=(1, 2)))
    wheels.mkdir()
    for package in LACKING:
        wheel_of(package, wheels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MABE_HOME", str(home))
        assert mabe("ensemble", "v8", "--how", "stack", "--folds", "2").exit_code == 0
        asked = ["submit", "stack", "--competition", "mice", "--wheels", str(wheels)]
        mabe(*asked, "--dry-run", str(place / "staged"))
    return place / "staged"


@pytest.fixture
def members(staged: Path, monkeypatch: pytest.MonkeyPatch) -> list[RunDir]:
    home = staged.parent / "home"
    monkeypatch.setenv("MABE_HOME", str(home))
    return [each.run for each in RunStore(home).entries() if each.version == "v8"]


def test_it_predicts_there_what_it_predicts_here(
    staged: Path, members: list[RunDir], data: Path, tmp_path: Path
) -> None:
    bundle = read_bundle(staged / "dataset")
    assert [run.partition("-")[0] for run in bundle.runs] == ["stack"]
    assert {each.path.partition("/")[0] for each in bundle.files} == {
        *bundle.runs,
        *(member.id for member in members),
    }
    machine = KaggleMachine(tmp_path / "machine", lacking=tuple(LACKING.values()))
    slug = json.loads((staged / "kernel/kernel-metadata.json").read_text())["id"].partition("/")[2]
    machine.attach(slug, {p.name: p.read_bytes() for p in (staged / "dataset").iterdir()})
    (machine.input / "mice").symlink_to(data)
    done = machine.run((staged / "kernel/notebook.ipynb").read_text())
    assert f"missing here: {', '.join(LACKING)}\n" in done.stdout
    assert "for 4 of 4 videos" in done.stdout
    here = tmp_path / "here.csv"
    mabe("predict", "stack", "--data", str(data), "-o", str(here), "--device", "cpu")
    assert (machine.working / "submission.csv").read_bytes() == here.read_bytes()
    alone = tmp_path / "alone.csv"
    mabe("predict", members[0].id, "--data", str(data), "-o", str(alone), "--device", "cpu")
    assert alone.read_bytes() != here.read_bytes()


def test_what_is_missing_of_a_member_is_said_in_one_line(
    staged: Path,
    members: list[RunDir],
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "dataset"
    shutil.copytree(staged / "dataset", folder)
    bundle, member = read_bundle(folder), members[0].id
    own = next(
        f for f in bundle.files if f.path.startswith(f"{member}/") and f.path.endswith(".pt")
    )
    asked = [str(folder), "--data", str(data), "--output", str(tmp_path / "out.csv")]
    (folder / own.file).unlink()
    assert main(asked) == 1
    assert capsys.readouterr().out == f"predict_job: {folder / own.file}: missing from the bundle\n"

    without = msgspec.structs.replace(bundle, files=tuple(f for f in bundle.files if f != own))
    (folder / NAME).write_bytes(msgspec.json.encode(without))
    assert main(asked) == 1
    (_, last) = capsys.readouterr().out.splitlines()
    assert last.startswith("predict_job: model 1 of 1 (stack-")
    assert "cannot predict without all its members: " in last
    assert own.path in last

    weights = members[0].checkpoints / Path(own.path).name
    kept = weights.rename(tmp_path / "kept.pt")
    with pytest.raises(RunError, match=rf"of {member} is not here; its file was removed"):
        mabe("submit", "stack", "--dry-run", str(tmp_path / "dry"))
    kept.rename(weights)
    assert not (tmp_path / "dry").exists()
