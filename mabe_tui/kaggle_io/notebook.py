"""The notebook that predicts a submission on Kaggle, without internet, from a dataset."""

import json
from typing import Any

CODE_FILE = "notebook.ipynb"

TITLE = """\
# {title}

Made by `mabe submit`. The dataset `{dataset}` holds models, code, and wheels of what may be missing."""

LOOK = """\
# What is here, and what is missing
import importlib.util
import json
import os
import sys
from pathlib import Path

DIGEST = {digest!r}
NEEDED = {needed!r}
INPUT = Path(os.environ.get("MABE_INPUT", "/kaggle/input"))


def find(name, marker):
    for pattern in (name, f"*/{{name}}", f"*/*/{{name}}"):
        for folder in sorted(INPUT.glob(pattern)):
            if (folder / marker).is_file():
                return folder
    raise RuntimeError(f"{{INPUT}}: no {{name}} with {{marker}}; is it attached to this notebook?")


BUNDLE = find({slug!r}, "bundle.json")
DATA = find({competition!r}, "test.csv")
if json.loads((BUNDLE / "bundle.json").read_text())["digest"] != DIGEST:
    raise RuntimeError(f"{{BUNDLE}}: not the version that this notebook was made for")
missing = [package for package, module in NEEDED.items() if importlib.util.find_spec(module) is None]
print(f"Python {{sys.version.split()[0]}}; models and code: {{BUNDLE}}; data: {{DATA}}")
print("missing here:", ", ".join(missing) or "nothing")"""

INSTALL = """\
# Install what is missing, from the dataset
import subprocess
import tempfile

PLACE = Path(tempfile.mkdtemp(prefix="mabe-"))
sys.path.insert(0, str(PLACE / "packages"))
if missing:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--find-links"]
    command += [str(BUNDLE), "--target", str(PLACE / "packages"), *missing]
    if subprocess.run(command).returncode:
        wheels = ", ".join(sorted(path.name for path in BUNDLE.rglob("*.whl"))) or "none"
        raise RuntimeError(f"no wheel for this Python of {{', '.join(missing)}}; wheels here: {{wheels}}")
    importlib.invalidate_caches()"""

CODE = """\
# The code: an archive, or what Kaggle made of it
import zipfile

if (BUNDLE / "core.zip").is_file():
    zipfile.ZipFile(BUNDLE / "core.zip").extractall(PLACE / "code")
    sys.path.insert(0, str(PLACE / "code"))
else:
    marker = next(iter(sorted(BUNDLE.glob("**/core/predict_job.py"))), None)
    if marker is None:
        raise RuntimeError(f"{{BUNDLE}}: has no core.zip")
    sys.path.insert(0, str(marker.parents[1]))"""

PREDICT = """\
# Predict; the file is valid after each model
from core.predict_job import main

if main([str(BUNDLE), "--data", str(DATA), "--output", "submission.csv"]):
    raise RuntimeError("no submission was made; the reason is above")"""

CELLS = (LOOK, INSTALL, CODE, PREDICT)


def notebook(
    title: str, dataset: str, competition: str, digest: str, needed: dict[str, str]
) -> bytes:
    """Return the notebook.

    Args:
        title: for people.
        dataset: as in ``owner/slug``.
        competition: its name.
        digest: of the bundle in that dataset.
        needed: package → the module by which it is found.
    """
    words = {
        "title": title,
        "dataset": dataset,
        "slug": dataset.partition("/")[2],
        "competition": competition,
        "digest": digest,
        "needed": needed,
    }
    cells = [_cell("markdown", "about", TITLE.format(**words))]
    cells += [
        _cell("code", f"step{number}", source.format(**words))
        for number, source in enumerate(CELLS, start=1)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    table = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(table, indent=1, ensure_ascii=False).encode() + b"\n"


def _cell(kind: str, name: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": name, "metadata": {}}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell | {"source": source.splitlines(keepends=True)}
