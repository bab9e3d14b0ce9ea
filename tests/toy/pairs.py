"""A task as a user of mabe would write it: by how much the second image of a pair is brighter.

The images are drawn from a seed; the pairs of one scene are a unit. The primary metric is the mean absolute
error, which falls, and the model takes two tensors. A registry names the task by ``tests.toy.pairs:SPEC``.
Listing and comparison import this module, so it loads neither numpy nor torch; ``task.py`` trains,
and ``predictor.py`` predicts.
"""

from core.config.experiment import DataConfig, Experiment, TrainingConfig
from core.config.task_spec import MetricSpec, Noun, TaskSpec

LABEL = "brightness"


class PairsData(DataConfig, frozen=True):
    """Settings of the training pairs."""

    scenes: int = 10
    pairs_per_scene: int = 8
    seed: int = 7


class PairsTraining(TrainingConfig, frozen=True):
    """Settings of the fit."""

    epochs: int = 4
    batch_size: int = 8
    learning_rate: float = 0.02
    monitor: str = "mae"


class PairsExperiment(Experiment, frozen=True):
    """One version of the task."""

    data: PairsData = PairsData()
    training: PairsTraining = PairsTraining()


SPEC = TaskSpec(
    name="pairs",
    title="by how much the second of two images is brighter",
    unit=Noun("scene", "scenes"),
    example=Noun("pair", "pairs"),
    sample=Noun("pair", "pairs"),
    metrics=(
        MetricSpec(name="mae", label="MAE", rises=False, statistic="core.evaluation.rows:mean"),
        MetricSpec(name="loss", label="loss", rises=False),
    ),
    primary="mae",
    labels=lambda _: (LABEL,),
    experiment=PairsExperiment,
    build="tests.toy.task:build",
    predictor="tests.toy.predictor:PairsPredictor",
)
