"""NWB files with poses of the extension ndx-pose, of any version: read as the HDF5 they are."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.data.importers.columns import ALONE
from core.data.importers.hdf5 import Group, hdf5, text, texts
from core.data.importers.recording import Recording, Tracks, require_frames
from core.data.importers.source import Source
from core.data.tracking import MAX_CELLS
from core.errors import DataError

DESCRIBED = re.compile(r"Keypoint (?P<part>\S+) from individual (?P<who>\S+?)\.")
POSES, SERIES = "PoseEstimation", "PoseEstimationSeries"


@dataclass(frozen=True, slots=True)
class _Series:
    """The points of one body part of one individual."""

    individual: str
    part: str
    place: str
    """Path of the series inside the file."""


def is_nwb(source: Source) -> bool:
    """Return whether this is an NWB file."""
    with hdf5(source.path) as file:
        return "nwb_version" in file.attrs or "specifications" in file


def read_nwb(source: Source) -> list[Recording]:
    """Find the poses in a file: one recording for each processing module that has some.

    Raises:
        DataError: there are no poses.
    """
    path = source.path
    recordings = []
    with hdf5(path) as file:
        modules: dict[str, list[Group]] = {}
        for group in _groups(file, POSES):
            modules.setdefault(group.parent.name, []).append(group)
        for name, groups in modules.items():
            label = path.stem if len(modules) == 1 else f"{path.stem}_{name.rpartition('/')[2]}"
            recordings.append(_recording(path, label, groups))
    if not recordings:
        raise DataError(f"{path}: an NWB file without poses (no {POSES} of ndx-pose)")
    return recordings


def _groups(group: Group, kind: str) -> Iterator[Group]:
    for each in group.values():
        if hasattr(each, "values"):
            if text(each.attrs.get("neurodata_type", "")) == kind:
                yield each
            else:
                yield from _groups(each, kind)


def _recording(path: Path, name: str, groups: Sequence[Group]) -> Recording:
    series: list[_Series] = []
    media, size = "", None
    for group in groups:
        nodes = texts(group["nodes"]) if "nodes" in group else ()
        own = ALONE if len(groups) == 1 else group.name.rpartition("/")[2]
        for each in _groups(group, SERIES):
            title = each.name.rpartition("/")[2]
            series.append(_Series(*_who_and_what(each, title, nodes, own), each.name))
        if "original_videos" in group and len(group["original_videos"]):
            media = texts(group["original_videos"])[0].replace("\\", "/").rpartition("/")[2]
        if "dimensions" in group and group["dimensions"].size == 2:
            width, height = group["dimensions"][()].ravel().tolist()
            size = (int(width), int(height)) if width > 0 and height > 0 else None
    if not series:
        raise DataError(f"{path}: {POSES} without any {SERIES}")
    with_first = groups[0].file[series[0].place]
    clock, rate = _clock(with_first, path)
    notes = []
    if rate is None:
        notes.append("its clock counts frames, so that it does not say how long one lasts")
    elif len(clock) and clock[0]:
        notes.append(f"its clock starts at {clock[0]:g} s, which is taken as frame 0")
    return Recording(
        name=name,
        path=path,
        format="NWB ndx-pose",
        individuals=tuple(dict.fromkeys(each.individual for each in series)),
        parts=tuple(dict.fromkeys(each.part for each in series)),
        load=lambda: _load(path, series, rate),
        frames_per_second=rate,
        size=size,
        media=media.rpartition(".")[0] or media,
        notes=tuple(notes),
    )


def _who_and_what(series: Group, title: str, nodes: Sequence[str], own: str) -> tuple[str, str]:
    """Return the individual and body part of a series: as dlc2nwb describes it, or by its name."""
    described = DESCRIBED.search(text(series.attrs.get("description", "")))
    if described is not None:
        return described["who"], described["part"]
    part = next((node for node in nodes if title == node or title.endswith(f"_{node}")), title)
    return title.removesuffix(part).rstrip("_") or own, part


def _clock(series: Group, path: Path) -> tuple[npt.NDArray[np.float64], float | None]:
    """Return the times of a series in seconds, and its frames per second; ``None`` if it counts frames."""
    count = len(series["data"])
    if "timestamps" in series:
        times = np.asarray(series["timestamps"][()], np.float64)
        steps = np.diff(times)
        if not len(steps) or not (steps > 0).all():
            raise DataError(f"{path}: {series.name}: its timestamps do not increase")
        if (times == np.arange(len(times))).all():
            # what converters write that know no frame rate: no camera takes one picture a second
            return times, None
        # times written with few digits still give a round rate
        return times, float(np.round(1 / np.median(steps), 3))
    if "starting_time" in series:
        rate = float(series["starting_time"].attrs.get("rate", np.nan))
        if not 0 < rate < np.inf:
            raise DataError(f"{path}: {series.name} has {rate:g} frames a second")
        return float(series["starting_time"][()]) + np.arange(count) / rate, rate
    raise DataError(f"{path}: {series.name} has neither timestamps nor a starting time")


def _load(path: Path, series: Sequence[_Series], rate: float | None) -> Tracks:
    people = [*dict.fromkeys(each.individual for each in series)]
    parts = [*dict.fromkeys(each.part for each in series)]
    with hdf5(path) as file:
        clocks = {each.place: _clock(file[each.place], path)[0] for each in series}
        first = min((float(clock[0]) for clock in clocks.values() if len(clock)), default=0.0)
        rows = {
            place: np.round((clock - first) * (rate or 1.0)).astype(np.int64)
            for place, clock in clocks.items()
        }
        frames = max((int(each.max()) + 1 for each in rows.values() if len(each)), default=0)
        if frames * len(people) * len(parts) > MAX_CELLS:
            raise DataError(f"{path}: its timestamps span {frames} frames, which is too many")
        positions = np.full((frames, len(people), len(parts), 2), np.nan, np.float32)
        likelihood = np.full(positions.shape[:3], np.nan, np.float32)
        for each in series:
            who, what = people.index(each.individual), parts.index(each.part)
            group, row = file[each.place], rows[each.place]
            _check_shapes(group, len(row), path)
            positions[row, who, what] = group["data"][:, :2]
            if "confidence" in group:
                likelihood[row, who, what] = group["confidence"][()]
    return require_frames(Tracks(positions, likelihood), path)


def _check_shapes(series: Group, times: int, path: Path) -> None:
    shape = series["data"].shape
    if len(shape) != 2 or shape[0] != times or shape[1] < 2:
        raise DataError(
            f"{path}: {series.name}: data of shape {shape} for {times} times; needed are x and y of each"
        )
    if "confidence" in series and series["confidence"].shape != (times,):
        raise DataError(
            f"{path}: {series.name}: {series['confidence'].size} confidences for {times} times"
        )
