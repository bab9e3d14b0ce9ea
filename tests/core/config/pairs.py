"""A second task with settings only: are two points the same?"""

from typing import Annotated

from msgspec import Meta

from core.config.experiment import DataConfig, Experiment
from core.config.task_spec import MetricSpec, Noun, Outline, TaskSpec

NAME = "tests.core.config.pairs:PAIRS"


class PairData(DataConfig, frozen=True):
    """Number of pairs."""

    pairs: Annotated[int, Meta(ge=2, le=1000)] = 10


class PairExperiment(Experiment, frozen=True):
    """One version of this task."""

    sides: tuple[str, ...] = ("other", "same")
    data: PairData = PairData()


def _problems(experiment: PairExperiment) -> list[tuple[str, str]]:
    odd = experiment.data.pairs % 2
    return [("data.pairs", f"{experiment.data.pairs} is odd")] if odd else []


PAIRS = TaskSpec(
    name="pairs",
    title="are two points the same?",
    unit=Noun("pair", "pairs"),
    example=Noun("pair", "pairs"),
    sample=Noun("pair", "pairs"),
    metrics=(
        MetricSpec(name="loss", label="loss", rises=False),
        MetricSpec(name="accuracy", label="accuracy"),
    ),
    primary="accuracy",
    labels=lambda experiment: experiment.sides,
    experiment=PairExperiment,
    problems=_problems,
    outline=lambda experiment: Outline(data=f"{experiment.data.pairs} pairs"),
    build="tests.core.config.pairs:nothing",
)
