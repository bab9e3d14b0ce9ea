"""A small task of another kind, which shows that nothing outside a task depends on what is learned.

``pairs.py`` is used by listing and comparison, ``task.py`` by training,
``predictor.py`` by prediction; ``registry.toml`` has two versions.
"""

import datetime as dt
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from core.config import registry
from core.run.request import RunRequest
from core.run.rundir import RunDir

REGISTRY = Path(__file__).with_name("registry.toml")


def write_registry(folder: Path) -> Path:
    """Copy the registry of the pairs into a folder, under the name that is looked up there."""
    return Path(shutil.copy(REGISTRY, folder / registry.FILE_NAME))


def new_run(
    path: Path,
    version: str = "p1",
    overrides: Sequence[str] = (),
    seed: int = 1,
    task: str = "tests.toy.pairs:SPEC",
) -> RunDir:
    """Create a run folder that requests a version of the pairs.

    Args:
        path: the run's folder; its name is the run's id.
        version: ``p1`` or ``p2``.
        overrides: as for ``--set``.
        seed: the training seed.
        task: another spec of the same settings.
    """
    experiment = registry.load(REGISTRY).experiment(version, overrides)
    run = RunDir(path)
    run.write_request(
        RunRequest(
            run=run.id,
            created=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
            launcher="local",
            seed=seed,
            experiment=msgspec.structs.replace(experiment, task=task),
            overrides=tuple(overrides),
        )
    )
    return run


def write_module(folder: Path, name: str) -> Path:
    """Write the task as a package beside a registry that names it; return the registry's path."""
    package = folder / name
    package.mkdir()
    for source, target in (("pairs", "__init__"), ("task", "task"), ("predictor", "predictor")):
        text = REGISTRY.with_name(f"{source}.py").read_text()
        text = text.replace("tests.toy.pairs", name).replace("tests.toy", name)
        (package / f"{target}.py").write_text(text)
    path = folder / registry.FILE_NAME
    path.write_text(REGISTRY.read_text().replace("tests.toy.pairs:SPEC", f"{name}:SPEC"))
    return path
