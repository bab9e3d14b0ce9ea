"""``mabe data download --on modal``: both real clients, both stand-ins, the real container."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.data import synthetic
from core.data.prepared import prepare
from core.errors import ConfigError, DataError
from mabe_tui.kaggle_io import receipt
from mabe_tui.kaggle_io.download import LOCK
from mabe_tui.launch.data_messages import CALL, STATUS
from tests.loopback.conftest import Mabe
from tests.loopback.kaggle_server import KaggleServer, archive, kaggle_serving
from tests.loopback.server import LoopbackServer
from tests.waiting import wait_for

FETCH = ("data", "download", "mice", "--on", "modal", "--competition", "mice")
PADDING = random.Random(1).randbytes(3 << 20)
"""So that there is something to break off: the client writes whole MiB."""
USER = {"KAGGLE_USERNAME": "me", "KAGGLE_KEY": "s3cret"}
AS_THE_ORIGINALS = {"KAGGLE_KEY_USERNAME": "me", "KAGGLE_KEY_SECRET": "s3cret"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A small data set, as the files of an archive."""
    folder = tmp_path_factory.mktemp("source") / "mice"
    synthetic.synthesise(folder, synthetic.SyntheticSettings(videos=3, frames=120), workers=1)
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in files} | {"more": PADDING}


@pytest.fixture
def kaggle(server: LoopbackServer, data: dict[str, bytes]) -> Iterator[KaggleServer]:
    """Kaggle, and an account on Modal that has credentials for it."""
    put_secret(server, USER)
    with kaggle_serving(archive(data)) as kaggle:
        yield kaggle


def put_secret(server: LoopbackServer, variables: dict[str, str]) -> None:
    server.cloud.account.secrets["kaggle-secret"] = {"KAGGLE_API_ENVIRONMENT": "TEST", **variables}


@pytest.fixture(autouse=True)
def empty_volume(server: LoopbackServer) -> Path:
    """The data volume, without what another test has brought there."""
    wait_for(lambda: not server.running())  # one may commit still
    apps = server.cloud.apps.values()
    wait_for(
        lambda: all(app.stopped for app in apps if "mice" in app.description)
    )  # else it is followed
    server.cloud.volumes.make("mabe-data")
    volume = server.cloud.volumes.named("mabe-data")
    for path in sorted(volume.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    return volume


def state_of(mabe: Mabe) -> str:
    (state,) = [
        row["state"]
        for row in json.loads(mabe("data", "ls", "--json").stdout)
        if row["name"] == "mice"
    ]
    assert isinstance(state, str)
    return state


def test_fetched_checked_and_prepared_there(
    server: LoopbackServer, kaggle: KaggleServer, mabe: Mabe, empty_volume: Path,
    data: dict[str, bytes],
) -> None:  # fmt: skip
    server.faults.cut_streams_after = [2]
    server.faults.apps_linger = True
    result = mabe(*FETCH)
    assert list(server.cloud.apps.values())[-1].stopped  # by whoever followed it
    assert result.stdout == "/vol/mice\n"
    assert "3 videos, 3 labelled, 3 usable" in result.stderr
    assert "3 videos, 360 frames prepared for 4 mice × mabe18" in result.stderr
    assert "s3cret" not in result.stderr
    assert kaggle.authorization[0].startswith("Basic ")
    there = empty_volume / "mice"
    found = {
        p.relative_to(there).as_posix(): p.read_bytes() for p in there.rglob("*") if p.is_file()
    }
    assert b"s3cret" not in found.pop(STATUS) + found.pop(CALL) + found.pop(receipt.NAME)
    assert found.pop(LOCK) == b""
    assert found == data
    assert state_of(mabe) == "ready"
    before = {p: p.stat().st_mtime_ns for p in (empty_volume / "cache").rglob("*") if p.is_file()}
    prepare(there, empty_volume / "cache", workers=1)  # as the run will, which finds it done
    assert {path: path.stat().st_mtime_ns for path in before} == before
    kaggle.served.clear()
    assert mabe(*FETCH).stdout == "/vol/mice\n"
    assert kaggle.served == []


def test_without_a_secret_nothing_is_started(
    server: LoopbackServer, kaggle: KaggleServer, mabe: Mabe
) -> None:
    server.cloud.account.secrets.clear()
    calls = len(server.cloud.calls)
    with pytest.raises(
        DataError, match=r"Modal has no secret 'kaggle-secret'; .*modal secret create"
    ):
        mabe(*FETCH)
    assert len(server.cloud.calls) == calls
    assert kaggle.authorization == []


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "on Modal: Kaggle refuses the credentials; .*modal secret create --force"),
        (403, "rules accepted first: kaggle.com/competitions/mice/rules"),
        (429, "fewer requests; the same command works in 7 s"),
    ],
)
def test_refusals_are_one_line(kaggle: KaggleServer, mabe: Mabe, status: int, said: str) -> None:
    kaggle.status, kaggle.headers = status, {"Retry-After": "7"}
    with pytest.raises(DataError, match=said) as caught:
        mabe(*FETCH)
    assert "\n" not in str(caught.value)
    assert state_of(mabe).startswith("failed: Kaggle ")
    kaggle.status = 200
    if status == 429:  # what comes after a refusal does not depend on its reason
        assert mabe(*FETCH).stdout == "/vol/mice\n"
        assert state_of(mabe) == "ready"


def test_a_secret_without_credentials_is_named(
    server: LoopbackServer, kaggle: KaggleServer, mabe: Mabe
) -> None:
    put_secret(server, {"KAGGLE_USER": "me"})
    with pytest.raises(DataError, match=r"no Kaggle credentials: .*modal secret create"):
        mabe(*FETCH)


def test_a_preempted_download_goes_on_elsewhere(
    server: LoopbackServer, kaggle: KaggleServer, mabe: Mabe
) -> None:
    def fetched() -> int:
        archive = server.containers[-1].root / "vol" / "mice" / "mice.zip"
        return archive.stat().st_size if archive.exists() else 0

    kaggle.hold_after = (2 << 20) + 1000
    assert mabe(*FETCH, "-d").stdout == "/vol/mice\n"
    wait_for(lambda: len(kaggle.served) == 1 and fetched() == 2 << 20)
    assert state_of(mabe) == "fetching"
    server.preempt()
    followed = mabe(*FETCH)
    assert "it is under way as fc-" in followed.stderr
    assert followed.stdout == "/vol/mice\n"
    assert kaggle.served[-1][0] == 2 << 20  # what was there is not fetched again
    assert len(server.containers) >= 2


def test_a_download_that_nobody_watches_is_followed_not_started_again(
    server: LoopbackServer, kaggle: KaggleServer, mabe: Mabe
) -> None:
    put_secret(server, AS_THE_ORIGINALS)
    kaggle.hold_after = 1000
    calls = len(server.cloud.calls)
    mabe(*FETCH, "-d")
    wait_for(lambda: len(kaggle.served) == 1)
    assert "(mabe-data-mice) downloads data (`mabe data ls`) and may cost" in mabe("ps").stderr
    kaggle.go_on.set()
    assert mabe(*FETCH).stdout == "/vol/mice\n"
    assert len(server.cloud.calls) == calls + 1
    assert len(kaggle.served) == 1
    assert kaggle.authorization[0].startswith("Basic ")


def test_a_download_that_was_killed_is_said_to_be_broken_off(
    server: LoopbackServer, kaggle: KaggleServer, mabe: Mabe
) -> None:
    kaggle.hold_after = 1000
    server.faults.apps_linger = True
    mabe(*FETCH, "-d")
    wait_for(lambda: len(kaggle.served) == 1 and state_of(mabe) == "fetching")
    for call in server.cloud.calls.values():
        server._call(lambda c=call: server._cancel_call(c, terminate=True))  # type: ignore[misc]
    wait_for(lambda: state_of(mabe) == "broken off; the same download goes on")


def test_names_and_options_that_cannot_be(mabe: Mabe) -> None:
    for name in ("cache", "a/b", "..", "/vol/cache"):
        with pytest.raises(DataError, match="cannot be a data set's name"):
            mabe("data", "download", name, "--on", "modal")
    with pytest.raises(ConfigError, match="modal volume rm -r mabe-data mice"):
        mabe(*FETCH, "--force")
