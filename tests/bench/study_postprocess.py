"""What each part of the post-processing adds, on real out-of-fold probabilities.

    python tests/bench/study_postprocess.py [--json FILE]

Twelve lab × action tasks of a public XGBoost solution (``shared/data/oof``), with the real annotations. In
the first table each task stands alone and is nested over its own three folds: rules are fitted on two and
applied to the third. In the second the actions of one pair compete for its frames, in folds of whole videos,
since the tasks' own folds differ; a task that a table lacks for a video is not annotated there. Scores are
the mean F1 over tasks; 95 % bootstrap intervals are over sequences in the first table, and over videos in
the second.
"""

import argparse
import json
import os
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq

from core.data.csv_file import read_rows
from core.evaluation.rows import f1_macro_present, f1_per_label
from core.postprocess.nested import ALL, NestedFit, fit_nested, scored, switches
from core.postprocess.rules import Rules, Settings
from core.postprocess.sequences import KeptSequence, folds_for

BEST = "best threshold per task"
SHOWN = ("threshold 0.5", "threshold 0.3", BEST, ALL)


def main() -> None:
    options = _options()
    root = data()
    tasks = read_tasks(root)
    alone = [sequence for sequences in tasks.values() for sequence in sequences]
    together = contested(alone)
    tables = {
        "each task alone, its own three folds": study(alone),
        "actions of a pair compete, folds of videos": study(together),
    }
    for title, (rules, fitted, seconds) in tables.items():
        show(title, rules, seconds)
        print(f"F1 by task: {', '.join(SHOWN)}")
        for name, scores in by_task(fitted).items():
            print(f"{name:32s}", *(f"{score:.3f}" for score in scores))
    if options.json:
        found = {title: msgspec.to_builtins(each[0].report) for title, each in tables.items()}
        options.json.write_text(json.dumps(found, indent=1))


def data() -> Path:
    """Return the folder of real data."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("MABE_TEST_DATA") or beside)


def read_tasks(root: Path) -> dict[str, list[KeptSequence]]:
    """Read all tables; each (video, agent, target) is a sequence."""
    rows = read_rows(root / "mabe2025" / "train.csv", ("video_id", "frames_per_second"))
    rates = {row.name("video_id"): row.needed_number("frames_per_second") for row in rows}
    found = {}
    for path in sorted((root / "oof").glob("*.parquet")):
        lab, action = path.stem.split("__")
        table = pq.read_table(path).to_pandas()
        found[path.stem] = [
            _sequence(root, lab, action, tuple(map(int, ids)), rows, rates)
            for ids, rows in table.groupby(["video_id", "agent_id", "target_id"])
        ]
    return found


def _sequence(
    root: Path,
    lab: str,
    action: str,
    ids: tuple[int, ...],
    rows: object,
    rates: Mapping[str, float],
) -> KeptSequence:
    video, agent, target = ids
    frame = rows["video_frame"].to_numpy()  # type: ignore[index]
    values = np.zeros((int(frame.max()) + 1, 1), np.float32)
    values[frame, 0] = rows["prediction"]  # type: ignore[index]
    bouts = pq.read_table(root / f"mabe2025/train_annotation/{lab}/{video}.parquet").to_pandas()
    bouts = bouts[
        (bouts.agent_id == agent) & (bouts.target_id == target) & (bouts.action == action)
    ]
    truth = np.zeros(values.shape, np.bool_)
    for start, stop in zip(bouts.start_frame, bouts.stop_frame, strict=True):
        truth[start:stop] = True
    return KeptSequence(
        unit=f"{lab}/{video}/{agent}{target}/{action}",
        fold=int(rows["fold"].iloc[0]),  # type: ignore[index]
        lab=lab,
        labels=(action,),
        values=values,
        truth=truth,
        frames_per_second=rates[str(video)],
    )


def contested(alone: list[KeptSequence]) -> list[KeptSequence]:
    """Put the actions of each pair beside one another, in folds of whole videos."""
    pairs: defaultdict[str, list[KeptSequence]] = defaultdict(list)
    for sequence in alone:
        pairs[sequence.unit.rpartition("/")[0]].append(sequence)
    fold_of = folds_for([unit.rpartition("/")[0] for unit in pairs])
    found = []
    for unit, parts in pairs.items():
        frames = max(len(part.values) for part in parts)
        columns = [np.pad(part.values, ((0, frames - len(part.values)), (0, 0))) for part in parts]
        truths = [np.pad(part.truth, ((0, frames - len(part.truth)), (0, 0))) for part in parts]
        video = unit.rpartition("/")[0]
        joined = KeptSequence(
            unit=video,
            fold=fold_of[video],
            lab=parts[0].lab,
            labels=tuple(part.labels[0] for part in parts),
            values=np.concatenate(columns, axis=1),
            truth=np.concatenate(truths, axis=1),
            frames_per_second=parts[0].frames_per_second,
        )
        found.append(joined)
    return found


def variants() -> dict[str, Settings]:
    """Return the choices of parts: one part alone, all, and all but one."""
    nothing = Settings(
        smoothing=False, thresholds=False, margin=False, absent=False, weak=False, calibration=False
    )
    change = msgspec.structs.replace
    best = change(nothing, thresholds=True, bootstrap=0, shrinkage=0)
    return {
        BEST: best,
        "… bootstrapped": change(best, bootstrap=200),
        "… shrunk": change(best, shrinkage=20),
        "… bootstrapped and shrunk": change(nothing, thresholds=True),
        "smoothing, threshold 0.5": change(nothing, smoothing=True),
        "smoothing, best threshold": change(best, smoothing=True),
        **switches(Settings()),
    }


def study(sequences: list[KeptSequence]) -> tuple[Rules, NestedFit, float]:
    """Fit and measure everything on a set of sequences; return the report, the counts and the seconds."""
    began = time.monotonic()
    fitted = fit_nested(sequences, Settings(), variants())
    # A resample of the sequences may lack a task of few: its mean is over the tasks that it has.
    rules = scored(fitted, f1_macro_present, "mean F1 over tasks")
    return rules, fitted, time.monotonic() - began


def by_task(fitted: NestedFit) -> dict[str, list[float]]:
    """Return the nested F1 of each task by each of :data:`SHOWN`."""
    rows = [fitted.rows[fitted.parts.index(parts)] for parts in SHOWN]
    scores = np.stack([f1_per_label(each.pooled) for each in rows], axis=1)
    return dict(zip(rows[0].labels, scores.tolist(), strict=True))


def show(title: str, rules: Rules, seconds: float) -> None:
    on = rules.fitted_on
    assert on is not None
    print(
        f"\n{title}: {on.units} units, {on.sequences} sequences, {on.frames:,} frames, {seconds:.0f} s"
    )
    print("| rule | mean F1 | 95 % | gain | 95 % |\n|---|---|---|---|---|")
    for part in rules.report:
        gain = f"{part.gain:+.4f} | {part.gain_low:+.4f} … {part.gain_high:+.4f}"
        print(f"| {part.parts} | {part.score:.4f} | {part.low:.3f} … {part.high:.3f} | {gain} |")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the tables to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
