"""What a mirror copies from the volume, and what it leaves out."""

import datetime as dt

from core.evaluation.table import confusion_path
from core.run.events import Stopped, Warned, encode
from core.run.records import Pointer
from mabe_tui.launch.modal import volume
from mabe_tui.launch.recorder import Recorder


def test_a_volume_without_the_run_takes_no_pointer_away(make_run, monkeypatch) -> None:
    """As in another environment, or before the first commit."""
    run = make_run()
    pointer = Pointer(
        file="step-1.pt", sha256="s", bytes=1, epoch=1, step=1, attempt="0001-aaaa", seq=1
    )
    run.write_pointer("epoch-0001", pointer)
    monkeypatch.setattr(volume, "files", lambda _: {})
    volume.sync_into(Recorder(run))
    assert run.read_pointer("epoch-0001") == pointer


def test_pointers_that_the_job_keeps_no_more_go_unless_their_weights_are_here(
    make_run, monkeypatch
) -> None:
    run = make_run()
    for epoch, name in enumerate(("epoch-0001", "epoch-0002", "epoch-0003", "marked"), start=1):
        pointer = Pointer(
            file=f"step-{epoch}.pt", sha256="s", bytes=1, epoch=epoch, step=epoch,
            attempt="0001-aaaa", seq=epoch,
        )  # fmt: skip
        run.write_pointer(name, pointer)
    (run.checkpoints / "step-2.pt").write_bytes(b"w")
    kept = run.checkpoints / "epoch-0003.json"
    there = {"checkpoints/epoch-0003.json": kept.read_bytes()}
    monkeypatch.setattr(volume, "files", lambda _: {p: len(c) for p, c in there.items()})
    monkeypatch.setattr(volume, "read", lambda _, paths: {p: there[p] for p in paths})
    volume.sync_into(Recorder(run))
    assert sorted(path.stem for path in run.checkpoints.glob("*.json")) == [
        "epoch-0002", "epoch-0003", "marked",
    ]  # fmt: skip


def test_the_tables_of_the_best_and_of_the_last_epoch_come_along(make_run, monkeypatch) -> None:
    run = make_run()
    names = ("best", "last", "best-confusion", "last-confusion", "other")
    there = {f"evaluation/{name}.parquet": name.encode() for name in names}
    monkeypatch.setattr(volume, "files", lambda _: {p: len(c) for p, c in there.items()})
    monkeypatch.setattr(volume, "read", lambda _, paths: {p: there[p] for p in paths})
    volume.sync_into(Recorder(run))
    assert run.evaluation_of("best").read_bytes() == b"best"
    assert run.evaluation_of("last").read_bytes() == b"last"
    assert confusion_path(run.evaluation_of("best")).read_bytes() == b"best-confusion"
    assert confusion_path(run.evaluation_of("last")).read_bytes() == b"last-confusion"
    assert not (run.path / "evaluation" / "other.parquet").exists()


def test_predictions_come_along_once_the_run_has_ended(make_run, monkeypatch) -> None:
    run, path, read = make_run(), "evaluation/predictions.parquet", []
    there = {path: b"predictions", "attempts/0001-aaaa/log.txt": b""}

    def read_of(_, paths):
        read.extend(paths)
        return {p: there[p] for p in paths}

    monkeypatch.setattr(volume, "files", lambda _: {p: len(c) for p, c in there.items()})
    monkeypatch.setattr(volume, "read", read_of)
    volume.sync_into(Recorder(run))
    assert not run.predictions.exists()
    monkeypatch.setattr(volume, "attempt_ending", lambda *_: object())
    monkeypatch.setattr(volume, "_sync_attempt", lambda *_: 0)
    volume.sync_into(Recorder(run))
    assert run.predictions.read_bytes() == b"predictions"
    volume.sync_into(Recorder(run))
    assert read.count(path) == 1


def test_a_log_of_the_volume_keeps_what_no_commit_held(make_run, monkeypatch) -> None:
    run, now = make_run(), dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
    name = "0001-abcd"
    first = Warned(attempt=name, seq=1, time=now, code="c", message="m")
    last = Stopped(attempt=name, seq=2, time=now, epoch=1, step=1, reason="user")
    spoken = b"mabe: the volume may lack what the job wrote last\n"
    recorder = Recorder(run)
    recorder.add_event(encode(first))
    recorder.add_event(encode(last))
    heard = [encode(first) + b"\n", b"as the log service cut it\n", spoken, encode(last) + b"\n"]
    run.log_path(name).write_bytes(b"".join(heard))
    kept = [b"plain, as it was printed\n", encode(first) + b"\n"]
    there = {
        f"attempts/{name}/events.jsonl": encode(first) + b"\n",
        f"attempts/{name}/log.txt": b"".join(kept),
    }
    monkeypatch.setattr(volume, "files", lambda _: {p: len(c) for p, c in there.items()})
    monkeypatch.setattr(volume, "read", lambda _, paths: {p: there[p] for p in paths})
    for _ in range(2):
        volume.sync_into(Recorder(run))
        assert run.log_path(name).read_bytes() == b"".join([*kept, spoken, encode(last) + b"\n"])
        with run.log_path(name).open("ab") as log:
            log.write(spoken)  # read again by a reader that starts over


def test_a_checkpoint_that_is_forgotten_while_it_is_fetched_is_no_error(
    make_run, monkeypatch
) -> None:
    """The job keeps so many epochs; the listing was made a moment before."""
    run, listed = make_run(), ["checkpoints/epoch-0001.json", "checkpoints/last.json"]

    def read(_: object, paths: list[str]) -> dict[str, bytes]:
        if "checkpoints/epoch-0001.json" in paths:
            listed.pop(0)
            raise volume.MissingError("not there")
        return dict.fromkeys(paths, b"{}")

    monkeypatch.setattr(volume, "files", lambda _: dict.fromkeys(listed, 2))
    monkeypatch.setattr(volume, "read", read)
    volume.sync_into(Recorder(run))
    assert [path.name for path in run.checkpoints.iterdir()] == ["last.json"]


def test_a_request_that_a_newer_version_wrote_is_left_where_it_is(make_run, monkeypatch) -> None:
    run = make_run()
    before = run.read_request()
    monkeypatch.setattr(volume, "files", lambda _: {"run.toml": 1})
    monkeypatch.setattr(volume, "read", lambda _, paths: dict.fromkeys(paths, b"format = 9"))
    volume.sync_into(Recorder(run))
    assert run.read_request() == before
