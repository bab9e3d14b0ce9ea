"""Record the program's current files and output: ``python tests/records/record.py``.

Run it only deliberately, with the version of the code whose records must stay readable: the tests in this
folder hold every later version to them. ``--commands`` records the output again and leaves the store as it
is, after an intended change of output.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core.run.rundir import RunDir
from tests.records import fingerprints
from tests.records.asking import ask
from tests.records.making import make
from tests.records.plan import RESUMED, RUNS
from tests.records.questions import questions
from tests.records.store import (
    ABOUT,
    COMMANDS,
    FINGERPRINTS,
    NAMES,
    RECORD,
    STORE,
    environment,
    pack,
    unpack,
)

KEPT = {
    "v1": ("best", "last"),
    "v3": ("best",),
    "v5 seed 1": ("best",),
    "v6 seed 1": ("best",),
    "v7": ("best", "last"),
    "hybrid": ("best",),
    RESUMED: ("epoch-0001", "epoch-0003"),
}
"""Checkpoints to keep by run; all of them would make the record large."""


def main() -> None:
    """Record the store, the output of commands, and the hashes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", action="store_true", help="only ask the commands again")
    only_commands = parser.parse_args().commands
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    if not only_commands:
        shutil.rmtree(RECORD, ignore_errors=True)
        with _place() as root:
            names = make(root)
            _keep_few(root, names)
            pack(root, STORE)
        _write(NAMES, names)
        _write(ABOUT, _about())
    names = json.loads(NAMES.read_text())
    shutil.rmtree(COMMANDS, ignore_errors=True)
    for name, arguments in questions(names).items():
        with _place() as root:
            unpack(root)
            _write(COMMANDS / f"{name}.json", ask(arguments, root))
        print(name, flush=True)
    if not only_commands:
        _write_fingerprints(names)


@contextmanager
def _place() -> Iterator[Path]:
    """Create a folder for the store, use it as the program's, and remove it afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve() / "store"
        root.mkdir()
        os.environ |= environment(root)
        yield root


def _about() -> dict[str, Any]:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout

    changed = git("status", "--porcelain", "core", "mabe_tui", "experiments.toml").strip()
    assert not changed, f"commit first, or the commit does not name what records:\n{changed}"
    return {
        "commit": git("rev-parse", "HEAD").strip(),
        "python": sys.version.split()[0],
        "numpy": numpy.__version__,
        **fingerprints.machine(),
    }


def _keep_few(root: Path, names: dict[str, str]) -> None:
    """Write the hashes of all trained runs, then remove checkpoints that would make the record large."""
    found = {}
    for name in (*RUNS, RESUMED):
        run = RunDir(root / "home" / "runs" / names[name])
        found[name] = fingerprints.of_run(run)
        kept = {
            pointer.file
            for each in KEPT.get(name, ())
            if (pointer := run.read_pointer(each)) is not None
        }
        for checkpoint in run.checkpoints.glob("*.pt"):
            if checkpoint.name not in kept:
                checkpoint.unlink()
    trial = RunDir(root / "home" / "runs" / names["trial 0"])
    for checkpoint in trial.checkpoints.glob("*.pt"):
        checkpoint.unlink()
    _write(FINGERPRINTS, {"runs": found, "architectures": fingerprints.of_architectures()})


def _write_fingerprints(names: dict[str, str]) -> None:
    """Add the hash of the predictions of each kept checkpoint."""
    predictions = {}
    with _place() as root:
        unpack(root)
        for name, kept in KEPT.items():
            for checkpoint in kept:
                which = checkpoint.replace("-000", "-")
                found = fingerprints.of_prediction(root, names[name], which)
                predictions[f"{name} {which}"] = found
    _write(FINGERPRINTS, {**json.loads(FINGERPRINTS.read_text()), "predictions": predictions})


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
