"""The task of v8: every action of every mouse, alone and towards each other mouse."""

import msgspec

from core.config.task_spec import MetricSpec, Noun, Outline, TaskSpec
from core.data.actions import ACTIONS
from core.features.pair_columns import FEATURES
from core.tasks.actions.rules import problems
from core.tasks.actions.settings import KEYPOINTS, MICE, TASK, ActionsExperiment

ROWS = "core.evaluation.rows:"
OFFICIAL = "core.evaluation.official:score_for"
METRICS = (
    MetricSpec(name="loss", label="loss", rises=False),
    MetricSpec(
        name="score",
        label="score",
        title="official score: F1, mean over labs of the mean over a lab's actions",
        statistic=OFFICIAL,
        for_labels=True,
    ),
    MetricSpec(
        name="f1_macro_present",
        label="F1 present",
        title="F1, mean over labs' actions that occur",
        statistic=ROWS + "f1_macro_present",
    ),
    MetricSpec(
        name="f1",
        label="F1",
        title="F1 of each lab's action",
        per_label=True,
        statistic=ROWS + "f1_per_label",
    ),
    MetricSpec(name="ap", label="AP", per_label=True),
)


def labels(experiment: ActionsExperiment) -> tuple[str, ...]:
    """Return the competition's 37 actions and any others, in the order of a model's outputs.

    Evaluation rows have a label for each action of each lab, ``LAB/ACTION``, which depends on the data.
    """
    return (*ACTIONS, *experiment.data.other_actions)


def outline(experiment: ActionsExperiment) -> Outline:
    """Summarise the data and the model of an experiment."""
    data, model = experiment.data, experiment.model
    name = f"{model.name} {model.trunk}" if model.name == "two_trunk" else model.name
    boosted = model.name == "boost"
    return Outline(
        data=f"{data.source} {MICE}×{KEYPOINTS}",
        model=name,
        inputs=("window statistics",) if boosted else ("pair view",),
        input_size=None if boosted else FEATURES,
    )


def fit(experiment: ActionsExperiment) -> str | None:
    """Return the ``Fit`` of a model that is not a network."""
    return "core.boosting.fit:BoostFit" if experiment.model.name == "boost" else None


def makes_data(experiment: ActionsExperiment) -> bool:
    """Return whether the data are simulated."""
    return experiment.data.source == "synthetic"


def with_little_data(experiment: ActionsExperiment) -> ActionsExperiment:
    """Return the experiment with four short synthetic videos; model, inputs and loss stay the same."""
    data = msgspec.structs.replace(
        experiment.data,
        source="synthetic",
        synthetic_videos=4,
        synthetic_frames=max(200, 2 * experiment.data.window),
        synthetic_labs=2,
        validation_videos=None,
        folds=None,
        fold=None,
    )
    return msgspec.structs.replace(experiment, data=data)


SPEC = TaskSpec(
    name=TASK,
    title="every action of every mouse, alone and towards every other",
    unit=Noun("video", "videos"),
    example=Noun("pair-frame", "pair-frames"),
    sample=Noun("window", "windows"),
    label=Noun("action", "actions"),
    metrics=METRICS,
    primary="score",
    labels=labels,
    outline=outline,
    experiment=ActionsExperiment,
    problems=problems,
    makes_data=makes_data,
    describe_data="core.tasks.actions.data_folder:describe_data",
    with_data=("data.source=competition",),
    data_key="core.tasks.actions.data_facts:data_key",
    data_sizes="core.tasks.actions.data_facts:data_sizes",
    with_little_data=with_little_data,
    fit=fit,
    requirements=("lightgbm",),
    system_packages=("libgomp1",),  # LightGBM loads it
    build="core.tasks.actions.build:build_task",
    prepare="core.tasks.actions.build:prepare_data",
    score_predictions="core.tasks.actions.scoring:score",
    predictor="core.tasks.actions.inference.predictor:predictor",
)
