"""The task of v1 to v7: one behaviour for each frame, whoever acts on whom."""

from core.config.experiment import Experiment
from core.config.task_spec import MetricSpec, Noun, TaskSpec

ROWS = "core.evaluation.rows:"
METRICS = (
    MetricSpec(name="loss", label="loss", rises=False),
    MetricSpec(name="f1_macro", label="F1", statistic=ROWS + "f1_macro"),
    MetricSpec(name="f1_macro_present", label="F1 present", statistic=ROWS + "f1_macro_present"),
    MetricSpec(
        name="f1_macro_behaviours", label="F1 behaviours", statistic=ROWS + "f1_macro_but_first"
    ),
    MetricSpec(name="accuracy", label="accuracy", statistic=ROWS + "accuracy"),
    MetricSpec(name="precision_macro", label="precision", statistic=ROWS + "precision_macro"),
    MetricSpec(name="recall_macro", label="recall", statistic=ROWS + "recall_macro"),
    MetricSpec(name="f1", label="F1", per_label=True),
    MetricSpec(name="precision", label="precision", per_label=True),
    MetricSpec(name="recall", label="recall", per_label=True),
    MetricSpec(name="ap", label="AP", per_label=True),
)


def labels(experiment: Experiment) -> tuple[str, ...]:
    """Return the classes in index order; class 0 is the background."""
    return experiment.classes


SPEC = TaskSpec(
    name="behaviour",
    title="one behaviour for each frame",
    unit=Noun("video", "videos"),
    example=Noun("frame", "frames"),
    metrics=METRICS,
    primary="f1_macro",
    primary_where_absent="f1_macro_present",
    labels=labels,
    experiment=Experiment,
    build="core.tasks.build:build_task",
    views=frozenset({"classes", "confusion", "video", "ethogram"}),
)
