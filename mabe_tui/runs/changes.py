"""What is no longer as a run's first attempt found it. The job itself looks again, and more closely."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from core.errors import DataError
from core.places import cache_of_run
from core.rundir import RunDir, RunRequest
from core.version import code_version


def changes_since(run: RunDir, request: RunRequest) -> Iterator[str]:
    """Name, a sentence each, what changed since the run began and will show in its results.

    Whether the *content* of the data changed is only known once they are prepared; that is the job's
    affair, which warns of it. Here their folder is looked at.
    """
    if not (run.checkpoints / "last.json").exists():
        yield f"{run.id} has no checkpoint yet: it starts again from the beginning"
    resolved = request.resolved
    if resolved is not None and (now := code_version()) != resolved.code_version:
        yield (
            f"the code changed since {run.id} began ({resolved.code_version} → {now});"
            " the rest of it is not what an uninterrupted run would have been"
        )
    if request.launcher == "local" and request.data is not None and resolved is not None:
        yield from _data_changes(run, request, resolved.data_fingerprint)


def _data_changes(run: RunDir, request: RunRequest, fingerprint: str) -> Iterator[str]:
    """Compare the data folder with what was prepared from it when the run began."""
    from core.data.competition import labelled, read_videos
    from core.data.manifest import Manifest, read_manifest, source_key

    folder, settings = Path(str(request.data)), request.experiment.data
    try:
        usable, _ = labelled(read_videos(folder))
        source = source_key(folder, usable, settings.keypoints, settings.mice)
    except DataError as error:
        yield f"the data of {run.id} cannot be read now: {error}"
        return
    used: list[Manifest] = []
    for path in cache_of_run(run.path).glob(f"{folder.name}-*"):
        with contextlib.suppress(DataError):
            used.append(read_manifest(path))
    used = [manifest for manifest in used if manifest.fingerprint == fingerprint]
    if used and source not in {manifest.source for manifest in used}:
        yield (
            f"the files in {folder} changed since {run.id} began; where their content did,"
            " the rest of it is not what an uninterrupted run would have been"
        )
