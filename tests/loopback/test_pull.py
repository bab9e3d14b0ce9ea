"""Download checkpoints over unreliable connections, with the real client."""

import datetime as dt
import hashlib
import random
from pathlib import Path

import msgspec
import pytest
from filelock import FileLock

from core.errors import RunError
from core.run.records import Pointer
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.launch.launcher import UnreachableError
from mabe_tui.launch.modal import blocks as modal_blocks
from mabe_tui.launch.modal.pull import LOCK, fetch, pull
from tests.loopback.server import LoopbackServer

BLOCK = modal_blocks.BLOCK_BYTES
CONTENT = random.Random(1).randbytes(3 * BLOCK + BLOCK // 2)
"""Three and a half blocks; its hash is what a pointer names."""
FILE = "step-0000012.pt"


@pytest.fixture
def run(server: LoopbackServer, tmp_path: Path) -> RunDir:
    """A run whose one checkpoint is on the volume."""
    now = dt.datetime.now(dt.UTC)
    run = RunDir(tmp_path / "runs" / "v6-20261121T031500-k3f9")
    run.write_request(
        RunRequest(
            run=run.id, created=now, launcher="modal", seed=1, experiment=BehaviourExperiment("v6")
        )
    )
    server.cloud.volumes.make("mabe-runs")
    put(server, run, CONTENT)
    server.cloud.volumes.served.clear()
    return run


def put(server: LoopbackServer, run: RunDir, content: bytes) -> None:
    there = server.cloud.volumes.named("mabe-runs") / run.id / "checkpoints" / FILE
    there.parent.mkdir(parents=True, exist_ok=True)
    there.unlink(missing_ok=True)
    there.write_bytes(content)


def pointer_to(content: bytes) -> Pointer:
    return Pointer(
        file=FILE, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), epoch=1,
        step=12, attempt="0001-aaaa", seq=9,
    )  # fmt: skip


def left_over(run: RunDir) -> list[Path]:
    return sorted(run.checkpoints.glob(".*.part"))


def test_what_has_come_is_not_fetched_again(
    server: LoopbackServer, run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        modal_blocks, "AT_ONCE", 1
    )  # else which block breaks off is a matter of luck
    server.faults.downloads_before_break = 2
    with pytest.raises(
        UnreachableError, match=r"broke off at 16\.0 of 28\.0 MiB .* continues from"
    ):
        pull(run, [pointer_to(CONTENT)])
    assert not (run.checkpoints / FILE).exists()
    (part,) = left_over(run)
    assert part.read_bytes() == CONTENT[: 2 * BLOCK]
    server.faults.downloads_before_break = None
    server.cloud.volumes.served.clear()
    told: list[int] = []
    (path,) = pull(run, [pointer_to(CONTENT)], lambda done, *_: told.append(done))
    assert path.read_bytes() == CONTENT
    assert sorted(server.cloud.volumes.served) == [2, 3]
    assert told[0] > 2 * BLOCK
    assert told[-1] == len(CONTENT)
    assert left_over(run) == []


def test_as_long_as_something_comes_it_goes_on_by_itself(
    server: LoopbackServer, run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modal_blocks, "AT_ONCE", 1)
    fetched: list[int] = []
    original = modal_blocks._fetch

    async def flaky(session: object, url: str, length: int) -> bytes:
        fetched.append(length)
        if len(fetched) % 2 == 0:
            raise ConnectionError("cut")
        return await original(session, url, length)  # type: ignore[arg-type]

    monkeypatch.setattr(modal_blocks, "_fetch", flaky)
    (path,) = pull(run, [pointer_to(CONTENT)])
    assert path.read_bytes() == CONTENT
    assert len(fetched) == 7


@pytest.mark.parametrize("fault", ["broken_downloads", "short_downloads", "damaged_digests"])
def test_half_a_block_is_fetched_again(server: LoopbackServer, run: RunDir, fault: str) -> None:
    setattr(server.faults, fault, 2)
    (path,) = pull(run, [pointer_to(CONTENT)])
    assert path.read_bytes() == CONTENT
    assert getattr(server.faults, fault) == 0


def test_blocks_without_their_trailing_zeros_are_whole(server: LoopbackServer, run: RunDir) -> None:
    content = CONTENT[: BLOCK // 2].ljust(2 * BLOCK, b"\0") + CONTENT[: BLOCK // 2] + bytes(1000)
    put(server, run, content)
    server.faults.stripped_blocks = True
    (path,) = pull(run, [pointer_to(content)])
    assert path.read_bytes() == content
    assert len(server.cloud.volumes.served) == 3


def test_a_part_of_another_version_is_thrown_away(server: LoopbackServer, run: RunDir) -> None:
    server.faults.downloads_before_break = 1
    with pytest.raises(UnreachableError):
        pull(run, [pointer_to(CONTENT)])
    newer = CONTENT[::-1]
    put(server, run, newer)
    server.faults.downloads_before_break = None
    (path,) = pull(run, [pointer_to(newer)])
    assert path.read_bytes() == newer
    assert left_over(run) == []


def test_a_damaged_part_is_fetched_anew(server: LoopbackServer, run: RunDir) -> None:
    pointer = pointer_to(CONTENT)
    run.checkpoints.mkdir()
    part = run.checkpoints / f".{FILE}.{pointer.sha256[:12]}.part"
    part.write_bytes(bytes(2 * BLOCK))
    (path,) = pull(run, [pointer])
    assert path.read_bytes() == CONTENT


def test_what_cannot_be_had_whole_is_not_kept(server: LoopbackServer, run: RunDir) -> None:
    put(server, run, CONTENT[::-1])
    with pytest.raises(RunError, match="4 times with another sha256"):
        pull(run, [pointer_to(CONTENT)])
    assert list(run.checkpoints.iterdir()) == []


def test_what_is_here_and_whole_is_not_asked_for(server: LoopbackServer, run: RunDir) -> None:
    pull(run, [pointer_to(CONTENT)])
    server.cloud.volumes.served.clear()
    pull(run, [pointer_to(CONTENT)])
    assert server.cloud.volumes.served == []


def test_a_client_without_the_call_reads_the_whole_file(
    server: LoopbackServer, run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modal_blocks, "_locate", None)
    pointer = pointer_to(CONTENT)
    run.checkpoints.mkdir()
    part = run.checkpoints / f".{FILE}.{pointer.sha256[:12]}.part"
    part.write_bytes(CONTENT[:BLOCK])
    (path,) = pull(run, [pointer])
    assert path.read_bytes() == CONTENT


def test_two_do_not_fetch_into_one_file(run: RunDir) -> None:
    with FileLock(run.path / LOCK), pytest.raises(RunError, match="another `mabe pull`"):
        pull(run, [pointer_to(CONTENT)])


def test_a_pointer_cannot_name_a_place_outside(run: RunDir) -> None:
    for name in ("../../evil.pt", "/evil.pt", ".."):
        with pytest.raises(RunError, match="no checkpoint's name"):
            pull(run, [msgspec.structs.replace(pointer_to(CONTENT), file=name)])


def test_one_file_by_name(run: RunDir, tmp_path: Path) -> None:
    assert fetch(run, f"checkpoints/{FILE}", tmp_path).read_bytes() == CONTENT
    with pytest.raises(RunError, match="has no file 'nothing' on Modal"):
        fetch(run, "nothing", tmp_path)
