"""What travels into the container that fetches data."""

import ast
import sys
from pathlib import Path

import mabe_tui
from mabe_tui.launch.modal_data_app import REQUIREMENTS, is_left_out

ROOT = Path(mabe_tui.__file__).parent
PROVIDED = {"modal", "core", "kagglesdk", "requests"}
"""Modal puts its own package in; the last two come with kaggle's."""
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
    assert foreign <= set(REQUIREMENTS)
    assert "torch" not in REQUIREMENTS


def test_the_dashboard_and_the_command_line_stay_at_home() -> None:
    assert {path.parent.name for path in TRAVELLERS if path.name != "__init__.py"} == {
        "launch",
        "kaggle_io",
    }
