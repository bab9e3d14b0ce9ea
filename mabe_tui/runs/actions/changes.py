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
    try:
        folder = changed_data(run, request)
    except DataError as error:
        raise DataError(
            f"{error}; `mabe resume {run.id} --data DIR` names where they are now"
        ) from error
    if folder is not None:
        yield (
            f"the files in {folder} changed since {run.id} began; where their content did,"
            " the rest of it is not what an uninterrupted run would have been"
        )


def changed_data(run: RunDir, request: RunRequest) -> Path | None:
    """Return the data folder of a run that was trained here, if its files changed since the run began.

    Args:
        run: the run.
        request: its request; ``data`` may name where the folder is now.

    Raises:
        DataError: the data folder is gone, or cannot be read.
    """
    resolved = request.resolved
    if request.launcher != "local" or request.data is None:
        return None
    folder = Path(request.data)
    source = _source(run, request, folder)
    if resolved is None or source is None:
        return None
    return folder if _was_prepared_from_others(run, source, resolved.data_fingerprint) else None


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
        raise DataError(f"the data of {run.id} cannot be read: {what}") from error


def _was_prepared_from_others(run: RunDir, source: str, fingerprint: str) -> bool:
    """Compare the data folder with the one prepared for the run when it began."""
    from core.data.manifest import MANIFEST, Manifest, read_manifest

    used: list[Manifest] = []
    for path in cache_of_run(run.path).glob(f"*/{MANIFEST}"):
        with contextlib.suppress(DataError):
            used.append(read_manifest(path.parent))
    used = [manifest for manifest in used if manifest.fingerprint == fingerprint]
    return bool(used) and source not in {manifest.source for manifest in used}
