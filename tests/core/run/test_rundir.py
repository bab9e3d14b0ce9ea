import datetime as dt
import io
import threading
from pathlib import Path

import pytest

from core.errors import CheckpointError, RunError
from core.run.emitter import Emitter
from core.run.events import CheckpointSaved, Warned
from core.run.limits import Limits
from core.run.records import About, Handle, Pointer
from core.run.request import Resolved, RunRequest
from core.run.rundir import ATTEMPT, RUN_ID, RunDir, new_run_id, read_events
from core.tasks.behaviour.settings import BehaviourExperiment
from tests.full_disk import room_for

NOW = dt.datetime(2026, 11, 21, 3, 15, tzinfo=dt.UTC)


def request(run: str = "v6-20261121T031500-k3f9") -> RunRequest:
    resolved = Resolved(
        code_version="c", data_fingerprint="d", train_units=("1",), validation_units=("2", "3"),
        torch="t", threads=2, device="cpu",
    )  # fmt: skip
    return RunRequest(
        run=run, created=NOW, launcher="local", seed=7, experiment=BehaviourExperiment(name="v6"),
        overrides=("training.epochs=2",), limits=Limits(seconds=60), resolved=resolved,
    )  # fmt: skip


def test_request_handle_and_about_survive(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "r")
    run.write_request(request())
    run.write_handle(
        Handle(launcher="local", attempt="0001-abcd", reference={"pid": 1, "started": 2.5})
    )
    run.write_about(About(tags=("a",), note="n"))
    assert run.read_request() == request()
    handle = run.read_handle()
    assert handle is not None
    assert handle.reference["started"] == 2.5
    assert run.read_about().note == "n"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"run = ", b'run = "x"', b"format = 99"])
def test_a_damaged_request_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.toml").write_bytes(content)
    with pytest.raises(RunError, match=r"run\.toml") as caught:
        RunDir(tmp_path).read_request()
    assert "\n" not in str(caught.value)


def test_handles_of_earlier_starts_are_kept(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    handles = []
    for pid in (7, 8, 9):
        attempt = run.claim_attempt()
        handles.append(Handle(launcher="local", attempt=attempt, reference={"pid": pid}))
        run.write_handle(handles[-1])
        if pid == 7:  # an older version kept the newest alone
            (run.attempt_folder(attempt) / "handle.toml").unlink()
    assert run.read_handle() == handles[-1]
    assert run.read_handles() == handles


def test_a_missing_or_damaged_handle_is_no_error(tmp_path: Path) -> None:
    assert RunDir(tmp_path).read_handle() is None
    (tmp_path / "handle.toml").write_text("pid =")
    assert RunDir(tmp_path).read_handle() is None


def test_ids_and_attempts_have_their_shape(tmp_path: Path) -> None:
    assert RUN_ID.fullmatch(new_run_id("v6", NOW))
    assert new_run_id("v6", NOW).startswith("v6-20261121T031500-")
    run = RunDir(tmp_path)
    names = [run.claim_attempt() for _ in range(3)]
    assert run.attempts() == names
    assert [name[:5] for name in names] == ["0001-", "0002-", "0003-"]
    assert all(ATTEMPT.fullmatch(name) for name in names)


def test_attempts_claimed_at_once_get_different_ordinals(tmp_path: Path) -> None:
    threads = [threading.Thread(target=RunDir(tmp_path).claim_attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [name[:4] for name in RunDir(tmp_path).attempts()] == [f"{i:04d}" for i in range(1, 9)]


def test_a_damaged_pointer_is_an_error_and_a_missing_one_is_none(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    assert run.read_pointer("last") is None
    pointer = Pointer(
        file="step-1.pt", sha256="s", bytes=1, epoch=1, step=1, attempt="0001-abcd", seq=4
    )
    run.write_pointer("last", pointer)
    assert run.read_pointer("last") == pointer
    (run.checkpoints / "last.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"last\.json"):
        run.read_pointer("last")


def test_emitter_numbers_without_gaps_from_many_threads(tmp_path: Path) -> None:
    stream = io.StringIO()
    path = tmp_path / "events.jsonl"
    with Emitter("0001-abcd", path, stream) as emitter:

        def say() -> None:
            for _ in range(50):
                emitter.emit(Warned, code="c", message="m")

        threads = [threading.Thread(target=say) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [event.seq for event in read_events(path)] == list(range(1, 201))
    assert stream.getvalue().encode() == path.read_bytes()


def test_a_reserved_number_is_the_events_own_and_is_not_lost_on_error(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    announced: list[int] = []

    def announce(seq: int) -> tuple[type[CheckpointSaved], dict[str, object]]:
        announced.append(seq)
        if len(announced) == 1:
            raise OSError("disk full")
        return CheckpointSaved, {
            "epoch": 1,
            "step": 1,
            "file": "f",
            "sha256": "s",
            "bytes": 1,
            "pointers": (),
        }

    with Emitter("0001-abcd", path, io.StringIO()) as emitter:
        with pytest.raises(OSError, match="disk full"):
            emitter.reserve(announce)
        emitter.reserve(announce)
    assert announced == [1, 1]
    assert [event.seq for event in read_events(path)] == [1]


def test_a_line_that_a_full_disk_cut_short_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with Emitter("0001-abcd", path, io.StringIO()) as emitter:
        emitter.emit(Warned, code="c", message="first")
        whole = path.read_bytes()
        with room_for(len(whole) + 20), pytest.raises(OSError, match="too large"):
            emitter.emit(Warned, code="c", message="torn")
        assert path.read_bytes() == whole
        emitter.emit(Warned, code="c", message="second")
    assert [(event.seq, event.message) for event in read_events(path)] == [
        (1, "first"),
        (2, "second"),
    ]


def test_a_reader_that_went_away_does_not_stop_the_job(tmp_path: Path) -> None:
    stream = io.StringIO()
    with Emitter("0001-abcd", tmp_path / "e.jsonl", stream) as emitter:
        stream.close()
        emitter.emit(Warned, code="c", message="m")
        emitter.emit(Warned, code="c", message="m")
    assert len(list(read_events(tmp_path / "e.jsonl"))) == 2


def test_a_torn_last_line_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with Emitter("0001-abcd", path, io.StringIO()) as emitter:
        emitter.emit(Warned, code="c", message="m")
        emitter.emit(Warned, code="c", message="m")
    path.write_bytes(path.read_bytes()[:-20])
    assert [event.seq for event in read_events(path)] == [1]
    assert list(read_events(tmp_path / "missing.jsonl")) == []


def test_a_start_that_writes_its_handle_late_does_not_hide_a_newer_one(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    older, newer = (
        Handle(launcher="local", attempt=run.claim_attempt(), reference={"pid": pid})
        for pid in (1, 2)
    )
    run.write_handle(newer)
    run.write_handle(older)
    assert run.read_handle() == newer
    assert run.read_handles() == [older, newer]
