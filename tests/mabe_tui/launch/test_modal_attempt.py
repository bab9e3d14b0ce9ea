"""An attempt as in a container, without one: its output arrives however commits fail."""

import asyncio
import datetime as dt
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import grpclib.exceptions
import modal.exception
import msgspec
import pytest

from core.run.events import (
    AnyEvent,
    CheckpointSaved,
    Finished,
    RunStarted,
    Stopped,
    Warned,
    decode,
    encode,
)
from core.run.rundir import RunDir
from mabe_tui.launch import modal_attempt, modal_commits
from mabe_tui.launch.modal_attempt import Attempt
from mabe_tui.launch.modal_claims import OutdatedError
from mabe_tui.launch.modal_commits import Committer
from mabe_tui.launch.recorder import writing
from tests.waiting import LONG, wait_for

NAME = "0001-abcd"
NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
PRINT = 'cat "$0" >> "$1"; cat "$0"'
ERRORS: list[BaseException] = [
    RuntimeError("conflict: the volume was changed"),
    modal.exception.NotFoundError("no such volume"),
    modal.exception.ResourceExhaustedError("rate limit exceeded"),
    modal.exception.PermissionDeniedError("not yours"),
    modal.exception.InternalError("internal error"),
    modal.exception.ServiceError("unavailable"),
    modal.exception.ConnectionError("no connection"),
    modal.exception.AuthError("token is invalid"),
    modal.exception.ClientClosed("closed"),
    TimeoutError(),
    OSError(5, "Input/output error"),
    grpclib.exceptions.StreamTerminatedError("connection lost"),
    asyncio.CancelledError(),
    ValueError("something else"),
]


def checkpoint(seq: int) -> CheckpointSaved:
    return CheckpointSaved(
        attempt=NAME, seq=seq, time=NOW, epoch=1, step=seq, file=f"step-{seq}.pt", sha256="0",
        bytes=1, pointers=("last",),
    )  # fmt: skip


def words(seq: int) -> Warned:
    return Warned(attempt=NAME, seq=seq, time=NOW, code="c", message="m")


STARTED = RunStarted(
    attempt=NAME, seq=1, time=NOW, run="v1", experiment="v1", device="cpu", device_name="c",
    torch="2", threads=1, code_version="c", pid=1, seed=1,
)  # fmt: skip
FINISHED = Finished(
    attempt=NAME, seq=7, time=NOW, epoch=1, step=1, reason="epochs", best_epoch=1, best_metric=1.0,
    monitor="loss", seconds=1.0,
)  # fmt: skip
STOPPED = Stopped(attempt=NAME, seq=7, time=NOW, epoch=1, step=1, reason="user")
EVENTS: tuple[AnyEvent, ...] = (STARTED, words(2), checkpoint(3), words(4), checkpoint(5), words(6))


class Container:
    """A run's folder on a "volume", which holds what was there at the last commit that succeeded."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.run = RunDir(folder / "there" / "v1-20261121T031500-k3f9")
        self.run.attempt_folder(NAME).mkdir(parents=True)
        self.committed = RunDir(folder / "volume" / self.run.id)
        self.printed: list[bytes] = []
        self.commits = 0
        self.trouble: Callable[[int], None] = lambda _: None
        """Is told which commit it is, from 1, and may raise."""
        monkeypatch.setattr(Attempt, "_print", staticmethod(self.printed.append))
        for name in ("FIRST_PAUSE", "LONGEST_PAUSE", "HASTY_PAUSE"):
            monkeypatch.setattr(modal_commits, name, 0.01)

    def commit(self) -> None:
        self.commits += 1
        self.trouble(self.commits)
        left_out = ["log.txt"] if self.run.log_path(NAME).is_symlink() else []
        ignore = shutil.ignore_patterns(*left_out)
        shutil.copytree(self.run.path, self.committed.path, ignore=ignore, dirs_exist_ok=True)

    def see_through(
        self, events: Sequence[AnyEvent], script: str = PRINT, seconds: float | None = None
    ) -> str:
        said = self.folder / "said"
        said.write_bytes(b"".join(encode(event) + b"\n" for event in events))
        command = ["sh", "-c", script, str(said), str(self.run.events_path(NAME))]
        attempt = Attempt(self.run, NAME, self.commit, command=command, seconds=seconds)
        return attempt.see_through()

    def forwarded(self) -> list[int]:
        return [event.seq for line in self.printed if (event := decode(line)) is not None]

    def words(self) -> list[str]:
        return [line.decode() for line in self.printed if decode(line) is None]

    def mirror(self) -> bytes:
        """Return the event file of a mirror that heard all that was printed."""
        run = RunDir(self.folder / "here" / self.run.id)
        run.path.mkdir(parents=True)
        with writing(run) as recorder:
            assert recorder is not None
            for line in self.printed:
                recorder.add_event(line)
        return run.events_path(NAME).read_bytes()

    def wait_for(self, seq: int) -> None:
        """Wait until an event has been forwarded."""
        wait_for(lambda: seq in self.forwarded(), problem=lambda: f"{seq} was not forwarded")


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Container:
    return Container(tmp_path, monkeypatch)


def test_where_all_is_well_the_order_is_that_of_the_job(container: Container) -> None:
    assert container.see_through([*EVENTS, FINISHED]) == "finished"
    assert container.forwarded() == [1, 2, 3, 4, 5, 6, 7]
    assert container.words() == [f"mabe: attempt {NAME} in container \n"]
    there = container.committed
    assert there.log_path(NAME).read_bytes() == b"".join(container.printed)
    assert container.commits == 4  # the claim, two checkpoints, the ending


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_failed_commit_silences_nothing(container: Container, error: BaseException) -> None:
    def fail(number: int) -> None:
        if number in (1, 3, 4, 6):
            raise error

    container.trouble = fail
    assert container.see_through([*EVENTS, FINISHED]) == "finished"
    assert sorted(container.forwarded()) == [1, 2, 3, 4, 5, 6, 7]
    there = container.committed
    assert container.mirror() == there.events_path(NAME).read_bytes()
    said = [line for line in container.words() if "could not be committed" in line]
    assert said
    assert all(type(error).__name__ in line for line in said)
    assert there.log_path(NAME).read_bytes().count(b"could not be committed") == len(said)


def test_a_commit_that_hangs_holds_up_what_relies_on_it_alone(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modal_attempt, "HOLD_SECONDS", 0.0)

    def hang(number: int) -> None:
        if number == 2:
            container.wait_for(6)

    container.trouble = hang
    assert container.see_through([*EVENTS, FINISHED]) == "finished"
    assert container.forwarded()[:4] == [1, 2, 4, 6]
    assert container.forwarded()[4:] == [3, 5, 7]


def test_nothing_is_called_saved_that_no_commit_holds(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modal_attempt, "LAST_COMMIT_SECONDS", 0.2)

    def fail(number: int) -> None:
        if number > 1:
            raise OSError(28, "No space left on device")

    container.trouble = fail
    assert container.see_through([*EVENTS, FINISHED]) == "finished"
    assert container.forwarded() == [1, 2, 4, 6, 7]
    (said,) = [line for line in container.words() if "may lack" in line]
    assert "step-3.pt, step-5.pt" in said
    assert "OSError: [Errno 28] No space left on device" in "".join(container.words())


def test_the_last_commit_is_given_up_before_the_container_is_ended(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modal_attempt, "LAST_COMMIT_SECONDS", LONG)

    def fail(number: int) -> None:
        if number > 1:
            raise TimeoutError

    container.trouble = fail
    assert container.see_through([*EVENTS, FINISHED], seconds=0.5) == "finished"
    assert container.forwarded()[-1] == 7


def test_an_attempt_that_is_outdated_is_not_kept_waiting(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modal_attempt, "LAST_COMMIT_SECONDS", LONG)

    def fail(number: int) -> None:
        if number > 1:
            raise OutdatedError("attempt 0002-efgh is newer: this one is kept no longer")

    container.trouble = fail
    outdated = msgspec.structs.replace(STOPPED, reason="newer_attempt")
    assert container.see_through([*EVENTS, outdated]) == "stopped"
    assert container.forwarded() == [1, 2, 4, 6, 7]


def test_a_signal_reaches_the_job_while_a_commit_hangs(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modal_attempt, "HOLD_SECONDS", LONG)
    heard = container.folder / "heard"

    def hang(number: int) -> None:
        if number == 2:
            os.kill(os.getpid(), signal.SIGUSR1)
            wait_for(heard.exists)

    container.trouble = hang
    script = f"trap 'touch {heard}; gone=1' USR1; {PRINT}; until [ $gone ]; do sleep 0.02; done"
    with pytest.raises(modal.exception.InputCancellation):
        container.see_through([*EVENTS, STOPPED], script)
    assert container.forwarded() == [1, 2, 3, 4, 5, 6, 7]


def test_the_job_starts_without_its_claim_after_a_while(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modal_attempt, "CLAIM_SECONDS", 0.0)
    monkeypatch.setattr(modal_attempt, "SLICE_SECONDS", 0.0)

    def hang(number: int) -> None:
        if number == 1:
            container.wait_for(2)

    container.trouble = hang
    assert container.see_through([*EVENTS, FINISHED]) == "finished"
    assert "the job starts although" in "".join(container.words())
    assert container.mirror() == container.committed.events_path(NAME).read_bytes()


def test_a_log_that_cannot_be_written_silences_nothing(container: Container) -> None:
    container.run.log_path(NAME).symlink_to("/dev/full")
    assert container.see_through([*EVENTS, FINISHED]) == "finished"
    assert container.forwarded() == [1, 2, 3, 4, 5, 6, 7]
    assert "the log on the volume ends here" in "".join(container.words())


@pytest.mark.parametrize("left", ["sleep 600", "while sleep 0.01; do printf '%500s\\n'; done"])
def test_a_process_that_the_job_left_behind_keeps_no_container_alive(
    container: Container, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modal_attempt, "PIPE_BYTES", 4096)
    pid = container.folder / "pid"
    script = f"{PRINT}; ({left}) & echo $! > {pid}; kill -9 $$"
    try:
        with pytest.raises(RuntimeError, match="exit code -9"):
            container.see_through(EVENTS, script)
    finally:
        os.kill(int(pid.read_text()), signal.SIGKILL)
    assert container.forwarded() == [1, 2, 3, 4, 5, 6]


def test_a_line_that_was_cut_is_ended(container: Container) -> None:
    script = f"{PRINT}; printf half; kill -9 $$"
    with pytest.raises(RuntimeError):
        container.see_through(EVENTS, script)
    assert container.printed[-1] == b"half\n"


def test_no_job_is_started_once_a_newer_attempt_owns_the_folder(container: Container) -> None:
    def outdated(_: int) -> None:
        raise OutdatedError("attempt 0002-aaaa is newer")

    container.trouble = outdated
    assert container.see_through([*EVENTS, FINISHED]) == ""
    assert container.forwarded() == []
    assert "0002-aaaa is newer" in "".join(container.words())


def test_a_committer_outlives_whoever_it_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modal_commits, "FIRST_PAUSE", 0.01)
    outcomes: list[BaseException | None] = [None, TimeoutError(), None]

    def commit() -> None:
        if (outcome := outcomes.pop(0)) is not None:
            raise outcome

    def fail(_: object) -> None:
        raise AttributeError("'NoneType' object has no attribute 'buffer'")

    with Committer(commit, fail, fail) as committer:
        assert committer.wait_for_success(committer.request(), LONG)
        assert committer.wait_for_success(committer.request(), LONG)
    assert outcomes == []
