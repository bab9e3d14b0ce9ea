"""SLEAP's analysis HDF5 and project files (``.slp``), which are HDF5, too."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.importers.columns import ALONE
from core.data.importers.hdf5 import Group, hdf5, text, texts
from core.data.importers.recording import Recording, Tracks, require_frames
from core.data.importers.source import Source
from core.data.tracking import MAX_CELLS
from core.errors import DataError

CENTRED = 1.1
"""From this version of ``.slp`` on, (0, 0) is the centre of the first pixel, and not its corner."""
PREDICTED = 1


def is_analysis(source: Source) -> bool:
    """Return whether this is SLEAP's analysis HDF5."""
    with hdf5(source.path) as file:
        return "tracks" in file and "node_names" in file


def read_analysis(source: Source) -> list[Recording]:
    """Read the names in an analysis file.

    Raises:
        DataError: its arrays do not fit each other.
    """
    path = source.path
    with hdf5(path) as file:
        parts = texts(file["node_names"])
        tracks = texts(file["track_names"]) if "track_names" in file else ()
        shape = file["tracks"].shape
        media = text(file["video_path"]) if "video_path" in file else ""
        scored = "point_scores" in file
    if len(shape) != 4 or len(parts) not in shape:
        raise DataError(f"{path}: 'tracks' is of shape {shape}, for {len(parts)} body parts")
    # h5py shows what MATLAB's order makes of (frames, parts, 2, tracks)
    is_reversed = shape[1] == 2 and shape[2] == len(parts)
    count = shape[0] if is_reversed else shape[3]
    names = tracks if len(tracks) == count else tuple(f"track_{n}" for n in range(count))
    if count == 1 and not tracks:
        names = (ALONE,)

    def load() -> Tracks:
        with hdf5(path) as file:
            points = file["tracks"][()]
            scores = file["point_scores"][()] if scored else None
        if is_reversed:
            points = points.transpose(3, 0, 2, 1)
            scores = None if scores is None else scores.transpose(2, 0, 1)
        else:
            points = points.transpose(0, 3, 1, 2)
            scores = None if scores is None else scores.transpose(0, 2, 1)
        tracks = Tracks(
            np.ascontiguousarray(points, np.float32),
            None if scores is None else np.ascontiguousarray(scores, np.float32),
        )
        return require_frames(tracks, path)

    return [
        Recording(
            name=path.stem.removesuffix(".analysis"),
            path=path,
            format="SLEAP analysis",
            individuals=names,
            parts=parts,
            load=load,
            media=_stem(media),
            notes=() if scored else (NO_SCORES,),
        )
    ]


NO_SCORES = "no scores of points, so none is left out for a small one"


def is_project(source: Source) -> bool:
    """Return whether this is a project of SLEAP."""
    with hdf5(source.path) as file:
        return "metadata" in file and "instances" in file and "frames" in file


def read_project(source: Source) -> list[Recording]:
    """Read the names in a project, one recording for each of its videos that has frames.

    Raises:
        DataError: no frame has a pose, or its description cannot be read.
    """
    path = source.path
    with hdf5(path) as file:
        parts = _nodes(file, path)
        tracks = _track_names(file)
        media = (
            [_media(entry) for entry in texts(file["videos_json"])] if "videos_json" in file else []
        )
        used = np.unique(file["frames"][()]["video"]).tolist() if len(file["frames"]) else []
        untracked = _untracked(file)
    if not used:
        raise DataError(f"{path}: no frame could be read: the project holds no poses")
    names = (*tracks, *untracked)
    notes: tuple[str, ...] = ()
    if len(untracked) > 1:
        notes = (
            f"{len(untracked)} instances a frame without a track, kept apart by their order alone",
        )
    several = len(used) > 1
    recordings = []
    for video in used:
        own = media[video] if video < len(media) else ""
        name = f"{path.stem}_{own or video}" if several else path.stem
        recordings.append(
            Recording(
                name=name,
                path=path,
                format="SLEAP project",
                individuals=names,
                parts=parts,
                load=partial(_load, path, video, len(tracks), names, parts),
                media=own,
                notes=notes,
            )
        )
    return recordings


def _nodes(file: Group, path: Path) -> tuple[str, ...]:
    try:
        described = json.loads(text(file["metadata"].attrs["json"]))
        names = [node["name"] for node in described["nodes"]]
        (skeleton, *others) = described["skeletons"]
        order = [
            int(node["id"]) if isinstance(node, dict) else int(node) for node in skeleton["nodes"]
        ]
        found = tuple(str(names[number]) for number in order)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise DataError(f"{path}: its skeleton cannot be read ({error})") from error
    if others:
        raise DataError(f"{path}: has {1 + len(others)} skeletons; export one of them")
    return found


def _track_names(file: Group) -> tuple[str, ...]:
    if "tracks_json" not in file:
        return ()
    return tuple(str(json.loads(entry)[1]) for entry in texts(file["tracks_json"]))


def _media(entry: str) -> str:
    described = json.loads(entry)
    name = described.get("backend", described).get("filename", "")
    return _stem(name[0] if isinstance(name, list) and name else str(name))


def _stem(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    return last.rpartition(".")[0] or last


def _untracked(file: Group) -> tuple[str, ...]:
    """Return a name for each place among the instances of a frame that have no track."""
    instances = file["instances"][()]
    loose = instances["frame_id"][instances["track"] < 0]
    most = int(np.unique(loose, return_counts=True)[1].max(initial=0))
    return (ALONE,) if most == 1 else tuple(f"untracked_{number}" for number in range(most))


def _load(
    path: Path, video: int, tracks: int, names: Sequence[str], parts: Sequence[str]
) -> Tracks:
    with hdf5(path) as file:
        frames, instances = file["frames"][()], file["instances"][()]
        points = {0: file["points"][()], PREDICTED: file["pred_points"][()]}
        version = float(file["metadata"].attrs.get("format_id", CENTRED))
    frames = frames[frames["video"] == video]
    last = int(frames["frame_idx"].max())
    if (last + 1) * len(names) * len(parts) > MAX_CELLS:
        raise DataError(f"{path}: frame number {last} is too large")
    positions = np.full((last + 1, len(names), len(parts), 2), np.nan, np.float32)
    likelihood = np.full(positions.shape[:3], np.nan, np.float32)
    for frame in frames:
        own = instances[frame["instance_id_start"] : frame["instance_id_end"]]
        loose = tracks
        # what a person placed is written over what was predicted
        for instance in sorted(own, key=lambda each: -int(each["instance_type"])):
            place = int(instance["track"])
            if place < 0:
                place, loose = loose, loose + 1
            some = points[int(instance["instance_type"])]
            xy, score = _points(
                some[instance["point_id_start"] : instance["point_id_end"]], parts, path
            )
            positions[frame["frame_idx"], place] = xy
            likelihood[frame["frame_idx"], place] = score
    if version < CENTRED:
        positions -= np.float32(0.5)
    return require_frames(Tracks(positions, likelihood), path)


def _points(
    points: Any, parts: Sequence[str], path: Path
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    if len(points) != len(parts):
        raise DataError(
            f"{path}: an instance has {len(points)} points, for {len(parts)} body parts"
        )
    visible = points["visible"].astype(bool)
    xy = np.stack([points["x"], points["y"]], axis=-1)
    xy[~visible] = np.nan
    scores = points["score"] if "score" in points.dtype.names else np.ones(len(points))
    return xy, scores
