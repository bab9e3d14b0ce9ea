"""The job of a remote download, without the cloud: completed work is not repeated."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from core.data import synthetic
from mabe_tui.launch import data_job
from mabe_tui.launch.data_job import DataJob
from mabe_tui.launch.data_messages import (
    AnyMessage,
    DownloadFailed,
    DownloadProgress,
    DownloadReady,
    DownloadRequest,
)
from tests.loopback.kaggle_server import KaggleServer, archive, kaggle_serving

ORDER = DownloadRequest(
    name="mice", competition="mice", secret="kaggle-secret", keypoints="mars7", mice=2,
    actions={}, classes=("other", "social"),
)  # fmt: skip


@pytest.fixture
def kaggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleServer]:
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "TEST")
    monkeypatch.setenv("KAGGLE_USERNAME", "me")
    monkeypatch.setenv("KAGGLE_KEY", "s3cret")
    monkeypatch.delenv("KAGGLE_API_TOKEN", raising=False)
    monkeypatch.setattr(data_job, "RETRIES", 0)
    source = tmp_path / "source"
    synthetic.synthesise(source, synthetic.SyntheticSettings(videos=2, frames=60), workers=1)
    files = [path for path in source.rglob("*") if path.is_file()]
    content = {file.relative_to(source).as_posix(): file.read_bytes() for file in files}
    with kaggle_serving(archive(content | {"more": bytes(3 << 20)})) as server:
        yield server


class Told:
    """Carries an order out, and keeps what was said and how often something was committed."""

    def __init__(self, mount: Path) -> None:
        self.mount, self.words, self.commits = mount, list[AnyMessage](), 0

    def carry_out(self) -> DownloadReady | DownloadFailed:
        return DataJob(ORDER, self.mount, 1, self.commit, self.words.append).carry_out()

    def commit(self) -> None:
        self.commits += 1

    def units(self) -> list[str]:
        return list(
            dict.fromkeys(word.unit for word in self.words if isinstance(word, DownloadProgress))
        )


def test_a_broken_download_is_an_answer_and_goes_on(kaggle: KaggleServer, tmp_path: Path) -> None:
    kaggle.break_after = [2_500_000]
    job = Told(tmp_path / "vol")
    ended = job.carry_out()
    assert isinstance(ended, DownloadFailed)
    assert "broke off" in ended.error
    kaggle.served.clear()
    ended = job.carry_out()
    assert isinstance(ended, DownloadReady)
    assert ended.videos == 2
    assert kaggle.served[-1][0] >= 2 << 20


def test_what_was_unpacked_is_not_fetched_again(
    kaggle: KaggleServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Told(tmp_path / "vol")

    def taken_away(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(data_job, "check", taken_away)
        with pytest.raises(KeyboardInterrupt):
            job.carry_out()
    assert job.commits == 2  # as begun, as unpacked
    kaggle.served.clear()
    assert isinstance(job.carry_out(), DownloadReady)
    assert kaggle.served == []


def test_each_kind_of_work_is_told_apart(kaggle: KaggleServer, tmp_path: Path) -> None:
    job = Told(tmp_path / "vol")
    job.carry_out()
    assert [unit for unit in job.units() if unit != "bytes"] == [
        "files unpacked",
        "videos checked",
        "videos prepared",
    ]


def test_a_task_without_classes_is_checked_and_prepared(
    kaggle: KaggleServer, tmp_path: Path
) -> None:
    order = msgspec.structs.replace(ORDER, keypoints="mabe18", mice=4, actions=None, classes=())
    ended = DataJob(order, tmp_path / "vol", 1, lambda: None, lambda _: None).carry_out()
    assert isinstance(ended, DownloadReady)
    assert (ended.videos, ended.report.class_frames) == (2, {})


def test_damaged_videos_are_an_answer(kaggle: KaggleServer, tmp_path: Path) -> None:
    kaggle.content = archive({"train.csv": b"lab_id,video_id\n"})
    ended = Told(tmp_path / "vol").carry_out()
    assert isinstance(ended, DownloadFailed)
    assert "train.csv" in ended.error
    assert "\n" not in ended.error
