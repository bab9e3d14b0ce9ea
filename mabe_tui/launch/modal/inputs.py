"""Send what a run on Modal is made from, where it is on this computer only: checkpoints, predictions."""

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import modal
import modal.exception

from core.errors import RunError
from core.run.request import Input, RunRequest
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import Say, say_nothing
from mabe_tui.launch.modal.client import ask
from mabe_tui.launch.modal.handle import NAME, Place
from mabe_tui.launch.modal.volume import VOLUME

UPLOAD_SECONDS = 3600.0
REQUEST, CHECKPOINTS = "run.toml", "checkpoints"


def send_inputs(
    runs: Path, requests: Iterable[RunRequest], place: Place, say: Say = say_nothing
) -> None:
    """Upload the files that runs begin with or learn from, beside the runs on the volume.

    Files that are there with the same size are not sent again, nor are those of runs trained on Modal. The
    job checks their hashes.

    Args:
        runs: folder of the runs here.
        requests: of the runs that are to be launched.
        place: where they run.
        say: called with a line before an upload.

    Raises:
        RunError: a file is not here.
        UserError: Modal cannot be reached.
    """
    wanted = {file: None for request in requests for file in _files(runs, request)}
    for name in dict.fromkeys(path.parts[0] for path in wanted):
        own = [path for path in wanted if path.parts[0] == name]
        there = _sizes(name, place)
        missing = {to: runs / to for to in own if there.get(to) != _size(runs / to)}
        if missing:
            total = sum(path.stat().st_size for path in missing.values())
            say(f"sending {name} to Modal: {total / 2**20:,.1f} MiB")
            _upload(missing, place)


def _files(runs: Path, request: RunRequest) -> Iterator[PurePosixPath]:
    """Yield the files of runs that are here only, relative to the folder of runs."""
    alone = [each for each in (request.start,) if each is not None]
    for each in (*alone, *request.pseudo, *request.teacher):
        if _is_here_only(runs, each):
            yield PurePosixPath(each.run, REQUEST)
            yield PurePosixPath(each.run, CHECKPOINTS, each.file)
    kept = request.teacher_kept
    if kept is not None and _is_here_only(runs, kept):
        folder = RunDir(runs / kept.run)
        yield PurePosixPath(kept.run, folder.predictions.relative_to(folder.path).as_posix())


def _is_here_only(runs: Path, each: Input) -> bool:
    handle = RunDir(runs / each.run).read_handle()
    return handle is None or handle.launcher != NAME


def _size(path: Path) -> int:
    if not path.is_file():
        raise RunError(f"{path}: not here, so it cannot be sent to Modal")
    return path.stat().st_size


def _sizes(name: str, place: Place) -> dict[PurePosixPath, int]:
    async def question() -> dict[PurePosixPath, int]:
        try:
            entries = await _volume(place).listdir.aio(f"/{name}", recursive=True)
        except modal.exception.NotFoundError:
            return {}
        return {
            PurePosixPath(entry.path): entry.size for entry in entries if entry.type.name == "FILE"
        }

    return ask(question)


def _upload(files: dict[PurePosixPath, Path], place: Place) -> None:
    async def question() -> None:
        async with _volume(place).batch_upload.aio(force=True) as upload:
            for to, path in files.items():
                upload.put_file(path, f"/{to}")

    ask(question, UPLOAD_SECONDS)


def _volume(place: Place) -> modal.Volume:
    return modal.Volume.from_name(
        VOLUME, environment_name=place.environment or None, create_if_missing=True
    )
