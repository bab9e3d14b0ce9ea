import contextlib
import errno
import json
import os
import pickle

import pytest
import torch

from core.errors import CheckpointError, UserError
from core.models.input_spec import InputSpec
from core.run.emitter import Emitter
from core.run.events import CheckpointSaved
from core.run.rundir import RunDir, read_events
from core.system.files import replace_atomically
from core.training.checkpoint import CheckpointStore
from core.training.checkpoint_file import (
    FORMAT,
    predicting_weights,
    read_checkpoint,
)


def content(value=0.0):
    return {
        "experiment": {"name": "fake"},
        "input_spec": {},
        "model": {"weight": torch.full((50, 50), value)},
        "average": {},
        "optimizer": {},
        "schedule": {},
        "scaler": {},
        "rng": [],
        "progress": {},
        "task": {},
    }


@pytest.fixture
def run(tmp_path):
    return RunDir(tmp_path / "run")


@pytest.fixture
def emitter(run):
    run.path.mkdir()
    attempt = run.claim_attempt()
    with Emitter(attempt, run.events_path(attempt)) as emitter:
        yield emitter


@pytest.fixture
def save(run, emitter):
    def save(step, pointers=("last",), value=0.0, epoch=0):
        return CheckpointStore(run).save(
            content(value), emitter=emitter, epoch=epoch, step=step, pointers=pointers
        )

    return save


def files(run):
    return sorted(path.name for path in run.checkpoints.iterdir())


def newest(run):
    told = []
    return CheckpointStore(run).load_newest(told.append), told


def test_what_is_saved_is_loaded_and_its_event_is_the_one_the_pointer_names(run, emitter, save):
    pointer = save(3, value=1.5)
    loaded = CheckpointStore(run).load("last")
    assert loaded.pointer == pointer == run.read_pointer("last")
    assert torch.equal(loaded.content["model"]["weight"], torch.full((50, 50), 1.5))
    (event,) = read_events(run.events_path(emitter.attempt))
    assert isinstance(event, CheckpointSaved)
    assert (event.attempt, event.seq) == (pointer.attempt, pointer.seq)
    assert event.sha256 == pointer.sha256
    assert event.pointers == ("last",)
    assert pointer.bytes == (run.checkpoints / pointer.file).stat().st_size


def test_no_checkpoint_is_none(run):
    assert CheckpointStore(run).load("last") is None
    assert newest(run) == (None, [])


def test_only_files_that_are_pointed_to_stay_and_the_one_before_the_last(run, save):
    save(1, ("best", "last"))
    (run.checkpoints / ".step-0000002.pt.abcd.tmp").write_bytes(b"cut short by a kill")
    save(2, ("epoch-0002", "last"))
    save(3)
    save(4)
    save(5)
    assert files(run) == [
        "best.json",
        "epoch-0002.json",
        "last.json",
        "step-0000001.pt",
        "step-0000002.pt",
        "step-0000004.pt",
        "step-0000005.pt",
    ]


def test_a_file_that_counts_is_never_written_over(run, save):
    save(1, ("best", "last"), value=1.0)
    before = (run.checkpoints / "step-0000001.pt").read_bytes()
    save(1, ("last",), value=2.0)
    assert (run.checkpoints / "step-0000001.pt").read_bytes() == before
    assert CheckpointStore(run).load("best").content["model"]["weight"][0, 0] == 1.0
    assert CheckpointStore(run).load("last").content["model"]["weight"][0, 0] == 2.0


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_a_damaged_last_falls_back_on_the_newest_other_and_says_so(run, save, damage):
    save(1, ("best", "last"))
    save(5, ("epoch-0005", "last"))
    save(7)
    path = run.checkpoints / "step-0000007.pt"
    whole = path.read_bytes()
    match damage:
        case "cut":
            path.write_bytes(whole[:-100])
        case "flipped":
            path.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
        case "gone":
            path.unlink()
    checkpoint, told = newest(run)
    assert checkpoint.pointer.step == 5
    assert len(told) == 1
    assert "step-0000007.pt" in told[0]
    assert "step-0000005.pt" in told[0]
    assert "\n" not in told[0]


@pytest.mark.parametrize("text", ["", "{", '{"file": 3}', "null"])
def test_a_corrupt_pointer_falls_back_and_nothing_is_removed_until_it_is_mended(run, save, text):
    save(1, ("best", "last"))
    save(2)
    (run.checkpoints / "last.json").write_text(text)
    checkpoint, told = newest(run)
    assert checkpoint.pointer.step == 1
    assert "last.json" in told[0]
    save(3, ("epoch-0001",))
    assert "step-0000002.pt" in files(run)
    save(4)
    assert "step-0000002.pt" not in files(run)


def test_all_damaged_is_an_error_not_a_new_start(run, save):
    save(1, ("best", "last"))
    (run.checkpoints / "step-0000001.pt").write_bytes(b"no")
    with pytest.raises(CheckpointError, match=r"step-0000001\.pt.*no other"):
        newest(run)


def test_a_pointer_out_of_the_folder_is_not_followed(run, save, tmp_path):
    save(1)
    table = json.loads((run.checkpoints / "last.json").read_text())
    (run.checkpoints / "last.json").write_text(json.dumps(table | {"file": "../../evil.pt"}))
    with pytest.raises(CheckpointError, match="not a checkpoint pointer"):
        newest(run)


@pytest.mark.parametrize("written", [1, 2, 3])
def test_a_kill_between_two_pointers_is_put_right(run, save, monkeypatch, written):
    save(4, ("epoch-0001", "best", "last"))
    write, left = RunDir.write_pointer, written

    def until_killed(self, name, pointer):
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        write(self, name, pointer)

    with monkeypatch.context() as patch:
        patch.setattr(RunDir, "write_pointer", until_killed)
        with contextlib.suppress(KeyboardInterrupt):
            save(8, ("epoch-0002", "best", "last"))
    checkpoint, told = newest(run)
    assert (checkpoint.pointer.step, told) == (8, [])
    CheckpointStore(run).settle(checkpoint)
    pointers = CheckpointStore(run).pointers()
    assert {name: pointer.step for name, pointer in pointers.items()} == {
        "epoch-0001": 4,
        "epoch-0002": 8,
        "best": 8,
        "last": 8,
    }


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"format": FORMAT + 1}, "newer mabe"),
        ({"format": FORMAT, "model": {}}, "not a whole checkpoint"),
        ({"weights": {}}, "not a checkpoint of mabe"),
        ([1, 2], "not a checkpoint of mabe"),
    ],
)
def test_foreign_files_are_refused_in_words(tmp_path, table, reason):
    torch.save(table, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match=reason) as caught:
        read_checkpoint(tmp_path / "x.pt")
    assert "x.pt" in str(caught.value)


class Evil:
    def __reduce__(self):
        return os.system, ("echo harm",)


def test_code_in_a_file_is_not_run(tmp_path, capfd):
    torch.save(content() | {"format": FORMAT, "task": {"x": Evil()}}, tmp_path / "evil.pt")
    (tmp_path / "pickle.pt").write_bytes(pickle.dumps(Evil()))
    for name in ("evil.pt", "pickle.pt"):
        with pytest.raises(CheckpointError, match="not a checkpoint"):
            read_checkpoint(tmp_path / name)
    assert "harm" not in capfd.readouterr().out


class FullDisk:
    """Takes some writes, then has no space left."""

    def __init__(self, file, writes):
        self.file, self.writes = file, writes

    def write(self, data):
        self.writes -= 1
        if self.writes < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)


@pytest.mark.parametrize("writes", [0, 5])
def test_a_full_disk_leaves_the_previous_checkpoint(run, save, monkeypatch, writes):
    save(1, ("best", "last"))
    before = files(run)

    @contextlib.contextmanager
    def on_a_full_disk(path):
        with replace_atomically(path) as file:
            yield FullDisk(file, writes)

    monkeypatch.setattr("core.training.checkpoint_file.replace_atomically", on_a_full_disk)
    with pytest.raises(UserError, match="No space left on device") as caught:
        save(2)
    assert "step-0000002.pt" in str(caught.value)
    assert files(run) == before
    assert newest(run)[0].pointer.step == 1


def test_input_spec_survives_the_file(tmp_path):
    spec = InputSpec(6, 4, mice=1, keypoints=3, blocks={"a": slice(0, 2), "b": slice(2, 6)})
    torch.save(spec.table(), tmp_path / "spec.pt")
    assert InputSpec.from_table(torch.load(tmp_path / "spec.pt", weights_only=True)) == spec


def test_a_checkpoint_that_names_the_validation_videos_is_read(tmp_path):
    old = content(value=2.0) | {"format": 2, "validation_videos": ["a"], "pointers": ["last"]}
    torch.save(old, tmp_path / "step-0000001.pt")
    assert read_checkpoint(tmp_path / "step-0000001.pt")["format"] == FORMAT


def test_a_checkpoint_of_the_first_format_is_read_as_one_of_this(tmp_path):
    generators = {"python": (3, (1, 2), None), "torch": torch.zeros(4)}
    old = content(value=2.0) | {"format": 1, "rng": generators, "pointers": ["last"]}
    del old["average"]
    torch.save(old, tmp_path / "step-0000001.pt")
    read = read_checkpoint(tmp_path / "step-0000001.pt")
    assert read["format"] == FORMAT
    assert read["rng"][0]["python"] == (3, (1, 2), None)
    assert torch.equal(predicting_weights(read)["weight"], torch.full((50, 50), 2.0))
