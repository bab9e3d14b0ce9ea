"""Curves as TensorBoard's event files, written by tensorboardX."""

import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType, TracebackType

from core.errors import RunError
from core.system.progress import Progress
from mabe_tui.runs.exports.exported import ExportedCurve, Point, untold

EVENT_FILES = "events.out.tfevents.*"
SUFFIX = ".mabe"
"""End of the names of files that mabe wrote."""
QUEUE = 1000


def require_tensorboard() -> ModuleType:
    """Return the package that writes event files.

    Raises:
        RunError: it is not installed.
    """
    try:
        import tensorboardX
    except ImportError as error:
        raise RunError(
            "TensorBoard's files need tensorboardX, which is not installed;"
            " `pip install 'mabe[tensorboard]'`"
        ) from error
    module: ModuleType = tensorboardX
    return module


class TensorBoardWriter:
    """Writes scalars into a folder, with their own times. Values are float32, as TensorBoard keeps them."""

    def __init__(self, folder: Path, purge_from: int | None = None) -> None:
        """Open a new event file.

        Args:
            folder: created if it does not exist.
            purge_from: hide what earlier event files of the folder have from this step on.

        Raises:
            RunError: tensorboardX is not installed, or the folder cannot be written.
        """
        package = require_tensorboard()
        # The package names a file by the second; the number keeps two of one second apart.
        suffix = f".{len([*folder.glob(EVENT_FILES)])}{SUFFIX}"
        try:
            self._writer = package.SummaryWriter(
                str(folder), purge_step=purge_from, max_queue=QUEUE, filename_suffix=suffix
            )
        except OSError as error:
            raise RunError(f"{folder}: cannot be written ({error.strerror or error})") from error

    def __enter__(self) -> "TensorBoardWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def add(self, points: Iterable[Point]) -> None:
        """Write points."""
        for point in points:
            self._writer.add_scalar(point.name, point.value, point.step, walltime=point.time)

    def describe(self, settings: Mapping[str, object], time: float) -> None:
        """Write the run's settings as a text, at a time in seconds since 1970."""
        rows = [f"| {key} | {_cell(value)} |" for key, value in settings.items()]
        text = "\n".join(["| setting | value |", "| --- | --- |", *rows])
        self._writer.add_text("settings", text, 0, walltime=time)

    def flush(self) -> None:
        """Write what waits, so that readers see it."""
        self._writer.flush()

    def close(self) -> None:
        """Write what waits, and close the file."""
        self._writer.close()


def write_tensorboard(
    curves: Sequence[ExportedCurve],
    settings: Mapping[str, object],
    folder: Path,
    progress: Progress = untold,
) -> None:
    """Write curves and settings into a folder.

    Args:
        curves: of one run.
        settings: the run's, by dotted key.
        folder: created if it does not exist.
        progress: called with the number of values written.

    Raises:
        RunError: tensorboardX is not installed, or the folder cannot be written.
    """
    began = min((float(each.time[0]) for each in curves), default=0.0)
    with TensorBoardWriter(folder) as writer:
        writer.describe(settings, began)
        done, total = 0, sum(len(each.value) for each in curves)
        for each in curves:
            writer.add(each.points())
            done += len(each.value)
            progress(done, total, "values")


def _cell(value: object) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:g}"
    return str(value).replace("|", "\\|")


def remove_event_files(folder: Path) -> None:
    """Remove the event files of an earlier export; other tools' files stay."""
    for path in folder.glob(f"{EVENT_FILES}{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
