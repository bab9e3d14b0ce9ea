"""What ensembles add: on synthetic competition data, and on real pose data (ethome).

    nice -n 19 python -m tests.bench.study_ensembles synthetic --videos 12 --frames 1500 --folds 3
    nice -n 19 python -m tests.bench.study_ensembles ethome

`synthetic`: three seeds of v6, a TCN and a U-Net with v6's inputs, all by the preset `demo`, in folds; then
every way of `mabe ensemble` on their out-of-fold predictions, nested. Macro F1 with its 95 % interval over
videos, and the difference from the best single model, paired. `ethome`: three seeds of v7 and gradient
boosting, leave-one-video-out; mean, weights and logistic regression fitted on the other three videos.
Prints tables in Markdown.
"""

import argparse
import contextlib
import io
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from core import job
from core.blending.blend import BLENDERS, blended_rows
from core.blending.sample import Sample
from core.config.experiment import EnsembleConfig, How
from core.config.registry import default_path, load
from core.config.task_spec import task_spec
from core.data.competition import read_bouts, read_videos
from core.data.labels import ActionMap, frame_classes
from core.data.prepared import prepare
from core.data.synthetic import SyntheticSettings, synthesise
from core.ensembles.request import ensemble_request
from core.evaluation.bootstrap import score_interval
from core.evaluation.paired import paired_bootstrap
from core.evaluation.rows import Rows, concatenated
from core.evaluation.statistic import statistic_of
from core.evaluation.table import read_rows
from core.inference.predictor import load_predictor
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.tasks.behaviour.inference.predictor import FramePredictor
from mabe_tui.runs.launching.run_requests import LaunchOptions, requests_for
from mabe_tui.runs.listing.seeds import request_digest
from mabe_tui.runs.store import RunStore
from tests.bench.study_boost import CANDIDATES, Study, fitted
from tests.bench.study_ethome import SOCIAL, ap, ethome, f1, train_fold

WAYS: tuple[How, ...] = ("mean", "rank", "weighted", "logistic", "stack")
MEMBERS = {
    "v6, seed 1": (1, ()),
    "v6, seed 2": (2, ()),
    "v6, seed 3": (3, ()),
    "tcn": (1, ("model.name=tcn",)),
    "unet1d": (1, ("model.name=unet1d",)),
}


def synthetic(options: argparse.Namespace, home: Path) -> None:
    """Print the table of the synthetic data."""
    data = home / "data"
    if not data.exists():
        settings = SyntheticSettings(
            videos=options.videos, frames=options.frames, seed=options.data_seed
        )
        synthesise(data, settings)
    members: dict[str, list[RunDir]] = {}
    for name, (seed, overrides) in MEMBERS.items():
        asked = LaunchOptions(
            version="v6",
            launcher="local",
            data=data,
            overrides=(*overrides, "training.keep_predictions=true", "hardware.device=cpu"),
            seeds=(seed,),
            folds=options.folds,
            preset="demo",
        )
        began = time.monotonic()
        members[name] = [_done(home, each) for each in requests_for(load(default_path()), asked)]
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    rows = {name: _pooled(runs) for name, runs in members.items()}
    every = [run for runs in members.values() for run in runs]
    for how in WAYS:
        config = EnsembleConfig(members=("v6",), how=how, folds=options.folds)
        request = ensemble_request(every, f"all-{how}", None if how == "mean" else config)
        rows[f"**{how}** of the five"] = _pooled([_done(home, request)])
    three = [run for name in list(MEMBERS)[:3] for run in members[name]]
    rows["mean of v6's three seeds"] = _pooled([_done(home, ensemble_request(three, "seeds"))])
    _print_f1(rows, list(MEMBERS))


def _done(home: Path, request: RunRequest) -> RunDir:
    """Do what a request asks for, in this process; a run of before that has done it is used."""
    for entry in RunStore(home).entries():
        asked = entry.request
        if asked is not None and entry.run.evaluation_table.is_file():
            alike = request_digest(asked) == request_digest(request) and asked.seed == request.seed
            if alike and asked.experiment.name == request.experiment.name and not asked.inputs:
                return entry.run
    run = RunDir(home / "runs" / request.run)
    run.write_request(request)
    with contextlib.redirect_stdout(io.StringIO()) as log:
        code = job.main([str(run.path)])
    assert code == 0, log.getvalue()[-2000:]
    return run


def _pooled(runs: Sequence[RunDir]) -> Rows:
    return concatenated([read_rows(run.evaluation_table) for run in runs])


def _print_f1(rows: Mapping[str, Rows], singles: Sequence[str]) -> None:
    spec = task_spec("behaviour")
    first = next(iter(rows.values()))
    statistic = statistic_of(spec.primary_metric, first.labels)
    order = np.argsort(first.units)
    counts = {name: each.counts[np.argsort(each.units)] for name, each in rows.items()}
    scores = {name: float(statistic(each.sum(axis=0))) for name, each in counts.items()}
    best = max(singles, key=lambda name: scores[name])
    print(f"\n{len(order)} videos; the best single model is {best}\n")
    print(
        "| | macro F1 | 95 % over videos | − best single | 95 % |\n| --- | --- | --- | --- | --- |"
    )
    for name, each in counts.items():
        over = score_interval(each, statistic)
        paired = paired_bootstrap(counts[best], each, statistic)
        difference = (
            "| | |"
            if name == best
            else f"| {paired.difference:+.3f} | {paired.low:+.3f} … {paired.high:+.3f} |"
        )
        assert over is not None
        print(f"| {name} | {scores[name]:.3f} | {over.low:.3f} … {over.high:.3f} {difference}")


# ── ethome ────────────────────────────────────────────────────────────────────────────────────

Scores = list[npt.NDArray[np.float64]]
"""Of each video, the probability of each frame."""


def on_ethome(options: argparse.Namespace, home: Path) -> None:
    """Print the table of the real data."""
    root = ethome()
    videos = read_videos(root)
    members: dict[str, Scores] = {}
    truths: list[npt.NDArray[np.bool_]] = []
    for seed in (42, 1, 2):
        scores: Scores = []
        for video in videos:
            asked = argparse.Namespace(
                version="v7", epochs=20, seed=seed, threads=1, set=[], home=home
            )
            predictor = load_predictor(train_fold(asked, root, video.video_id), "last", "cpu")
            assert isinstance(predictor, FramePredictor)
            scores.append(predictor.predict_one(video).probabilities[:, SOCIAL].astype(np.float64))
            if seed == 42:
                actions = ActionMap(predictor.experiment.actions, predictor.classes)
                own = frame_classes(read_bouts(video), len(scores[-1]), actions)
                truths.append(own == SOCIAL)
        members[f"v7, seed {seed}"] = scores
        print(f"v7, seed {seed}: trained", flush=True)
    study = Study(prepare(root, home / "prepared", workers=1))
    names = [video.video_id for video in study.data.videos]
    boosted: Scores = []
    for video in videos:
        place = names.index(video.video_id)
        others = tuple(each for each in study.videos if each != place)
        model = fitted(study.table(others, 0), CANDIDATES["7 leaves"], 0, 1)
        boosted.append(study.scores(model, place).astype(np.float64))
    members["gradient boosting, 7 leaves"] = boosted
    rows = dict(members)
    every = list(members.values())
    rows["mean of v7's three seeds"] = _mean(every[:3])
    rows["**mean** of the seeds' mean and boosting"] = _mean([_mean(every[:3]), boosted])
    for how in ("mean", "rank", "weighted", "logistic", "stack"):
        rows[f"**{how}** of the four"] = (
            _mean(every) if how == "mean" else _nested(how, every, truths)
        )
    print("\n| | F1 | AP |\n| --- | --- | --- |")
    truth = np.concatenate(truths)
    for name, each in rows.items():
        score = np.concatenate(each)
        print(f"| {name} | {f1(truth, score):.3f} | {ap(truth, score):.3f} |")


def _mean(members: Sequence[Scores]) -> Scores:
    return [np.mean(of_video, axis=0) for of_video in zip(*members, strict=True)]


def _nested(how: str, members: Sequence[Scores], truths: Sequence[npt.NDArray[np.bool_]]) -> Scores:
    """Fit on three videos and answer for the fourth, whose truth plays no part."""
    found: Scores = []
    for held_out in range(len(truths)):
        seen = [video for video in range(len(truths)) if video != held_out]
        given = np.array([np.concatenate([own[video] for video in seen]) for own in members])
        truth = np.concatenate([truths[video] for video in seen])
        sample = Sample(
            given[:, :, None].astype(np.float32),
            truth[:, None].astype(np.float32),
            np.ones(len(truth)),
            exclusive=False,
        )
        blender = BLENDERS[how].fitted(sample, 0, lambda: None)
        asked = np.array([own[held_out] for own in members], np.float32)[:, :, None]
        found.append(blended_rows(blender, asked)[:, 0].astype(np.float64))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("study", choices=["synthetic", "ethome"])
    parser.add_argument("--videos", type=int, default=12)
    parser.add_argument("--frames", type=int, default=1500)
    parser.add_argument("--data-seed", type=int, default=42, help="of the synthetic videos")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--home", type=Path, help="folder to keep the runs in")
    options = parser.parse_args()
    torch.set_num_threads(1)
    began = time.process_time()
    with tempfile.TemporaryDirectory(prefix="mabe-ensembles-") as folder:
        study = {"synthetic": synthetic, "ethome": on_ethome}[options.study]
        study(options, options.home or Path(folder))
    print(f"\n{time.process_time() - began:.0f} CPU seconds of this process")


if __name__ == "__main__":
    main()
