"""All imports are declared as dependencies, and the wheel contains what is needed outside a checkout."""

import ast
import importlib.metadata
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from core.run.code_version import code_version
from tests.waiting import LONG

ROOT = Path(__file__).resolve().parents[1]
OWN = {"core", "mabe_tui", "tests"}
OPTIONAL = {"textual_plot", "textual_plotext"}
"""Other chart libraries, for a benchmark that reports if they are not installed."""


def imported_by(folder: Path) -> set[str]:
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - OWN


def declared_by(*extras: str) -> set[str]:
    """Return the distributions in the extras, including those of nested extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tables = {"": project["dependencies"], **project["optional-dependencies"]}
    found: set[str] = set()
    for extra in extras:
        for requirement in map(Requirement, tables[extra]):
            is_own = requirement.name == project["name"]
            found |= declared_by(*requirement.extras) if is_own else {requirement.name}
    return {canonicalize_name(name) for name in found}


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("core", ("core", "fast", "boost", "pairs", "poses")),
        ("mabe_tui", ("", "mcp", "tensorboard", "wandb")),
        ("mabe_tui/kaggle_io", ("core", "kaggle")),
        ("tests", ("", "dev")),
    ],
)
def test_every_package_that_is_imported_is_declared(folder: str, extras: tuple[str, ...]) -> None:
    declared = declared_by(*extras)
    owners = importlib.metadata.packages_distributions()
    undeclared = {
        name
        for name in imported_by(ROOT / folder) - OPTIONAL
        if not declared & {canonicalize_name(owner) for owner in owners.get(name, [name])}
    }
    assert not undeclared


def test_every_package_that_may_be_installed_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert all([s.operator for s in requirement.specifier] == ["=="] for requirement in pinned)
    names = {canonicalize_name(requirement.name) for requirement in pinned}
    assert declared_by("", "dev", "fast", "boost", "wandb") <= names


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as by an installer."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*command, "--directory", folder], cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def outside(wheel: Path, folder: Path, code: str, *arguments: str) -> str:
    """Run code in another folder with the wheel first on the path; return its output."""
    environment = {**os.environ, "PYTHONPATH": str(wheel), "MABE_HOME": str(folder / "home")}
    environment.pop("MABE_REGISTRY", None)
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=LONG, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_wheel_has_its_registry_and_says_it_is_typed(wheel: Path) -> None:
    registry = (ROOT / "experiments.toml").read_bytes()
    assert (wheel / "core/experiments.toml").read_bytes() == registry
    for package in ("core", "mabe_tui"):
        assert (wheel / package / "py.typed").is_file()
        sources = {path.relative_to(ROOT) for path in (ROOT / package).rglob("*.py")}
        assert sources == {path.relative_to(wheel) for path in (wheel / package).rglob("*.py")}


def test_the_wheel_lists_its_versions_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    code = "from mabe_tui.cli.main import run; run()"
    listed = json.loads(outside(wheel, tmp_path, code, "list", "--json"))
    assert {"v1", "v7"} <= {row["version"] for row in listed}


def test_the_wheel_knows_its_code_and_what_its_image_needs(wheel: Path, tmp_path: Path) -> None:
    code = (
        "import core; from core.run.code_version import code_version; print(code_version());"
        "from mabe_tui.launch.requirements import declared; print(*declared('core', 'kaggle'));"
        "print(core.__file__)"
    )
    version, names, path = outside(wheel, tmp_path, code).splitlines()
    assert version == code_version()
    assert {canonicalize_name(name) for name in names.split()} == declared_by("core", "kaggle")
    assert path == str(wheel / "core/__init__.py")
