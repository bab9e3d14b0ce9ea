"""The task of v1 to v7: one behaviour for each frame, whoever acts on whom."""

import msgspec

from core.config.task_spec import MetricSpec, Noun, Outline, TaskSpec
from core.data.keypoints import name_of_set
from core.features.columns import input_size
from core.tasks.behaviour.rules import problems
from core.tasks.behaviour.settings import BehaviourExperiment

ROWS = "core.evaluation.rows:"
METRICS = (
    MetricSpec(name="loss", label="loss", rises=False),
    MetricSpec(
        name="f1_macro", label="F1", title="F1, mean over classes", statistic=ROWS + "f1_macro"
    ),
    MetricSpec(name="f1_macro_present", label="F1 present", statistic=ROWS + "f1_macro_present"),
    MetricSpec(
        name="f1_macro_behaviours", label="F1 behaviours", statistic=ROWS + "f1_macro_but_first"
    ),
    MetricSpec(name="accuracy", label="accuracy", statistic=ROWS + "accuracy"),
    MetricSpec(name="precision_macro", label="precision", statistic=ROWS + "precision_macro"),
    MetricSpec(name="recall_macro", label="recall", statistic=ROWS + "recall_macro"),
    MetricSpec(
        name="f1",
        label="F1",
        title="F1 of each class",
        per_label=True,
        statistic=ROWS + "f1_per_label",
    ),
    MetricSpec(
        name="precision", label="precision", per_label=True, statistic=ROWS + "precision_per_label"
    ),
    MetricSpec(name="recall", label="recall", per_label=True, statistic=ROWS + "recall_per_label"),
    MetricSpec(name="ap", label="AP", per_label=True),
)


def labels(experiment: BehaviourExperiment) -> tuple[str, ...]:
    """Return the classes in index order; class 0 is the background."""
    return experiment.classes


def outline(experiment: BehaviourExperiment) -> Outline:
    """Sum up the mice, keypoints, features and model of an experiment."""
    data = experiment.data
    return Outline(
        data=f"{data.source} {data.mice}×{name_of_set(data.keypoints)}",
        model=experiment.model.name,
        inputs=experiment.features.inputs,
        input_size=input_size(experiment.features, data.mice, data.keypoints),
    )


def makes_data(experiment: BehaviourExperiment) -> bool:
    """Return whether the data are simulated."""
    return experiment.data.source == "synthetic"


def with_little_data(experiment: BehaviourExperiment) -> BehaviourExperiment:
    """Return the same with two short synthetic videos; model, inputs and loss depend on neither."""
    from core.data.synthetic.settings import LONGEST_VIDEO  # late: numpy

    data = msgspec.structs.replace(
        experiment.data,
        source="synthetic",
        synthetic_videos=2,
        synthetic_frames=min(LONGEST_VIDEO, max(200, 2 * experiment.data.window)),
        validation_videos=None,
        folds=None,
        fold=None,
    )
    return msgspec.structs.replace(experiment, data=data)


SPEC = TaskSpec(
    name="behaviour",
    title="one behaviour for each frame",
    unit=Noun("video", "videos"),
    example=Noun("frame", "frames"),
    sample=Noun("window", "windows"),
    metrics=METRICS,
    primary="f1_macro",
    primary_where_absent="f1_macro_present",
    charted=("f1_macro_behaviours",),
    labels=labels,
    outline=outline,
    experiment=BehaviourExperiment,
    problems=problems,
    makes_data=makes_data,
    describe_data="core.tasks.behaviour.data_folder:describe_data",
    with_data=("data.source=competition",),
    data_key="core.tasks.behaviour.data_facts:data_key",
    data_sizes="core.tasks.behaviour.data_facts:data_sizes",
    with_little_data=with_little_data,
    build="core.tasks.behaviour.build:build_task",
    prepare="core.tasks.behaviour.build:prepare_data",
    score_predictions="core.tasks.behaviour.scoring:score",
    predictor="core.tasks.behaviour.inference.predictor:predictor",
    views=frozenset({"classes", "confusion", "video", "ethogram"}),
)
