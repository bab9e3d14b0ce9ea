"""Small files of other tools, written to their published formats."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

PARTS = ("nose", "leftear", "rightear", "neck", "lefthip", "righthip", "tailbase")


def points(frames: int, mice: int = 2, parts: int = len(PARTS)) -> np.ndarray:
    """Return ``(frames, mice, parts, 2)`` distinct positions, none at the origin."""
    count = frames * mice * parts * 2
    return np.arange(1, count + 1, dtype=float).reshape(frames, mice, parts, 2) / 8


def deeplabcut(
    path: Path,
    xy: np.ndarray,
    animals: Sequence[str] = ("resident", "intruder"),
    parts: Sequence[str] = PARTS,
    scorer: str = "DLC_net",
    likelihood: float | None = 0.9,
    separator: str = ",",
    encoding: str = "utf-8",
    decimal: str = ".",
) -> Path:
    """Write DeepLabCut's table, with a row of individuals if there are several."""
    coords = ("x", "y") if likelihood is None else ("x", "y", "likelihood")
    columns = [(a, p, c) for a in animals for p in parts for c in coords]
    rows: list[list[str]] = [["scorer", *[scorer] * len(columns)]]
    if len(animals) > 1:
        rows.append(["individuals", *(a for a, _, _ in columns)])
    rows += [["bodyparts", *(p for _, p, _ in columns)], ["coords", *(c for _, _, c in columns)]]
    for frame, scene in enumerate(xy):
        cells = [str(frame)]
        for mouse in scene:
            for x, y in mouse:
                numbers = [x, y] if likelihood is None else [x, y, likelihood]
                cells += [
                    "" if np.isnan(n) else str(float(n)).replace(".", decimal) for n in numbers
                ]
        rows.append(cells)
    path.write_text("\n".join(separator.join(row) for row in rows) + "\n", encoding=encoding)
    return path


def boris(
    path: Path, rows: Sequence[Sequence[object]], fps: float = 10.0, media: str = "film.avi"
) -> Path:
    """Write BORIS's tabular events: rows of time, subject, behaviour, status."""
    lines = [
        "Time,Media file path,Total length,FPS,Subject,Behavior,Behavioral category,Comment,Status"
    ]
    lines += [f"{t},/v/{media},9.0,{fps},{who},{what},,,{status}" for t, who, what, status in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def calms21(path: Path, xy: np.ndarray, codes: Sequence[int], vocabulary: dict[str, int]) -> Path:
    """Write CalMS21's JSON: annotator → sequence → keypoints (frames × mice × xy × parts)."""
    sequence: dict[str, Any] = {
        "keypoints": xy.transpose(0, 1, 3, 2).tolist(),
        "scores": np.full(xy.shape[:3], 0.9).tolist(),
        "annotations": list(codes),
        "metadata": {"vocab": vocabulary},
    }
    path.write_text(
        json.dumps({"annotator-id_0": {"task1/train/mouse001_task1_annotator1": sequence}})
    )
    return path


def simba_project(folder: Path, xy: np.ndarray, attack: Sequence[int]) -> Path:
    """Write a project of SimBA with two animals, one feature and one behaviour."""
    csv = folder / "project_folder" / "csv" / "targets_inserted"
    (folder / "project_folder" / "logs").mkdir(parents=True)
    csv.mkdir(parents=True)
    (folder / "project_folder" / "project_config.ini").write_text(
        "[General settings]\n[SML settings]\nno_targets = 1\ntarget_name_1 = Attack\n"
    )
    (folder / "project_folder" / "logs" / "video_info.csv").write_text(
        "Video,fps,Resolution_width,Resolution_height,Distance_in_mm,pixels/mm\nfilm,25,640,480,100,1.5\n"
    )
    names = [f"{p}_{m}_{c}" for m in (1, 2) for p in ("Nose", "Ear_left") for c in "xyp"]
    lines = [",".join(["", *names, "Mouse_1_poly_area", "Attack"])]
    for frame, (scene, label) in enumerate(zip(xy, attack, strict=True)):
        cells = [f"{v}" for mouse in scene for x, y in mouse[:2] for v in (x, y, 0.8)]
        lines.append(",".join([str(frame), *cells, "1.0", str(label)]))
    (csv / "film.csv").write_text("\n".join(lines) + "\n")
    return folder


def bento(path: Path, numbers: str) -> Path:
    """Write an ``.annot`` file of one channel; ``numbers`` is the block below ``>attack``."""
    path.write_text(
        "Bento annotation file\nMovie file(s): film.seq\n\nStimulus name: \nAnnotation start frame: 1\n"
        "Annotation stop frame: 100\nAnnotation framerate: 10.000000\n\nList of channels:\nCh1\n\n"
        "List of annotations:\nattack\nsniff\n\nCh1----------\n>attack\nStart\t Stop\t Duration\n"
        f"{numbers}\n"
    )
    return path


def nwb(
    path: Path, xy: np.ndarray, clock: float | Sequence[float] | np.ndarray, confidence: Any = None
) -> Path:
    """Write the poses of one animal; ``clock`` is a frame rate or the time of each frame."""
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.6.0"
        group = file.create_group("processing/behavior/PoseEstimation")
        group.attrs["neurodata_type"] = "PoseEstimation"
        for number, part in enumerate(("nose", "tail")):
            series = group.create_group(part)
            series.attrs["neurodata_type"] = "PoseEstimationSeries"
            series["data"] = xy[:, number]
            if confidence is not None:
                series["confidence"] = confidence
            if isinstance(clock, float):
                series["starting_time"] = 0.0
                series["starting_time"].attrs["rate"] = clock
            else:
                series["timestamps"] = np.asarray(clock, float)
    return path
