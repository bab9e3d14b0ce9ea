"""Deliver a submission with Kaggle's real client to a stand-in, with everything that goes wrong there."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import UserError
from mabe_tui.kaggle_io.account import Account
from mabe_tui.kaggle_io.connect import connect
from mabe_tui.kaggle_io.credentials import Credentials
from mabe_tui.kaggle_io.deliver import deliver
from mabe_tui.kaggle_io.journal import Journal, SubmissionRecord, open_journal, read_record
from mabe_tui.kaggle_io.step import Patience
from tests.loopback.kaggle_site import Fault, Notebook, Ran, Site, kaggle_site

SLUG = "mabe-v8-k3f9"
LOST = Fault(after=True)
"""Done, and the answer is lost."""
GOOD = b"row_id,video_id\n0,1\n"
Send = Callable[..., SubmissionRecord]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "TEST")
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "none"))
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name, raising=False)
    ran = Ran(files={"submission.csv": GOOD, "other.txt": b""}, log="[]")
    with kaggle_site(Site(run=lambda *_: ran)) as site:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # where the client notes its uploads
        yield site


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def account(site: Site, said: list[str]) -> Account:
    me = Credentials("a test", username="me", key="s3cret")
    return connect(me, said.append, sleep=lambda seconds: said.append(f"slept {seconds:g}"))


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    folder = tmp_path / "run" / "submission" / "abc"
    (folder / "dataset").mkdir(parents=True)
    (folder / "dataset" / "model.pt").write_bytes(bytes(range(256)) * 40)
    (folder / "dataset" / "core.zip").write_bytes(b"PK")
    about = {"title": "mabe v8 k3f9", "id": f"me/{SLUG}", "licenses": [{"name": "other"}]}
    (folder / "dataset" / "dataset-metadata.json").write_text(json.dumps(about))
    (folder / "kernel").mkdir()
    cell = {"cell_type": "code", "source": ["# abc"], "metadata": {}, "outputs": []}
    (folder / "kernel" / "notebook.ipynb").write_text(json.dumps({"cells": [cell]}))
    kernel = {
        "id": f"me/{SLUG}",
        "title": "mabe v8 k3f9",
        "code_file": "notebook.ipynb",
        "language": "python",
        "kernel_type": "notebook",
        "enable_internet": False,
        "dataset_sources": [f"me/{SLUG}"],
        "competition_sources": ["mice"],
    }
    (folder / "kernel" / "kernel-metadata.json").write_text(json.dumps(kernel))
    return folder


@pytest.fixture
def send(account: Account, stage: Path, said: list[str]) -> Send:
    """Deliver, or go on delivering; ``settling`` and the like are patience."""

    def sent(problems: list[str] | None = None, **patience: Any) -> SubmissionRecord:
        with open_journal(stage.with_suffix(".toml"), new_record()) as journal:
            return delivered(account, journal, stage, said, problems or [], **patience)

    return sent


def new_record() -> SubmissionRecord:
    return SubmissionRecord(
        digest="abc",
        created=dt.datetime(2026, 12, 1, tzinfo=dt.UTC),
        competition="mice",
        runs=("v8-k3f9",),
        owner="me",
        slug=SLUG,
    )


def delivered(
    account: Account,
    journal: Journal,
    stage: Path,
    said: list[str],
    problems: list[str],
    **patience: Any,
) -> SubmissionRecord:
    waits = Patience(**{"between_looks": 1.0, "settling": 0.0, **patience})
    return deliver(account, journal, stage, lambda _: problems, said.append, lambda *_: None, waits)


def test_everything_arrives_once_and_is_scored(
    site: Site, send: Send, stage: Path, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    record = send()
    assert (record.status, record.public_score, record.private_score) == ("COMPLETE", 0.41, 0.4)
    assert (record.kernel_version, record.rank) == (1, 7)
    assert {*site.datasets[SLUG][0]} == {"model.pt", "core.zip"}
    assert site.datasets[SLUG][0]["model.pt"] == (stage / "dataset/model.pt").read_bytes()
    pushed = site.kernels[SLUG][0].body
    assert (pushed["enableInternet"], pushed["isPrivate"]) == (False, True)
    assert pushed["competitionDataSources"] == ["mice"]
    assert (stage / "submission.csv").read_bytes() == GOOD
    assert site.submissions[0]["description"] == "v8-k3f9 [mabe abc.1]"
    assert "submissions left today: 5 (0 used)" in said
    calls = len(site.calls)
    assert send() == record
    assert len(site.calls) == calls  # what is finished is not asked about again
    assert capsys.readouterr().out == ""


def test_no_secret_is_kept(site: Site, send: Send, stage: Path, said: list[str]) -> None:
    site.faults = {"SaveKernel": [Fault(401, "no")]}
    with pytest.raises(UserError, match="refuses the credentials"):
        send()
    send()
    kept = b"".join(p.read_bytes() for p in stage.parent.rglob("*") if p.is_file())
    assert b"s3cret" not in kept
    assert "s3cret" not in "".join(said)
    assert all(each.startswith("Basic ") for each in site.authorization)


def test_a_token_has_an_owner(site: Site, said: list[str]) -> None:
    assert connect(Credentials("a test", token="t0ken"), said.append).name == "me"
    with pytest.raises(UserError, match="does not accept the token any more"):
        connect(Credentials("a test", token="old"), said.append)


def test_another_version_of_the_dataset_is_made_where_there_is_one(site: Site, send: Send) -> None:
    site.datasets[SLUG] = [{"old": b""}]
    site.descriptions[SLUG] = ""
    send()
    assert len(site.datasets[SLUG]) == 2
    assert site.count("CreateDataset") == 0


def test_a_notebook_waits_for_the_new_version_of_its_dataset(site: Site, send: Send) -> None:
    site.datasets[SLUG] = [{"old": b""}]
    site.descriptions[SLUG] = ""
    site.faults = {
        "GetDataset": [Fault(answer={}), *[Fault(answer={"currentVersionNumber": 1})] * 2]
    }
    send()
    assert site.calls[: site.calls.index("SaveKernel")].count("GetDataset") == 4


def test_a_version_that_was_pushed_from_elsewhere_is_not_ours(site: Site, send: Send) -> None:
    site.faults = {"SaveKernel": [Fault()]}
    with pytest.raises(UserError, match="the connection broke"):
        send()
    site.kernels[SLUG] = [Notebook({"text": "another"}, Ran("ERROR"))]
    assert send().kernel_version == 2


@pytest.mark.parametrize(
    ("method", "done"),
    [
        ("CreateDataset", lambda site: len(site.datasets[SLUG])),
        ("SaveKernel", lambda site: len(site.kernels[SLUG])),
        ("CreateCodeSubmission", lambda site: len(site.submissions)),
    ],
)
@pytest.mark.parametrize(
    "fault",
    [LOST, Fault(504, after=True), Fault(), Fault(504)],
    ids=["lost", "lost behind a gateway", "broken", "broken behind a gateway"],
)
def test_what_may_have_arrived_is_looked_up_before_it_is_repeated(
    site: Site, send: Send, method: str, done: Callable[[Site], int], fault: Fault
) -> None:
    site.faults = {method: [fault]}
    if not fault.after:  # nothing has arrived: it stops, and the next command repeats it
        with pytest.raises(UserError, match="the same command continues"):
            send()
    assert send().status == "COMPLETE"
    assert done(site) == 1


class Cut(BaseException):
    """The program ends here."""


@pytest.mark.parametrize("after", range(1, 11))
def test_a_cut_after_any_step_spends_nothing_twice(
    site: Site, account: Account, stage: Path, send: Send, after: int, said: list[str]
) -> None:
    with pytest.raises(Cut), open_journal(stage.with_suffix(".toml"), new_record()) as journal:
        delivered(account, CutJournal(journal, after), stage, said, [])
    assert send().status == "COMPLETE"
    assert len(site.datasets[SLUG]) == len(site.kernels[SLUG]) == len(site.submissions) == 1


class CutJournal(Journal):
    """Ends the program in place of a note, when what it would note was already done."""

    def __init__(self, journal: Journal, after: int) -> None:
        super().__init__(journal.path, journal.record)
        self._left = after

    def note(self, **changes: Any) -> SubmissionRecord:
        self._left -= 1
        if not self._left:
            raise Cut
        return super().note(**changes)


def test_an_upload_goes_on_where_it_broke_off(site: Site, send: Send, stage: Path) -> None:
    site.upload_cuts = [1, 100]
    send()
    assert site.datasets[SLUG][0]["model.pt"] == (stage / "dataset/model.pt").read_bytes()
    assert len(site.blobs) == 2  # none was begun anew


def test_a_dataset_without_one_of_its_files_is_not_made(site: Site, send: Send) -> None:
    site.upload_refusals = [400]
    with pytest.raises(UserError, match="only 1 of 2 files were uploaded; the same command"):
        send()
    assert site.datasets == {}
    assert send().status == "COMPLETE"


def test_requests_are_held_back_as_long_as_kaggle_wants(
    site: Site, send: Send, said: list[str]
) -> None:
    slow = Fault(429, "slow down", {"Retry-After": "7"})
    site.faults = {method: [slow] for method in ("StartBlobUpload", "SaveKernel", "GetSubmission")}
    send()
    assert said.count("slept 7") == 3
    assert "Kaggle wants fewer requests; going on in 7 s" in said
    assert len(site.kernels[SLUG]) == 1


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        (
            {"GetCompetition": [Fault(429, "", {"Retry-After": "3600"})]},
            r"^Kaggle wants fewer requests; the same command works in 3600 s$",
        ),
        (
            {"CreateDataset": [Fault(answer={"status": "error", "error": "title in use"})]},
            r"does not take the dataset: title in use; --name gives it another name",
        ),
        (
            {"SaveKernel": [Fault(answer={"invalidCompetitionSources": ["mice"]})]},
            r"does not attach mice to the notebook",
        ),
        (
            {"SaveKernel": [Fault(answer={"error": "GPU quota used up"})]},
            r"does not take the notebook: GPU quota used up",
        ),
        ({"SaveKernel": [Fault(403, "phone?")]}, r"not allow pushing the notebook \(phone\?\)"),
        (
            {"GetDatasetStatus": [Fault(404), Fault(answer={"status": "FAILED"})]},
            rf"the dataset me/{SLUG} is failed; the same command pushes it again",
        ),
        (
            {"CreateCodeSubmission": [Fault(400, "Could not find provided notebook")] * 2},
            rf"Kaggle: version 1 of the notebook me/{SLUG}: nothing new",
        ),
        (
            {"CreateCodeSubmission": [Fault(400, "Submission not allowed: no file")]},
            r"submitting: refused with 400 \(Submission not allowed: no file\)",
        ),
    ],
)
def test_a_refusal_is_one_line_and_the_same_command_goes_on(
    site: Site, send: Send, stage: Path, faults: dict[str, list[Fault]], words: str
) -> None:
    journal = stage.with_suffix(".toml")
    site.faults = {method: [*queue] for method, queue in faults.items()}
    with pytest.raises(UserError, match=words) as caught:
        send(unknown=0.0)
    assert "\n" not in str(caught.value)
    assert not journal.exists() or read_record(journal).asked is None
    site.faults = {}
    assert send().status == "COMPLETE"
    assert len(site.submissions) == 1


def test_a_notebook_that_is_not_known_at_once_is_waited_for(
    site: Site, send: Send, said: list[str]
) -> None:
    site.faults = {
        "GetKernelSessionStatus": [Fault(404, "no such version")],
        "CreateCodeSubmission": [Fault(404, "Could not find provided notebook.")] * 2,
    }
    assert send().status == "COMPLETE"
    assert len(site.submissions) == len(site.kernels[SLUG]) == 1


@pytest.mark.parametrize(
    ("ran", "words"),
    [
        (
            Ran(
                "ERROR",
                log=json.dumps([{"data": t} for t in ("a\n", "ImportError: x\n", "[Nb] b\n")]),
            ),
            r"failed: ImportError: x; its log is .*log\.txt; the same command pushes it again",
        ),
        (Ran("ERROR", failure="out of memory"), r"failed \(out of memory\)"),
        (Ran("CANCEL_ACKNOWLEDGED"), "was cancelled"),
        (Ran(files={"other.csv": b""}), r"version 1, ended without a submission\.csv"),
    ],
)
def test_a_notebook_that_fails_is_not_submitted(
    site: Site, send: Send, ran: Ran, words: str
) -> None:
    good, site.run = site.run, lambda *_: ran
    with pytest.raises(UserError, match=words):
        send()
    assert site.submissions == []
    site.run = good
    assert send().kernel_version == 2


def test_what_would_be_rejected_is_not_submitted(site: Site, send: Send) -> None:
    with pytest.raises(UserError, match=r"would reject it: row 1: start > stop"):
        send(problems=["row 1: start > stop"])
    assert site.submissions == []


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"left_today": 0, "used_today": 5}, r"left today \(5 used\); there are more from 00:00"),
        ({"disabled": True}, "takes no submissions to mice any more"),
        ({"entered": False}, r"rules accepted first: kaggle\.com/competitions/mice/rules"),
    ],
)
def test_nothing_is_pushed_where_nothing_can_be_submitted(
    site: Site, send: Send, state: dict[str, Any], words: str
) -> None:
    for name, value in state.items():
        setattr(site, name, value)
    with pytest.raises(UserError, match=words):
        send()
    assert site.datasets == {}


def test_a_quota_used_up_meanwhile_leaves_the_notebook_for_tomorrow(site: Site, send: Send) -> None:
    good = site.run

    def run(body: dict[str, Any], files: dict[str, bytes]) -> Ran:
        site.left_today = 0
        return good(body, files)

    site.run = run
    with pytest.raises(UserError, match="the notebook is done and need not run again"):
        send()
    site.left_today = 5
    assert send().kernel_version == 1


def test_late_submissions_have_no_rank(site: Site, send: Send, said: list[str]) -> None:
    site.deadline = "2025-12-15T23:59:00Z"
    assert send().rank is None
    assert any("scored, without a rank" in each for each in said)


def test_an_error_without_a_reason_is_kept_as_one(site: Site, send: Send) -> None:
    site.scored = {"status": "ERROR", "errorDescription": ""}
    record = send()
    assert (record.status, record.error, record.public_score) == ("ERROR", "", None)


def test_one_process_at_a_time(stage: Path, send: Send) -> None:
    with (
        open_journal(stage.with_suffix(".toml"), new_record()),
        pytest.raises(UserError, match="another `mabe submit` is at work on it"),
    ):
        send()
