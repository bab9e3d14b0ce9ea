"""Distil three runs of a version into one model, and compare it with the same model trained on labels alone.

    nice -n 19 python -m tests.bench.study_distillation HOME --set data.synthetic_videos=60 \\
        --set data.synthetic_frames=1000
    nice -n 19 python -m tests.bench.study_distillation HOME --of digits --set data.digits_pairs=1500

The teacher is the mean of three seeds: of v6 on synthetic videos with the preset `demo`, or of stage1 on
pairs of handwritten digits with the preset `small-pairs`. There are two students, the teacher's own network
and a smaller one. Each is trained on the same split with labels alone and with the teacher in several ways,
by three seeds that are none of the teacher's. Prints the leading metric of each one's best and last epoch,
as mean ± deviation over the seeds. Runs that HOME has are not trained again.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import torch

from core import job
from core.config.registry import default_path, load
from core.evaluation.spread import mean_std
from core.run import places
from core.run.request import RunRequest
from core.run.rundir import RunDir
from mabe_tui.runs.launching.ensembles import ensemble_of
from mabe_tui.runs.launching.named_inputs import named_inputs
from mabe_tui.runs.launching.run_requests import new_request
from mabe_tui.runs.store import RunStore

TEACHERS, STUDENTS = (1, 2, 3), (11, 12, 13)
SETTINGS = ("hardware.device=cpu", "training.keep_predictions=true")


class Kind(NamedTuple):
    """What is distilled."""

    version: str
    preset: str
    metric: str
    settings: tuple[str, ...]
    students: dict[str, tuple[str, ...]]
    """Name → the settings in which it differs from the version."""


KINDS = {
    "videos": Kind(
        "v6",
        "demo",
        "f1_macro",
        ("data.source=synthetic",),
        {
            "v6's network": (),
            "a small TCN": ("model.name=tcn", "model.channels=[16,16]"),
        },
    ),
    "digits": Kind(
        "stage1",
        "small-pairs",
        "accuracy",
        ("training.epochs=5",),
        {
            "a plain difference": ("model.name=plain_difference",),
            "stage1's network": (),
        },
    ),
}
TAUGHT: dict[str, tuple[str, ...]] = {
    "labels alone": (),
    "T 3, share 0.7": ("training.teacher={}",),
    "T 1, share 0.7": ("training.teacher={}", "training.teacher_temperature=1"),
    "T 3, share 1": ("training.teacher={}", "training.teacher_share=1"),
}
MADE = "20260101T000000"


@dataclass(frozen=True, slots=True)
class Study:
    """The runs of one home."""

    home: Path
    kind: Kind
    settings: tuple[str, ...]
    """Of all runs."""

    def teacher(self) -> str:
        """Train the members, average them, and return the ensemble's id."""
        members = [self._trained("teacher", seed, ()) for seed in TEACHERS]
        print(self.line(f"three seeds of {self.kind.version}", members), flush=True)
        store, registry = RunStore(self.home), load(default_path())
        request = ensemble_of([run.id for run in members], "mean", store, registry)
        ensemble = self._made(msgspec.structs.replace(request, run=f"mean-{MADE}-mean"))
        print(self.line("their mean", [ensemble]), flush=True)
        return ensemble.id

    def student(self, network: int, way: int, teacher: str) -> list[RunDir]:
        """Train one student by all seeds."""
        settings = (*[*self.kind.students.values()][network], *[*TAUGHT.values()][way])
        stated = tuple(each.format(teacher) for each in settings)
        return [self._trained(f"student{network}{way}", seed, stated) for seed in STUDENTS]

    def _trained(self, name: str, seed: int, settings: Sequence[str]) -> RunDir:
        kind = self.kind
        stated = [*SETTINGS, *kind.settings, *self.settings, *settings, f"training.seed={seed}"]
        experiment = load(default_path()).experiment(kind.version, stated, kind.preset)
        request = new_request(experiment, "local", overrides=stated, preset=kind.preset)
        return self._made(msgspec.structs.replace(request, run=f"{name}-{MADE}-s{seed:03d}"))

    def _made(self, request: RunRequest) -> RunDir:
        run = RunDir(places.runs(self.home) / request.run)
        if not (run.path / "run.toml").exists():
            run.write_request(named_inputs(RunStore(self.home), request))
        if job.main([str(run.path)]) != 0:
            raise SystemExit(f"{run.path}: failed")
        return run

    def line(self, name: str, runs: Sequence[RunDir]) -> str:
        """Return the best and the last epochs' scores."""
        found = []
        for run in runs:
            history = run.history()
            best = history.best_epoch(self.kind.metric)
            assert best is not None
            found.append(
                (best.metrics[self.kind.metric], history.epochs[-1].metrics[self.kind.metric])
            )
        cells = []
        for scores in zip(*found, strict=True):
            mean, std = mean_std(scores) if len(scores) > 1 else (scores[0], None)
            cells.append(f"{mean:.4f}" + ("" if std is None else f" ± {std:.4f}"))
        return f"RESULT {name:<34} best {cells[0]:<17} last {cells[1]}"


def main() -> None:
    """Train everything, and print a line for each student."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("home", type=Path)
    parser.add_argument("--of", choices=KINDS, default="videos", help="what the teacher is of")
    parser.add_argument("--set", action="append", default=[], help="a setting of all runs")
    options = parser.parse_args()
    home = options.home.resolve()
    os.environ["MABE_HOME"] = str(home)
    torch.set_num_threads(1)
    study = Study(home, KINDS[options.of], tuple(options.set))
    teacher = study.teacher()
    for network, network_name in enumerate(study.kind.students):
        for way, way_name in enumerate(TAUGHT):
            runs = study.student(network, way, teacher)
            print(study.line(f"{network_name}, {way_name}", runs), flush=True)


if __name__ == "__main__":
    main()
