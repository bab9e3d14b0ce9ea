"""CalMS21 (Sun et al. 2021) and MARS (Segalin et al. 2021): JSON, and CalMS21's ``.npy`` of the same tables.

CalMS21 nests annotator → sequence → ``keypoints`` (frames × mice × xy × parts), ``scores``, ``annotations``
(a number per frame) and ``metadata.vocab`` (behaviour → number). MARS's JSON has ``keypoints`` and
``scores`` at the top. Both are of 30 frames a second, with the resident first.
"""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from core.data.importers.proposals import NO_BEHAVIOUR
from core.data.importers.recording import LabelEvent, Recording, Sheet, Tracks, require_frames
from core.data.importers.runs import runs_of_names
from core.data.importers.safe_pickle import numpy_object
from core.data.importers.source import Source
from core.data.keypoints import MARS_7
from core.errors import DataError

MICE = ("resident", "intruder")
RATE = 30.0
"""Of all published videos; no file says it."""
SIZE = (1024, 570)
RATE_NOTE = "30 frames a second, as published: the file does not say"


def is_calms21(source: Source) -> bool:
    """Return whether this may be a table of sequences, or MARS's output: no other format is JSON or npy."""
    return source.kind in ("json", "numpy")


def read_calms21(source: Source) -> list[Recording]:
    """Return a recording for each sequence; the whole file is in memory meanwhile.

    Raises:
        DataError: it is not of one of the two forms, or arrays do not fit each other.
    """
    path = source.path
    recordings = []
    for name, sequence in _sequences(source):
        recordings.append(
            Recording(
                name=name,
                path=path,
                format="MARS" if name == path.stem else "CalMS21",
                individuals=MICE,
                parts=MARS_7,
                load=partial(_tracks, sequence, name, path),
                frames_per_second=RATE,
                size=SIZE,
                notes=(RATE_NOTE,),
            )
        )
    return recordings


def read_calms21_labels(source: Source) -> list[Sheet]:
    """Return a sheet for each sequence that has annotations.

    Raises:
        DataError: a number that the vocabulary does not name.
    """
    return [
        _sheet(name, sequence, source.path)
        for name, sequence in _sequences(source)
        if "annotations" in sequence
    ]


def _sequences(source: Source) -> Iterator[tuple[str, Mapping[str, Any]]]:
    path = source.path
    table = numpy_object(path) if source.kind == "numpy" else _json(path)
    if not isinstance(table, Mapping):
        raise DataError(f"{path}: no table of sequences, but {type(table).__name__}")
    if "keypoints" in table:
        yield path.stem, table
        return
    found = False
    for group in table.values():
        for name, sequence in group.items() if isinstance(group, Mapping) else ():
            if isinstance(sequence, Mapping) and "keypoints" in sequence:
                found = True
                yield str(name).rpartition("/")[2], sequence
    if not found and "observations" in table:
        raise DataError(
            f"{path}: a project of BORIS; export its events (Observations, Export events) and name that file"
        )
    if not found:
        raise DataError(
            f"{path}: no sequence with 'keypoints'; CalMS21 nests annotator, then sequence"
        )


def _json(path: Path) -> Any:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: not a whole JSON file ({error})") from error


def _array(sequence: Mapping[str, Any], key: str, name: str, path: Path) -> Any:
    try:
        return np.asarray(sequence[key], np.float32)
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: {key!r} of {name!r} is no array of numbers ({error})") from error


def _tracks(sequence: Mapping[str, Any], name: str, path: Path) -> Tracks:
    points = _array(sequence, "keypoints", name, path)
    expected = (len(MICE), 2, len(MARS_7))
    if points.ndim != 4 or points.shape[1:] != expected:
        raise DataError(
            f"{path}: 'keypoints' of {name!r} are of shape {points.shape}, not frames × 2 mice × xy × 7"
        )
    likelihood = None
    if "scores" in sequence:
        likelihood = _array(sequence, "scores", name, path)
        if likelihood.shape != (len(points), len(MICE), len(MARS_7)):
            raise DataError(
                f"{path}: 'scores' of {name!r} are of shape {likelihood.shape}, for {len(points)} frames"
            )
    return require_frames(Tracks(points.transpose(0, 1, 3, 2).copy(), likelihood), path)


def _sheet(name: str, sequence: Mapping[str, Any], path: Path) -> Sheet:
    behaviour_of = _vocabulary(sequence, name, path)
    codes = _codes(sequence, name, path)
    if strange := sorted({*codes} - {*behaviour_of}):
        raise DataError(f"{path}: {name!r} has the label {strange[0]}, which its vocabulary lacks")
    runs = runs_of_names([behaviour_of[code] for code in codes])
    return Sheet(
        name=name,
        path=path,
        format="CalMS21",
        unit="frames",
        events=tuple(
            LabelEvent(MICE[0], behaviour, "", start, stop, f"frame {start}")
            for behaviour, start, stop in runs
            if behaviour.lower() not in NO_BEHAVIOUR
        ),
        frames_per_second=RATE,
        behaviours=tuple(b for b in behaviour_of.values() if b.lower() not in NO_BEHAVIOUR),
    )


def _vocabulary(sequence: Mapping[str, Any], name: str, path: Path) -> dict[int, str]:
    """Return the behaviour of each number."""
    metadata = sequence.get("metadata")
    vocabulary = metadata.get("vocab") if isinstance(metadata, Mapping) else None
    try:
        if isinstance(vocabulary, str):
            vocabulary = json.loads(vocabulary.replace("'", '"'))
        if isinstance(vocabulary, Mapping):
            return {int(number): str(behaviour) for behaviour, number in vocabulary.items()}
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{path}: the vocabulary of {name!r} is not behaviours and their numbers ({error})"
        ) from error
    raise DataError(f"{path}: {name!r} has annotations, but no vocabulary for them")


def _codes(sequence: Mapping[str, Any], name: str, path: Path) -> list[int]:
    """Return the number of the behaviour of each frame."""
    values = _array(sequence, "annotations", name, path).ravel()
    if not (values == np.floor(values)).all():
        raise DataError(f"{path}: 'annotations' of {name!r} are not all whole numbers")
    points = sequence["keypoints"]
    frames = len(points) if isinstance(points, list | np.ndarray) else 0
    if len(values) != frames:
        raise DataError(f"{path}: {name!r} has {len(values)} annotations for {frames} frames")
    codes: list[int] = values.astype(np.int64).tolist()
    return codes
