"""Images contain the packages declared in ``pyproject.toml``, and code in them imports no others."""

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import modal
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from core.errors import RunError
from mabe_tui.launch import modal_app, modal_data_app, modal_probe_app, requirements
from mabe_tui.launch.requirements import declared, pinned
from tests.waiting import LONG

ROOT = Path(modal_app.__file__).resolve().parents[2]
OPTIONAL = {"core.features.kernel"}
"""Imported only where the extra ``fast`` is installed."""
IMPORTER = """
import importlib.abc, json, sys

class Image(importlib.abc.MetaPathFinder):
    '''Refuses what an image does not have.'''

    def find_spec(self, name, path, target=None):
        top = name.partition(".")[0]
        if top in asked["missing"] or (top == "mabe_tui" and name not in asked["travelling"]):
            raise ModuleNotFoundError(f"No module named {name!r} in the image", name=name)

asked = json.loads(sys.argv[1])
sys.meta_path.insert(0, Image())
for name in asked["imported"]:
    __import__(name)
"""


def closure(names: Iterable[str]) -> set[str]:
    """The distributions that are installed with these, as their metadata have it."""
    found: set[str] = set()
    waiting = [Requirement(name) for name in names]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in found:
            continue
        found.add(name)
        wanted = map(Requirement, importlib.metadata.requires(name) or ())
        extras = requirement.extras or {""}
        waiting += [
            r
            for r in wanted
            if not r.marker or any(r.marker.evaluate({"extra": extra}) for extra in extras)
        ]
    return found


def packages_without(distributions: set[str]) -> list[str]:
    """The packages that are installed here and would not be where only these distributions are."""
    return [
        package
        for package, owners in importlib.metadata.packages_distributions().items()
        if not distributions & {canonicalize_name(owner) for owner in owners}
    ]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def import_in_image(
    names: Iterable[str], is_left_out: Callable[[Path], bool], core_too: bool
) -> subprocess.CompletedProcess[str]:
    """Import, in a new interpreter, all that travels and perhaps all of core."""
    travelling = [
        module_of(path) for path in (ROOT / "mabe_tui").rglob("*.py") if not is_left_out(path)
    ]
    core = {module_of(path) for path in (ROOT / "core").rglob("*.py")} if core_too else set()
    missing = {*packages_without(closure([*names, "modal"]))} - {"core", "mabe_tui"}
    asked = {
        "missing": [*missing],
        "travelling": travelling,
        "imported": [*travelling, *core - OPTIONAL],
    }
    return subprocess.run(
        [sys.executable, "-c", IMPORTER, json.dumps(asked)],
        cwd=ROOT, capture_output=True, text=True, timeout=LONG, check=False,
    )  # fmt: skip


def test_the_training_image_is_enough_for_all_of_core() -> None:
    names = declared("core")
    assert import_in_image(names, modal_app.is_left_out, core_too=True).stderr == ""


def test_the_image_that_fetches_data_is_enough_without_torch() -> None:
    names = modal_data_app.REQUIREMENTS
    assert "torch" not in names
    assert import_in_image(names, modal_data_app.is_left_out, core_too=False).stderr == ""


def test_the_image_that_probes_is_enough() -> None:
    result = import_in_image(declared("core"), modal_probe_app.is_left_out, core_too=False)
    assert result.stderr == ""


def test_a_package_that_is_not_declared_is_missed() -> None:
    names = [name for name in declared("core") if name != "tomli-w"]
    result = import_in_image(names, modal_app.is_left_out, core_too=False)
    assert "No module named 'tomli_w' in the image" in result.stderr


PROJECT = """[project]
name = "mabe"
[project.optional-dependencies]
core = ["tomli-w>=1.1", "numpy"]
kaggle = ["kaggle>=2.2 ; python_version > '3'", "numpy"]
"""
METADATA = ["mabe[core]", "tomli-w>=1.1; extra == 'core'", 'numpy ; extra == "core"', "rich>=13"]


def test_a_checkout_is_read_before_the_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.metadata, "requires", {"mabe": METADATA}.get)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    assert declared("core", root=tmp_path) == ("numpy", "tomli-w")
    assert declared("core", "kaggle", root=tmp_path) == ("kaggle", "numpy", "tomli-w")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "another"\n')
    assert declared("core", root=tmp_path) == ("numpy", "tomli-w")


def test_where_nothing_says_what_is_needed_no_image_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> list[str]:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", refuse)
    with pytest.raises(RunError, match="not installed"):
        declared("core", root=tmp_path)
    monkeypatch.setattr(requirements.modal, "is_local", lambda: False)
    assert declared("core", root=tmp_path) == ()


def test_versions_are_those_that_are_installed_without_build_tags() -> None:
    assert pinned("msgspec") == f"msgspec=={importlib.metadata.version('msgspec')}"
    assert pinned("modal") == f"modal=={modal.__version__}"
    assert "+" not in pinned("torch")
    assert pinned("no-such-package") == "no-such-package"
