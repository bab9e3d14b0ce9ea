"""The container that downloads data: the files sent along, and failing commits."""

import ast
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import mabe_tui
from core.data.findings import Report
from mabe_tui.launch import modal_commits, modal_data_app
from mabe_tui.launch.data_messages import DownloadFailed, DownloadReady
from mabe_tui.launch.modal_data_app import REQUIREMENTS, is_left_out, see_through

ROOT = Path(mabe_tui.__file__).parent
PROVIDED = {"modal", "core"}
"""Modal puts its own package in, and our sources."""
TRAVELLERS = [path for path in ROOT.rglob("*.py") if not is_left_out(path)]


def modules_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_what_travels_imports_nothing_that_stays_at_home() -> None:
    for path in TRAVELLERS:
        for module in modules_of(path):
            if module.startswith("mabe_tui"):
                target = ROOT.parent / (module.replace(".", "/") + ".py")
                assert target in TRAVELLERS, f"{path} imports {module}"


def test_the_image_has_all_that_it_imports() -> None:
    roots = {module.split(".")[0] for path in TRAVELLERS for module in modules_of(path)}
    foreign = roots - sys.stdlib_module_names - PROVIDED - {"mabe_tui"}
    assert {module.replace("_", "-") for module in foreign} <= set(REQUIREMENTS)
    assert "torch" not in REQUIREMENTS


def test_the_dashboard_and_the_command_line_stay_at_home() -> None:
    assert {path.parent.name for path in TRAVELLERS if path.name != "__init__.py"} == {
        "launch",
        "kaggle_io",
    }


READY = DownloadReady(videos=1, frames=1, prepared="x", report=Report(root="x"))
FAILED = DownloadFailed(error="the rules were not accepted")


def refuse() -> None:
    raise PermissionError("not yours")


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_PAUSE", "LONGEST_PAUSE", "HASTY_PAUSE"):
        monkeypatch.setattr(modal_commits, name, 0.001)
    monkeypatch.setattr(modal_data_app, "INSIST_SECONDS", 0.05)
    monkeypatch.setattr(modal_data_app, "SECONDS_AFTER_SIGNAL", 0.05)


@pytest.mark.usefixtures("hurried")
def test_commits_that_fail_are_said_once_and_end_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modal_data_app, "INSIST_SECONDS", 60.0)
    said, failures = list[str](), [1, 1, 1]

    def commit() -> None:
        if failures:
            failures.pop()
            refuse()

    def work(keep: Callable[[], object]) -> DownloadReady:
        keep()
        keep()
        return READY

    assert see_through(work, commit, said.append) is READY
    assert said == [
        "the volume could not be committed (PermissionError: not yours); the work goes on, trying again",
        "the volume is committed again",
    ]


@pytest.mark.usefixtures("hurried")
def test_only_data_that_are_ready_need_the_last_commit() -> None:
    said = list[str]()
    assert see_through(lambda _: FAILED, refuse, said.append) is FAILED
    with pytest.raises(RuntimeError, match=r"could not be committed.*not yours"):
        see_through(lambda _: READY, refuse, said.append)


@pytest.mark.usefixtures("hurried")
def test_a_preemption_is_no_failed_commit() -> None:
    def taken_away(_: object) -> DownloadReady:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        see_through(taken_away, refuse, list[str]().append)
