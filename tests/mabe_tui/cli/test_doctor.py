"""``mabe doctor`` finds problems, names the command that fixes them, and reveals no secret."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.errors import UserError
from mabe_tui.cli import doctor
from mabe_tui.cli.doctor import _disk, _kaggle, _registry
from mabe_tui.cli.main import app
from mabe_tui.runs.session import Session


def test_without_accounts_the_main_job_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MABE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MODAL_CONFIG_PATH", str(tmp_path / "none.toml"))
    for name in ("MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET"):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 0
    found = {finding["what"]: finding for finding in json.loads(result.stdout)}
    assert found["python"]["verdict"] == "good"
    assert found["registry"]["verdict"] == "good"
    assert found["modal"]["verdict"] == "missing"
    assert found["modal"]["mend"] == "modal token new"
    assert found["modal data"]["found"] == "not looked at; see modal"
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("[trash]\ndays = -1", "trash.days"),
        ('[[alerts]]\nwhen = "lost"\nto = ["slack"]\nurl = "file:/no"', "file:/no: cannot be read"),
    ],
)
def test_what_the_registry_says_of_trash_and_alerts_is_checked(
    tmp_path: Path, table: str, words: str
) -> None:
    path = tmp_path / "experiments.toml"
    path.write_text(f"[experiments.v1]\n{table}\n")
    with pytest.raises(UserError, match=words):
        _registry(Session(stated_registry=str(path)))


def test_a_broken_registry_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = tmp_path / "experiments.toml"
    registry.write_text("[v1\n")
    monkeypatch.setenv("MABE_HOME", str(tmp_path / "home"))
    result = CliRunner().invoke(app, ["--registry", str(registry), "doctor", "--json"])
    assert result.exit_code == 1
    found = {finding["what"]: finding for finding in json.loads(result.stdout)}
    assert found["registry"]["verdict"] == "bad"
    assert str(registry) in found["registry"]["found"]


def test_kaggle_credentials_are_found_and_never_shown(tmp_path: Path) -> None:
    secret = "s3cret"
    assert _kaggle({}, tmp_path).verdict == "missing"
    for environment in (
        {"KAGGLE_API_TOKEN": secret},
        {"KAGGLE_USERNAME": "me", "KAGGLE_KEY": secret},
        {"KAGGLE_KEY_USERNAME": "me", "KAGGLE_KEY_SECRET": secret},
    ):
        finding = _kaggle(environment, tmp_path)
        assert finding.verdict == "good"
        assert secret not in finding.found
    (tmp_path / ".kaggle").mkdir()
    (tmp_path / ".kaggle" / "kaggle.json").write_text('{"username": "me", "key": "s3cret"}')
    assert _kaggle({}, tmp_path).verdict == "good"


def test_no_word_is_broken_on_a_narrow_terminal(
    tmp_path: Path, narrow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("long-name" * 8)
    monkeypatch.setenv("MABE_HOME", str(folder))
    monkeypatch.setenv("MODAL_CONFIG_PATH", str(tmp_path / "none.toml"))
    result = CliRunner().invoke(app, ["doctor"])
    assert f"{folder}," in result.stdout.split()
    others = [line for line in result.stdout.splitlines() if "long-name" not in line]
    assert max(map(len, others)) <= 80


def test_a_full_disk_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_FREE_GIB", 1e9)
    finding = _disk(tmp_path / "not" / "there")
    assert (finding.verdict, finding.mend) == ("bad", "mabe gc, mabe trash empty")
