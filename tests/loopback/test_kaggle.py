"""Download a competition's data with Kaggle's real client, from a local server."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from core.errors import DataError, UserError
from core.system.lock import try_lock
from mabe_tui.cli.main import app
from mabe_tui.kaggle_io import receipt
from mabe_tui.kaggle_io.credentials import find_credentials
from mabe_tui.kaggle_io.download import LOCK, download
from mabe_tui.kaggle_io.unzip import unzip
from tests.loopback.kaggle_server import KaggleServer, archive, kaggle_serving

FILES = {"train.csv": b"id\n1\n" * 5000, "train_tracking/lab/1.parquet": bytes(range(256)) * 16_000}


@pytest.fixture
def kaggle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[KaggleServer]:
    """A server for the client of this process, which has credentials in the originals' spelling."""
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "TEST")
    monkeypatch.setenv("KAGGLE_KEY_USERNAME", "me")
    monkeypatch.setenv("KAGGLE_KEY_SECRET", "s3cret")
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "none"))
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name, raising=False)
    with kaggle_serving(archive(FILES)) as server:
        yield server


def test_all_files_come_and_the_archive_goes(kaggle: KaggleServer, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert download(folder, "mice") == 2
    found = {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }
    assert b"s3cret" not in found.pop(receipt.NAME)
    assert found.pop(LOCK) == b""
    assert found == FILES
    assert kaggle.authorization[0].startswith("Basic ")


@pytest.fixture
def fetch(kaggle: KaggleServer, tmp_path: Path) -> Callable[..., Result]:
    """Run ``mabe data download`` into the folder ``data``."""
    command = ["data", "download", str(tmp_path / "data"), "--competition", "mice"]
    return lambda *options: CliRunner().invoke(app, [*command, *options])


def test_what_is_here_and_whole_is_not_fetched_again(
    kaggle: KaggleServer, tmp_path: Path, fetch: Callable[..., Result]
) -> None:
    assert "files written: 2" in fetch().stderr
    kaggle.served.clear()
    again = fetch()
    assert (again.exit_code, again.stdout) == (0, f"{tmp_path / 'data'}\n")
    assert "all files of mice are here; --force" in again.stderr
    assert kaggle.served == []
    assert json.loads(fetch("--json").stdout)["files"] == 0
    assert "files written: 2" in fetch("--force").stderr
    (tmp_path / "data" / "train.csv").write_bytes(b"id\n")
    mended = fetch()
    assert "train.csv gone or damaged; fetching again" in mended.stderr
    assert "files written: 1" in mended.stderr
    assert (tmp_path / "data" / "train.csv").read_bytes() == FILES["train.csv"]


def test_what_another_download_brought_meanwhile_is_not_fetched_again(
    kaggle: KaggleServer, tmp_path: Path
) -> None:
    waits: list[str] = []
    with try_lock(tmp_path / LOCK):
        other = threading.Thread(
            target=download,
            args=(tmp_path, "mice", lambda _, __, what: waits.append(what)),
        )
        other.start()
        while not waits:  # it waits for as long as it takes
            other.join(0.01)
            assert other.is_alive()
        receipt.write_receipt(tmp_path, "mice", {})
    other.join()
    assert set(waits) == {"waiting for another download into this folder"}
    assert kaggle.served == []


def test_another_competition_is_fetched_into_the_same_folder(
    kaggle: KaggleServer, tmp_path: Path
) -> None:
    download(tmp_path, "mice")
    assert receipt.missing_files(tmp_path, "mice") == []
    assert receipt.missing_files(tmp_path, "rats") is None


def test_a_download_that_is_forced_and_broken_off_is_not_taken_for_whole(
    kaggle: KaggleServer, tmp_path: Path
) -> None:
    download(tmp_path, "mice")
    kaggle.break_after = [100]
    with pytest.raises(UserError, match="broke off"):
        download(tmp_path, "mice", retries=0, anew=True)
    assert receipt.missing_files(tmp_path, "mice") is None


def test_a_download_that_broke_off_goes_on(kaggle: KaggleServer, tmp_path: Path) -> None:
    kaggle.break_after = [2_500_000]
    with pytest.raises(UserError, match=r"broke off .* the same command continues"):
        download(tmp_path / "data", "mice", retries=0)
    assert not (tmp_path / "data" / "train.csv").exists()
    kaggle.served.clear()
    assert download(tmp_path / "data", "mice", retries=0) == 2
    assert kaggle.served[-1][0] >= 2 << 20  # what was there is not fetched again


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "refuses the credentials; make a token"),
        (403, "rules accepted first: kaggle.com/competitions/mice/rules"),
        (404, "knows no competition 'mice'"),
        (429, "fewer requests; the same command works in 7 s"),
        (500, "answers 500"),
    ],
)
def test_refusals_are_one_line(
    kaggle: KaggleServer, tmp_path: Path, status: int, said: str
) -> None:
    kaggle.status, kaggle.headers = status, {"Retry-After": "7"}
    with pytest.raises(UserError, match=said) as caught:
        download(tmp_path / "data", "mice", retries=0)
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_without_credentials_nobody_is_asked(
    kaggle: KaggleServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAGGLE_KEY_SECRET")
    with pytest.raises(UserError, match="no Kaggle credentials: make a token"):
        download(tmp_path / "data", "mice")
    assert kaggle.authorization == []


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "..\\evil", "C:evil"])
def test_no_path_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(archive({"good.csv": b"1", name: b"2"}))
    with pytest.raises(DataError, match="leads out of the folder"):
        unzip(path, tmp_path / "data")
    assert not (tmp_path / "data").exists()
    assert not (tmp_path / "evil").exists()


def test_a_damaged_archive_leaves_no_half_file(tmp_path: Path) -> None:
    path, content = tmp_path / "x.zip", bytearray(archive(FILES))
    content[2000] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="damaged"):
        unzip(path, tmp_path / "data")
    assert not (tmp_path / "data" / "train.csv").exists()
    path.write_bytes(archive(FILES))
    assert unzip(path, tmp_path / "data").written == 2
    assert unzip(path, tmp_path / "data").written == 0
    assert unzip(path, tmp_path / "data", anew=True).written == 2


def test_credentials_are_found_and_never_shown(tmp_path: Path) -> None:
    assert find_credentials({}, tmp_path) is None
    found = find_credentials({"KAGGLE_USERNAME": "me", "KAGGLE_KEY": "s3cret"}, tmp_path)
    assert found is not None
    assert (found.username, found.key) == ("me", "s3cret")
    assert "s3cret" not in repr(found)
    (tmp_path / ".kaggle").mkdir()
    file = tmp_path / ".kaggle" / "kaggle.json"
    file.write_text('\ufeff{"username": "notepad", "key": "s3cret"}')
    marked = find_credentials({}, tmp_path)
    assert marked is not None
    assert marked.username == "notepad"
    file.write_text('{"username": "me"}')
    with pytest.raises(UserError, match="holds no username and key"):
        find_credentials({}, tmp_path)
