"""Changes since a run's first attempt, checked before a resume. The job checks again, more closely."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from core.config.task_modules import load_attribute
from core.config.task_spec import task_spec
from core.errors import DataError
from core.run.code_version import code_version
from core.run.places import cache_of_run
from core.run.request import RunRequest
from core.run.rundir import RunDir


def changes_since(run: RunDir, request: RunRequest) -> Iterator[str]:
    """Describe, in a sentence each, what changed since the run began and will affect its results.

    Whether the *content* of the data changed is known only once they are prepared, so the job checks
    that and emits a warning. Here only their folder is compared.

    Raises:
        DataError: the data folder is gone, or cannot be read.
    """
    if not (run.checkpoints / "last.json").exists():
        yield f"{run.id} has no checkpoint: it starts again from the beginning"
    resolved = request.resolved
    if resolved is not None and (now := code_version()) != resolved.code_version:
        yield (
            f"the code changed since {run.id} began ({resolved.code_version} → {now});"
            " the rest of it is not what an uninterrupted run would have been"
        )
    if request.launcher == "local" and request.data is not None:
        source = _source(run, request, Path(request.data))
        if resolved is not None and source is not None:
            yield from _data_changes(run, Path(request.data), source, resolved.data_fingerprint)


def _source(run: RunDir, request: RunRequest, folder: Path) -> str | None:
    """Return the key of the files that the run would read now; ``None`` if its task defines none.

    Raises:
        DataError: the files cannot be read.
    """
    where = task_spec(request.experiment.task).data_key
    if where is None:
        return None
    try:
        return str(load_attribute(where)(request.experiment, folder))
    except DataError as error:
        what = str(error).partition(";")[0]
        raise DataError(
            f"the data of {run.id} cannot be read: {what};"
            f" `mabe resume {run.id} --data DIR` names where they are now"
        ) from error


def _data_changes(run: RunDir, folder: Path, source: str, fingerprint: str) -> Iterator[str]:
    """Compare the data folder with the one prepared for the run when it began."""
    from core.data.manifest import MANIFEST, Manifest, read_manifest

    used: list[Manifest] = []
    for path in cache_of_run(run.path).glob(f"*/{MANIFEST}"):
        with contextlib.suppress(DataError):
            used.append(read_manifest(path.parent))
    used = [manifest for manifest in used if manifest.fingerprint == fingerprint]
    if used and source not in {manifest.source for manifest in used}:
        yield (
            f"the files in {folder} changed since {run.id} began; where their content did,"
            " the rest of it is not what an uninterrupted run would have been"
        )
