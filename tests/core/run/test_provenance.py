"""What an attempt ran with: checkouts, redaction, packages."""

import datetime as dt
import importlib.metadata
import subprocess
from pathlib import Path

import msgspec
import pytest
from packaging.utils import canonicalize_name

from core.run import checkout, provenance
from core.run.checkout import checkouts
from core.run.limits import Limits
from core.run.redaction import MARK, redacted
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=trunk"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "model.py").write_text("width = 1\n")
    (folder / "other.txt").write_text("elsewhere\n")
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "First")
    return folder


def test_a_clean_checkout_differs_in_nothing(repository: Path) -> None:
    (found,) = checkouts([repository / "model.py", repository])
    assert found.diff == ""
    assert (found.checkout.branch, found.checkout.is_dirty) == ("trunk", False)
    assert len(found.checkout.commit or "") == 40
    assert str(found.checkout) == f"{found.checkout.commit[:9]} on trunk"


def test_changes_are_kept_and_untracked_files_named(repository: Path) -> None:
    (repository / "model.py").write_text("width = 2\n")
    (repository / "new.py").write_text("secret_of_a_new_file = 1\n")
    (found,) = checkouts([repository])
    assert found.checkout.changed == ("model.py",)
    assert found.checkout.untracked == ("new.py",)
    assert "+width = 2" in found.diff
    assert "secret_of_a_new_file" not in found.diff
    (names,) = checkouts([repository], with_diff=False)
    assert (names.diff, names.checkout.changed) == ("", ("model.py",))


def test_what_lies_elsewhere_in_the_checkout_is_not_looked_at(repository: Path) -> None:
    (repository / "other.txt").write_text("changed\n")
    (found,) = checkouts([repository / "model.py"])
    assert not found.checkout.is_dirty


def test_a_long_difference_is_cut_at_a_line_and_hashed_whole(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "model.py").write_text("".join(f"line = {n}\n" for n in range(500)))
    (whole,) = checkouts([repository])
    monkeypatch.setattr(checkout, "MOST_DIFF_BYTES", 1000)
    (cut,) = checkouts([repository])
    assert cut.checkout.diff_sha256 == whole.checkout.diff_sha256
    assert cut.checkout.diff_bytes == len(whole.diff)
    assert len(cut.diff) <= 1000
    assert whole.diff.startswith(cut.diff)
    assert cut.diff.endswith("\n")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ('api_key = "abcd1234efgh"', "abcd1234efgh"),
        ("MODAL_TOKEN_SECRET=as-0123456789abcdef0123", "0123456789"),
        ("+KAGGLE_API_TOKEN: 0123abcd4567", "0123abcd4567"),
        ("https://me:hunter2@example.org/x", "hunter2"),
        ("x = ghp_0123456789abcdefABCDEF0123456789abcd", "ghp_0123"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\ndef", "def"),
        ("url = https://hooks.slack.com/services/T0/B0/xyz", "T0/B0"),
    ],
)
def test_secrets_are_replaced(text: str, secret: str) -> None:
    safe, count = redacted(text)
    assert secret not in safe
    assert MARK in safe
    assert count >= 1


def test_code_without_secrets_stays_as_it_is() -> None:
    text = "tokens = windows(frames)\npassword: str\nseed = 12345678\nkey = sorted(by, key=len)\n"
    assert redacted(text) == (text, 0)


@pytest.fixture
def run(tmp_path: Path) -> tuple[RunDir, RunRequest]:
    request = RunRequest(
        run="v6-20261121T031500-k3f9", created=dt.datetime(2026, 11, 21, tzinfo=dt.UTC),
        launcher="local", seed=7, experiment=BehaviourExperiment(name="v6"), limits=Limits(),
    )  # fmt: skip
    run = RunDir(tmp_path / request.run)
    run.write_request(request)
    return run, request


def test_code_and_packages_survive(
    run: tuple[RunDir, RunRequest], repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, request = run
    (repository / "model.py").write_text("width = 3\n")
    request = msgspec.structs.replace(request, task_source=str(repository))
    attempt = folder.claim_attempt()
    provenance.record(folder, request, attempt)
    code = provenance.read_code(folder, attempt)
    assert code is not None
    assert code.checkouts[-1].changed == ("model.py",)
    assert "+width = 3" in provenance.read_diff(folder, attempt)
    found = provenance.read_environment(folder, attempt)
    assert found is not None
    assert found == provenance.environment_now()
    assert "msgspec" in found.packages
    assert provenance.newest_recorded(folder, provenance.CODE) == attempt


def test_nothing_is_recorded_when_switched_off(
    run: tuple[RunDir, RunRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, request = run
    attempt = folder.claim_attempt()
    monkeypatch.setenv(provenance.VARIABLE, "off")
    provenance.record(folder, request, attempt)
    assert [*folder.attempt_folder(attempt).iterdir()] == []
    assert provenance.newest_recorded(folder, provenance.PACKAGES) is None


def test_without_git_the_reason_is_recorded(
    run: tuple[RunDir, RunRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, request = run
    attempt = folder.claim_attempt()
    monkeypatch.setenv("PATH", str(folder.path))
    provenance.record(folder, request, attempt)
    assert provenance.read_code(folder, attempt) == provenance.Code(problem="git is not installed")
    assert provenance.read_environment(folder, attempt) is not None


def test_packages_are_those_of_importlib() -> None:
    found = provenance.environment_now().packages
    told = {
        canonicalize_name(each.metadata["Name"]): each.version
        for each in reversed([*importlib.metadata.distributions()])
    }
    assert found == told


def test_names_of_folders_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "Foo_bar-1.0rc1+cpu.dist-info",
        "old-name-2.1-py3.11.egg-info",
        "x.dist-info",
        "y",
    ):
        (tmp_path / name).mkdir()
    monkeypatch.setattr("sys.path", [str(tmp_path), str(tmp_path / "missing")])
    assert provenance.environment_now().packages == {"foo-bar": "1.0rc1+cpu", "old-name": "2.1"}
