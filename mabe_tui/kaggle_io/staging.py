"""Write what is pushed to Kaggle into a folder: ``dataset`` and ``kernel``, each with its metadata."""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import tomli_w

from core.config.experiment import to_table
from core.errors import UserError
from core.run.records import Pointer
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.submission import bundle as bundle_module
from core.submission.bundle import Bundle, BundledFile, unpack
from core.system.files import sha256_of, write_bytes_atomically
from mabe_tui.kaggle_io.core_zip import write_core_zip
from mabe_tui.kaggle_io.notebook import CODE_FILE, notebook

DIGITS = 12
LONGEST_SLUG = 50
GPU = "NvidiaTeslaT4"
"""Kaggle's two T4: the default is a P100, for which torch has no kernels any more."""
MODULES = {"tomli-w": "tomli_w"}
"""Packages whose module has another name."""
RULES = "rules.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class TravellingRun:
    """A run, parts of which are pushed."""

    run: RunDir
    request: RunRequest
    pointer: Pointer
    """Of the checkpoint that predicts."""
    members: "tuple[TravellingRun, ...]" = ()
    """Runs that it predicts with, if it is an ensemble with a fitted second level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionPlan:
    """What is to be submitted."""

    competition: str
    runs: tuple[TravellingRun, ...]
    """Whose predictions are averaged, the most valuable first; one that comes twice counts twice."""
    slug: str
    rules: Path | None
    """Stored post-processing."""
    threshold: float
    """Of every action, where there are no rules."""
    tta: bool
    """Average over views."""
    seconds: float
    gpu: bool
    wheels: tuple[Path, ...]
    packages: tuple[str, ...]
    """The notebook installs those that are missing."""


def slug_of(names: Sequence[str]) -> str:
    """Return a name for a dataset and a notebook, from those of the runs."""
    more = f"-and-{len(names) - 1}" if len(names) > 1 else ""
    word = re.sub(r"[^a-z0-9]+", "-", f"mabe-{names[0]}".lower()).strip("-")
    return word[: LONGEST_SLUG - len(more)].rstrip("-") + more


def stage(plan: SubmissionPlan, owner: str, folder: Path) -> Bundle:
    """Write the folders ``dataset`` and ``kernel``; return the table of the bundle.

    Each model is loaded once from the dataset, as the notebook will do.

    Args:
        plan: what is to be submitted.
        owner: name of the account.
        folder: new or empty.

    Raises:
        UserError: something is missing or cannot be written.
    """
    dataset = folder / "dataset"
    dataset.mkdir(parents=True, exist_ok=True)
    write_core_zip(dataset / "core.zip")
    for wheel in plan.wheels:
        _copy(wheel, dataset / wheel.name)
    by_id = {
        each.run.id: each for travelling in plan.runs for each in (travelling, *travelling.members)
    }
    files = [
        each
        for number, travelling in enumerate(by_id.values(), start=1)
        for each in _run_files(travelling, f"{number:02d}", dataset)
    ]
    if plan.rules is not None:
        _copy(plan.rules, dataset / RULES)
        files.append(_entry(RULES, dataset / RULES))
    bundle = Bundle(
        digest="",
        competition=plan.competition,
        runs=tuple(each.run.id for each in plan.runs),
        rules=None if plan.rules is None else RULES,
        threshold=plan.threshold,
        tta=plan.tta,
        seconds=plan.seconds,
        files=tuple(files),
    )
    bundle = msgspec.structs.replace(
        bundle, digest=_digest(bundle, dataset, f"{owner}/{plan.slug}", plan.gpu)
    )
    table = msgspec.json.format(msgspec.json.encode(bundle), indent=1)
    write_bytes_atomically(dataset / bundle_module.NAME, table)
    _write_json(dataset / "dataset-metadata.json", _dataset_metadata(plan, owner, bundle.digest))
    _stage_kernel(plan, owner, bundle.digest, folder / "kernel")
    _load_models(dataset, bundle)
    return bundle


def _load_models(dataset: Path, bundle: Bundle) -> None:
    """Load each model, so that one that cannot be used is not pushed."""
    from core.inference.pair_predictor import load_pair_predictor  # imported late: torch

    with tempfile.TemporaryDirectory(prefix="mabe-load-") as folder:
        unpack(dataset, bundle, Path(folder))
        for name in dict.fromkeys(bundle.runs):
            load_pair_predictor(RunDir(Path(folder) / name), "cpu")


def _run_files(travelling: TravellingRun, prefix: str, dataset: Path) -> list[BundledFile]:
    """Write one run's files into the dataset; return their entries in the table."""
    run, pointer = travelling.run, travelling.pointer
    request = msgspec.structs.replace(travelling.request, data=None, task_source=None)
    about = _write(dataset / f"{prefix}.run.toml", tomli_w.dumps(to_table(request)))
    best = _write(dataset / f"{prefix}.best.json", msgspec.json.encode(pointer).decode())
    weights = dataset / f"{prefix}.{pointer.file}"
    _copy(run.checkpoints / pointer.file, weights)
    return [
        _entry(f"{run.id}/run.toml", about),
        _entry(f"{run.id}/checkpoints/best.json", best),
        _entry(f"{run.id}/checkpoints/{pointer.file}", weights),
    ]


def _entry(path: str, file: Path) -> BundledFile:
    return BundledFile(path=path, file=file.name, sha256=sha256_of(file))


def _digest(bundle: Bundle, dataset: Path, ref: str, gpu: bool) -> str:
    """Return a hash of all that is pushed, and of where."""
    files = {path.name: sha256_of(path) for path in sorted(dataset.iterdir()) if path.is_file()}
    named = {
        n: h for n, h in files.items() if n not in (bundle_module.NAME, "dataset-metadata.json")
    }
    content = msgspec.json.encode([bundle, named, ref, gpu])
    return hashlib.sha256(content).hexdigest()[:DIGITS]


def _dataset_metadata(plan: SubmissionPlan, owner: str, digest: str) -> dict[str, object]:
    return {
        "title": _title(plan.slug),
        "id": f"{owner}/{plan.slug}",
        "licenses": [{"name": "other"}],
        "description": f"Models and code of a submission, made by `mabe submit` (digest {digest}).",
    }


def _stage_kernel(plan: SubmissionPlan, owner: str, digest: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    ref = f"{owner}/{plan.slug}"
    needed = {name: MODULES.get(name, name.replace("-", "_")) for name in plan.packages}
    content = notebook(_title(plan.slug), ref, plan.competition, digest, needed)
    write_bytes_atomically(folder / CODE_FILE, content)
    metadata: dict[str, object] = {
        "id": ref,
        "title": _title(plan.slug),
        "code_file": CODE_FILE,
        "language": "python",
        "kernel_type": "notebook",
        "is_private": True,
        "enable_gpu": plan.gpu,
        "enable_internet": False,
        "dataset_sources": [ref],
        "competition_sources": [plan.competition],
        "kernel_sources": [],
        "model_sources": [],
    }
    _write_json(
        folder / "kernel-metadata.json", metadata | ({"machine_shape": GPU} if plan.gpu else {})
    )


def _title(slug: str) -> str:
    """Return a title from which Kaggle makes this slug."""
    return slug.replace("-", " ")


def _write(path: Path, text: str) -> Path:
    write_bytes_atomically(path, text.encode())
    return path


def _write_json(path: Path, table: Mapping[str, object]) -> None:
    write_bytes_atomically(path, json.dumps(table, indent=1).encode() + b"\n")


def _copy(source: Path, target: Path) -> None:
    """Copy a file, as a link to the same content where possible: checkpoints are large.

    Raises:
        UserError: it cannot be read or written.
    """
    target.unlink(missing_ok=True)
    try:
        try:
            os.link(source, target)
        except OSError:  # another disk, or a file system without links
            shutil.copy2(source, target)
    except OSError as error:
        raise UserError(
            f"{source}: cannot be copied to {target.parent} ({error.strerror or error})"
        ) from error
