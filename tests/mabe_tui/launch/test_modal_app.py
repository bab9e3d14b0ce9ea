"""The code that runs in a container, without one."""

import ast
import datetime as dt
import sys
from pathlib import Path

import msgspec
import pytest
import tomli_w

import core
import mabe_tui
from core.config.experiment import to_table
from core.run.limits import Limits
from core.run.request import Resolved, RunRequest
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.launch import modal_app
from mabe_tui.launch.modal_app import SOURCES, is_left_out, open_run
from mabe_tui.launch.modal_claims import OutdatedError, claim
from mabe_tui.launch.requirements import declared

NAME = "0001-abcd"
PACKAGE = {"tomli_w": "tomli-w"}
OPTIONAL = {"lightgbm", "numba", "sklearn", "h5py", "pynwb"}
"""For boosted models and digits, which their tasks ask for; for a computer without a GPU; and for importers,
which run here."""
REQUEST = RunRequest(
    run="v1-20261121T031500-k3f9",
    created=dt.datetime(2026, 11, 21, tzinfo=dt.UTC),
    launcher="modal",
    seed=1,
    experiment=BehaviourExperiment(name="v1"),
)
RESOLVED = Resolved(
    code_version="c", data_fingerprint="f", train_units=("1",), validation_units=("2",),
    torch="2", threads=1, device="cpu",
)  # fmt: skip


def text(request: RunRequest) -> str:
    return tomli_w.dumps(to_table(request))


def imports_of(folder: Path) -> set[str]:
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    return names


def test_the_image_has_all_that_core_imports_and_no_more() -> None:
    foreign = imports_of(Path(core.__file__).parent) - sys.stdlib_module_names - OPTIONAL - {"core"}
    assert {PACKAGE.get(name, name) for name in foreign} == set(declared("core"))


def test_the_app_imports_nothing_that_the_image_lacks() -> None:
    root = Path(mabe_tui.__file__).parent
    travellers = [path for path in root.rglob("*.py") if not is_left_out(path)]
    assert {path.name for path in travellers if path.parent.name == "launch"} == {*SOURCES}
    modules = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for path in travellers
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    own = {name for name in modules if name and name.startswith("mabe_tui")}
    assert {root.parent / (name.replace(".", "/") + ".py") for name in own} <= {*travellers}
    foreign = {name.split(".")[0] for name in modules - own if name} - sys.stdlib_module_names
    assert foreign <= {"modal", "core", "msgspec"}


def test_only_this_module_of_the_front_end_travels() -> None:
    assert not is_left_out(Path("mabe_tui/launch/modal_app.py"))
    assert not is_left_out(Path("mabe_tui/__init__.py"))
    assert is_left_out(Path("mabe_tui/cli/main.py"))
    assert is_left_out(Path("mabe_tui/launch/prices.toml"))


def test_a_second_start_keeps_what_the_first_found_out(tmp_path: Path) -> None:
    run, _ = open_run(tmp_path, text(REQUEST), NAME)
    run.write_request(msgspec.structs.replace(run.read_request(), resolved=RESOLVED))
    limited = msgspec.structs.replace(REQUEST, limits=Limits(seconds=60))
    again = open_run(tmp_path, text(limited), NAME)[0].read_request()
    assert again.resolved == RESOLVED
    assert again.limits.seconds == 60


def test_data_are_looked_for_where_the_volume_is_mounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = msgspec.structs.replace(REQUEST, data="/vol/mabe")

    def data() -> str | None:
        return open_run(tmp_path, text(request), NAME)[0].read_request().data

    assert data() == "/vol/mabe"
    monkeypatch.setattr(modal_app, "MOUNT_ROOT", tmp_path / "mounts")
    assert data() == str(tmp_path / "mounts/vol/mabe")


def test_each_start_is_an_attempt_of_its_own(tmp_path: Path) -> None:
    run, first = open_run(tmp_path, text(REQUEST), NAME)
    assert first == NAME
    second = claim(run, NAME)
    assert second.startswith("0002-")
    assert claim(run, "0002-wxyz").startswith("0003-")
    assert claim(run, "0005-abcd") == "0005-abcd"
    with pytest.raises(ValueError, match="not an attempt's name"):
        claim(run, "../0009-abcd")


def test_an_outdated_start_changes_nothing_in_the_folder(tmp_path: Path) -> None:
    run, _ = open_run(tmp_path, text(REQUEST), "0002-wxyz")
    before = run.read_request()
    older = msgspec.structs.replace(REQUEST, limits=Limits(seconds=60))
    with pytest.raises(OutdatedError):
        open_run(tmp_path, text(older), NAME)
    assert run.read_request() == before
    assert run.attempts() == ["0002-wxyz"]
