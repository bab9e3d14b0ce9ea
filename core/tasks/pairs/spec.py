"""The task of stage1 to stage4: whether a relation holds between two images."""

import msgspec

from core.config.task_spec import MetricSpec, Noun, Outline, TaskSpec
from core.tasks.pairs.rules import problems
from core.tasks.pairs.settings import LABELS, TASK, PairsExperiment

SCORES = "core.tasks.pairs.scores:"
METRICS = (
    MetricSpec(name="loss", label="loss", rises=False),
    MetricSpec(name="accuracy", label="accuracy", statistic="core.evaluation.rows:accuracy"),
    MetricSpec(name="f1", label="F1", title="F1 of positive pairs", statistic=SCORES + "f1"),
    MetricSpec(name="precision", label="precision", statistic=SCORES + "precision"),
    MetricSpec(name="recall", label="recall", statistic=SCORES + "recall"),
)
FEWEST_PAIRS = 400


def outline(experiment: PairsExperiment) -> Outline:
    """Summarise the data and the model of an experiment."""
    data, model = experiment.data, experiment.model
    source = f"digits {data.digits_relation}" if data.source == "digits" else data.source
    layers = "" if model.layers is None else " " + ",".join(map(str, model.layers))
    return Outline(data=source, model=model.name + layers, inputs=("two images",))


def makes_data(experiment: PairsExperiment) -> bool:
    """Return whether the pairs are made of scikit-learn's digits."""
    return experiment.data.source == "digits"


def with_little_data(experiment: PairsExperiment) -> PairsExperiment:
    """Return the experiment with few pairs of digits; model, inputs and loss stay the same."""
    pairs = max(FEWEST_PAIRS, 4 * experiment.training.batch_size)
    data = msgspec.structs.replace(
        experiment.data,
        source="digits",
        swapped=None,
        digits_pairs=min(pairs, 20_000),
        folds=None,
        fold=None,
    )
    return msgspec.structs.replace(experiment, data=data)


SPEC = TaskSpec(
    name=TASK,
    title="a relation between two images",
    unit=Noun("pair", "pairs"),
    example=Noun("pair", "pairs"),
    sample=Noun("pair", "pairs"),
    label=Noun("label", "labels"),
    metrics=METRICS,
    primary="accuracy",
    charted=("f1",),
    labels=lambda _: LABELS,
    outline=outline,
    experiment=PairsExperiment,
    problems=problems,
    makes_data=makes_data,
    describe_data="core.tasks.pairs.data_folder:describe_data",
    with_data=("data.source=npz",),
    data_key="core.tasks.pairs.data_folder:data_key",
    data_sizes="core.tasks.pairs.data_folder:data_sizes",
    with_little_data=with_little_data,
    requirements=("scikit-learn",),
    build="core.tasks.pairs.build:build_task",
    prepare="core.tasks.pairs.build:prepare_data",
    score_predictions="core.tasks.pairs.scoring:score",
    predictor="core.tasks.pairs.inference.predictor:predictor",
    pictures="core.tasks.pairs.pictures:pictures",
    views=frozenset({"examples"}),
)
