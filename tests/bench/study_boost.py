"""Cross-validate gradient boosting on real pose data: the four ethome videos, each held out once.

    python -m tests.bench.study_boost

Nested: for each video held out, the settings are those of `CANDIDATES` with the best average precision among
the other three, each of them predicted by a model of two. Then a model of the three is fitted with each of
three seeds. Frames of the four videos are pooled, threshold 0.5. The inputs, the frames that are learned from
and the model are those of `model.name = "boost"`. Prints each video's and the pooled figures, CPU seconds and
peak memory, beside the anchor (bench_ethome_baseline.py). `--seeds 1` takes a third of the time.
"""

import argparse
import itertools
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from core.boosting.learner import BoostModel, BoostSettings, fit_model
from core.boosting.plan import BoostPlan, TrainingTable
from core.data.prepared import PreparedData, prepare
from core.evaluation.frames import average_precision, confusion, f1_per_class
from core.tasks.actions.pair_rows import PairRows
from tests.bench.study_ethome import ethome

ACTION = "interact"
RATE = 30.0
MOST_EXAMPLES = 100_000
CANDIDATES = {
    "4 leaves": BoostSettings(leaves=4, rounds=600),
    "7 leaves": BoostSettings(),
    "15 leaves": BoostSettings(leaves=15, rounds=300),
}
Truth = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Study:
    """The four videos, and models fitted on some of them."""

    data: PreparedData

    @property
    def videos(self) -> range:
        return range(len(self.data.videos))

    def plan(self, videos: tuple[int, ...]) -> BoostPlan:
        rows = PairRows.of(self.data, videos, (ACTION,))
        return BoostPlan(self.data, rows, (self.data.videos[0].lab_id,), RATE)

    def table(self, videos: tuple[int, ...], seed: int) -> tuple[TrainingTable, tuple[str, ...]]:
        plan = self.plan(videos)
        (table,) = plan.tables
        return plan.read(table, MOST_EXAMPLES, seed), plan.features(table).names

    def truth(self, video: int) -> Truth:
        frames = np.arange(self.data.videos[video].frames)
        return PairRows.of(self.data, (video,), (ACTION,)).labels(0, frames)[:, 0].astype(np.bool_)

    def scores(self, model: BoostModel, video: int) -> Scores:
        """Return probabilities of every frame; the videos have the model's rate."""
        plan = self.plan((video,))
        reader, (table,) = plan.reader(video), plan.tables
        rows = PairRows.of(self.data, (video,), (ACTION,))
        read = reader.row(int(rows.agent_slot[0]), int(rows.target_slot[0]))
        parts = plan.features(table).chunks(read, reader.frames)
        return np.concatenate([model.predict(features) for _, features in parts])


def fitted(
    table: tuple[TrainingTable, tuple[str, ...]], settings: BoostSettings, seed: int, threads: int
) -> BoostModel:
    examples, names = table
    text = fit_model(
        examples.features,
        examples.labels[:, 0],
        examples.weights,
        names,
        settings,
        seed,
        threads,
    )
    return BoostModel(text, threads)


def chosen(study: Study, threads: int) -> dict[int, str]:
    """Choose the settings for each video held out, by average precision among the other three."""
    scores: dict[tuple[str, int, int], Scores] = {}
    for pair in itertools.combinations(study.videos, 2):
        table = study.table(pair, seed=0)
        for name, settings in CANDIDATES.items():
            model = fitted(table, settings, 0, threads)
            for video in set(study.videos) - set(pair):
                (held_out,) = set(study.videos) - set(pair) - {video}
                scores[name, held_out, video] = study.scores(model, video)
    best = {}
    for held_out in study.videos:
        others = [video for video in study.videos if video != held_out]
        truth = np.concatenate([study.truth(video) for video in others])
        found = {
            name: average_precision(
                truth, np.concatenate([scores[name, held_out, video] for video in others])
            )
            for name in CANDIDATES
        }
        best[held_out] = max(found, key=lambda name: found[name])
        listed = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
        print(f"{study.data.videos[held_out].video_id} held out: {listed}", flush=True)
    return best


def figures(truth: Truth, scores: Scores) -> str:
    f1 = float(f1_per_class(confusion(truth.astype(np.uint8), scores > 0.5, 2))[1])
    return f"F1 {f1:.3f}  AP {average_precision(truth, scores):.3f}"


def main() -> None:
    options = _options()
    began = time.process_time()
    with tempfile.TemporaryDirectory() as cache:
        study = Study(prepare(ethome(), Path(cache), workers=1))
        settings = chosen(study, options.threads)
        truths = [study.truth(video) for video in study.videos]
        pooled: list[str] = []
        for seed in range(options.seeds):
            scores = []
            for video in study.videos:
                others = tuple(other for other in study.videos if other != video)
                table = study.table(others, seed)
                candidate = CANDIDATES[settings[video]]
                model = fitted(table, candidate, seed, options.threads)
                scores.append(study.scores(model, video))
                name = study.data.videos[video].video_id
                print(
                    f"seed {seed}  {name}  {figures(truths[video], scores[-1])}"
                    f"  ({settings[video]}, {len(table[0].weights):,} frames)",
                    flush=True,
                )
            pooled.append(figures(np.concatenate(truths), np.concatenate(scores)))
            print(f"seed {seed}  pooled     {pooled[-1]}", flush=True)
            if options.keep:
                np.savez(options.keep / f"boost-{seed}.npz", *scores)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.process_time() - began
    print(f"{msgspec.to_builtins(BoostSettings())}")
    print(f"{seconds:.0f} CPU seconds, peak {memory:.0f} MiB")
    print("anchor (HistGradientBoosting on 315 features): F1 0.685  AP 0.774")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the probabilities of each seed")
    return parser.parse_args()


if __name__ == "__main__":
    main()
