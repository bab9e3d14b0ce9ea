"""The checkpoints that ``training.start_from``, ``pseudo_labels`` and ``teacher`` name."""

import hashlib
import json
import shutil
from pathlib import Path

import msgspec
import pytest

from core import job
from core.config import registry
from core.ensembles.members import input_of
from core.errors import RunError
from core.run.records import Handle
from core.run.request import RunRequest
from core.run.rundir import RunDir
from mabe_tui.runs.launching.named_inputs import named_inputs
from mabe_tui.runs.launching.run_requests import LaunchOptions, requests_for
from mabe_tui.runs.listing.seeds import request_digest
from mabe_tui.runs.store import RunStore
from tests.command_line import mabe
from tests.toy import new_run, write_registry


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    write_registry(home)
    run = new_run(home / "runs" / "p1-20260101T000000-aaaa", overrides=["training.save_every=1"])
    assert job.main([str(run.path)]) == 0
    return home


@pytest.fixture(autouse=True)
def place(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MABE_HOME", str(home))
    monkeypatch.setenv("MABE_REGISTRY", str(home / registry.FILE_NAME))


def asked(home: Path, run: str, launcher: str = "local", key: str = "start_from") -> RunRequest:
    options = LaunchOptions(version="p1", launcher=launcher, overrides=(f"training.{key}={run}",))
    (request,) = requests_for(registry.load(home / registry.FILE_NAME), options)
    return named_inputs(RunStore(home), request)


def test_the_request_names_the_run_the_file_and_its_hash(home: Path) -> None:
    source = RunDir(home / "runs" / "p1-20260101T000000-aaaa")
    best, second = source.read_pointer("best"), source.read_pointer("epoch-0002")
    assert best is not None
    assert second is not None
    shown = mabe("run", "p1", "--set", "training.start_from=aaaa", "--dry-run", "--json")
    request = json.loads(shown.stdout)["request"]
    assert request["start"] == {"run": source.id, "file": best.file, "sha256": best.sha256}
    assert request["experiment"]["training"]["start_from"] == f"{source.id}@best"
    found = asked(home, "aaaa@epoch-2")
    assert found.start is not None
    assert found.start.sha256 == second.sha256
    assert named_inputs(RunStore(home), found) == found
    digests = {request_digest(asked(home, f"aaaa@{which}")) for which in ("best", "epoch-2")}
    assert len(digests) == 2
    assert request_digest(source.read_request()) not in digests


def test_pseudo_labels_are_predicted_by_a_run_or_by_the_members_of_an_ensemble(home: Path) -> None:
    source = RunDir(home / "runs" / "p1-20260101T000000-aaaa")
    ensemble = RunDir(home / "runs" / "both-20260101T000003-both")
    member = input_of(source)
    ensemble.write_request(
        msgspec.structs.replace(source.read_request(), run=ensemble.id, inputs=(member, member))
    )
    try:
        for name, full, pseudo in (
            ("aaaa", f"{source.id}@best", (member,)),
            ("both", ensemble.id, (member, member)),
        ):
            found = asked(home, name, key="pseudo_labels")
            assert found.pseudo == pseudo
            assert found.experiment.training.pseudo_labels == full
            taught = asked(home, name, key="teacher")
            assert taught.teacher == pseudo
            assert taught.experiment.training.teacher == full
            assert named_inputs(RunStore(home), taught) == taught
            assert asked(home, name, "modal", "teacher").teacher == pseudo, "it is sent there"
    finally:
        shutil.rmtree(ensemble.path)


def test_a_teachers_kept_predictions_count_with_their_hash(home: Path) -> None:
    source = RunDir(home / "runs" / "p1-20260101T000000-aaaa")
    plain = asked(home, "aaaa", key="teacher")
    assert plain.teacher_kept is None
    source.predictions.write_bytes(b"kept")
    try:
        kept = asked(home, "aaaa", key="teacher")
    finally:
        source.predictions.unlink()
    assert kept.teacher_kept is not None
    assert kept.teacher_kept.sha256 == hashlib.sha256(b"kept").hexdigest()
    digests = {request_digest(each) for each in (plain, kept, source.read_request())}
    assert len(digests) == 3


def test_what_is_not_there_is_told_in_one_line(home: Path) -> None:
    with pytest.raises(RunError, match=r"training\.start_from = 'zzzz': no run 'zzzz'"):
        asked(home, "zzzz")
    with pytest.raises(RunError, match="has no checkpoint 'epoch-99'; there is"):
        asked(home, "aaaa@epoch-99")


def test_a_job_elsewhere_starts_from_a_run_that_is_there_or_here(home: Path) -> None:
    source = RunDir(home / "runs" / "p1-20260101T000000-aaaa")
    here = asked(home, "aaaa", "modal")
    assert here.start is not None
    checkpoint = source.checkpoints / here.start.file
    away = checkpoint.rename(checkpoint.with_suffix(".away"))
    try:
        with pytest.raises(RunError, match=r"training\.start_from = 'aaaa': .*file was removed"):
            asked(home, "aaaa", "modal")
        source.write_handle(Handle(launcher="modal", attempt="0001-aaaa", reference={}))
        assert asked(home, "aaaa", "modal").start == here.start
    finally:
        away.rename(checkpoint)
        (source.path / "handle.toml").unlink(missing_ok=True)
