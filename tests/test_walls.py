"""Rules for modules: no names of a task outside its packages, no hidden imports, no import cycles.

Comments and docstrings may contain examples; identifiers and strings in code may not.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from core.config import registry
from core.config.task_spec import task_spec

ROOT = Path(__file__).parents[1]
OWN_ROOMS = (
    "core/tasks/",
    "core/boosting/",
    "core/models/",
    "core/features/",
    "core/data/",
    "core/submission/",
    "mabe_tui/kaggle_io/",
)
"""Packages of the tasks, and of the competition whose data they use."""
OF_VIDEOS = "shows videos of mice: a view that a task has to offer"
OF_CLASSES = "shows how well each class is told apart: a view that a task has to offer"
OF_DATA = "the commands about folders of mouse videos"
EXCEPTIONS = {
    "core/evaluation/frames.py": "the statistics of classified frames, which the task names by path",
    "core/evaluation/competition.py": "the competition's official score",
    "core/evaluation/table.py": "reads evaluation tables of earlier versions",
    "core/config/reported.py": "what the original documents claim of v1 to v7",
    "core/config/tuning.py": "names settings that must not be tuned",
    "mabe_tui/runs/old_logs/old_log.py": "reads the logs of the training scripts before mabe",
    "mabe_tui/runs/old_logs/import_log.py": "makes runs of these logs",
    "mabe_tui/runs/videos/video.py": OF_VIDEOS,
    "mabe_tui/runs/videos/video_prediction.py": OF_VIDEOS,
    "mabe_tui/tui/screens/video/rows.py": OF_VIDEOS,
    "mabe_tui/tui/screens/video/screen.py": OF_VIDEOS,
    "mabe_tui/tui/screens/video/player.py": OF_VIDEOS,
    "mabe_tui/tui/class_styles.py": OF_VIDEOS,
    "mabe_tui/tui/widgets/arena.py": OF_VIDEOS,
    "mabe_tui/tui/key_tables/videos.py": "the keys of videos",
    "mabe_tui/tui/key_tables/everywhere.py": "the key F1",
    "mabe_tui/tui/screens/dialogs/help.py": "the key F1",
    "mabe_tui/runs/comparison/inspection.py": OF_CLASSES,
    "mabe_tui/runs/comparison/class_picture.py": OF_CLASSES,
    "mabe_tui/plotting/matrix.py": OF_CLASSES,
    "mabe_tui/cli/comparison/compare_checkpoints.py": OF_CLASSES,
    "mabe_tui/cli/main.py": "what mabe is, in one sentence",
    "mabe_tui/plotting/skeleton.py": OF_VIDEOS,
    "mabe_tui/cli/comparison/video_command.py": OF_VIDEOS,
    "mabe_tui/cli/data/data_commands.py": OF_DATA,
    "mabe_tui/cli/data/layout.py": OF_DATA,
    "mabe_tui/cli/data/pose_import.py": OF_DATA,
    "mabe_tui/cli/data/synth_command.py": OF_DATA,
    "mabe_tui/cli/data/data_remote.py": OF_DATA,
    "mabe_tui/launch/data_job.py": OF_DATA,
    "mabe_tui/launch/data_messages.py": OF_DATA,
    "mabe_tui/cli/launching/demo.py": "the demo trains v5 and v6 on simulated mice",
}
"""Files that may name a metric, a class or mice, with the reason."""
OPENS_SCREENS = "mabe_tui/tui/app.py"


def sources() -> list[Path]:
    return sorted(path for room in ("core", "mabe_tui") for path in (ROOT / room).rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# ── names of a task ───────────────────────────────────────────────────────────────────────────


@cache
def refused() -> re.Pattern[str]:
    """Match task-specific metrics, class names except the background, and mice."""
    metrics = [m.name for m in task_spec("behaviour").metrics if "_" in m.name or m.name == "f1"]
    classes = registry.load(registry.default_path()).experiment("v1").classes[1:]
    words = "|".join(map(re.escape, (*metrics, *classes, "mice", "mouse")))
    return re.compile(rf"(?<![a-z0-9_])({words})(?![a-z0-9_])", re.IGNORECASE)


def spoken(tree: ast.Module) -> Iterator[str]:
    """Yield the identifiers and strings of a module, without docstrings."""
    notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and id(node) not in notes:
                yield node.value
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg | ast.keyword):
            yield node.arg or ""


def named(path: Path) -> set[str]:
    """Return the forbidden words in a file."""
    return {word for text in spoken(tree_of(path)) for word in refused().findall(text)}


def test_names_of_a_task_stay_in_its_rooms() -> None:
    outside = [path for path in sources() if not name_of(path).startswith(OWN_ROOMS)]
    found = {name_of(path): sorted(words) for path in outside if (words := named(path))}
    assert {name: words for name, words in found.items() if name not in EXCEPTIONS} == {}
    assert sorted(EXCEPTIONS.keys() - found.keys()) == [], "these need no exception any more"


def test_what_is_refused_is_found() -> None:
    tree = ast.parse('"""f1_macro"""\nbest = run.f1_macro\nword = "of mating"\nx.on_mouse = 1\n')
    assert {w for text in spoken(tree) for w in refused().findall(text)} == {"f1_macro", "mating"}


# ── imports ───────────────────────────────────────────────────────────────────────────────────


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield all imports, wherever they are: ``package.module`` and ``package.module.name``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def hidden_imports(tree: ast.Module) -> Iterator[str]:
    """Yield imports that are not at the top of a module."""
    for node in tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports(node)


@pytest.mark.parametrize("path", (ROOT / "mabe_tui/tui").rglob("*.py"), ids=name_of)
def test_only_the_app_turns_a_wish_for_a_screen_into_one(path: Path) -> None:
    hidden = set(hidden_imports(tree_of(path)))
    if name_of(path) == OPENS_SCREENS:
        assert hidden, "the screens are imported when they are first wanted"
        return
    rooms = ("mabe_tui.tui.screens", "mabe_tui.tui.app")
    assert [name for name in sorted(hidden) if name.startswith(rooms)] == []
    assert "mabe_tui.tui.app" not in set(imports(tree_of(path)))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_no_module_imports_itself_by_way_of_others() -> None:
    modules = {module_of(path): path for path in sources()}
    ahead = {m: (set(imports(tree_of(p))) & modules.keys()) - {m} for m, p in modules.items()}
    circular = set(modules)
    while leaves := {
        m for m in circular if not ahead[m] & circular
    }:  # imports of no remaining modules
        circular -= leaves
    while roots := {m for m in circular if not any(m in ahead[o] for o in circular)}:
        circular -= roots
    assert sorted(circular) == []


def test_a_class_shares_its_name_with_no_other() -> None:
    places: dict[str, list[str]] = {}
    for path in sources():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
