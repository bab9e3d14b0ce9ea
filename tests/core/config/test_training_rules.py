import numpy as np
import pytest

from core.config.experiment_rules import problems
from core.config.task_spec import task_spec
from core.evaluation.frames import average_precisions, frame_metrics
from core.tasks.behaviour.settings import BehaviourExperiment, BehaviourTrainingConfig


def test_more_processes_than_windows_in_a_batch():
    experiment = BehaviourExperiment(
        name="x", training=BehaviourTrainingConfig(batch_size=2, processes=3)
    )
    assert [key for key, _ in problems(experiment)] == ["training.processes"]


@pytest.mark.parametrize(
    ("monitor", "is_measured"),
    [("loss", True), ("ap/social", True), ("f1", False), ("support/other", False)],
)
def test_a_monitor_that_is_not_measured_is_refused_before_the_run(monitor, is_measured):
    experiment = BehaviourExperiment(name="x", training=BehaviourTrainingConfig(monitor=monitor))
    assert [(key, "not measured" in text) for key, text in problems(experiment)] == (
        [] if is_measured else [("training.monitor", True)]
    )


def test_the_declared_metrics_are_what_is_measured():
    classes = ("other", "social")
    measured = frame_metrics(np.eye(2), classes) | average_precisions([0, 1], np.eye(2), classes)
    declared = task_spec("behaviour").metric_names(BehaviourExperiment(name="x", classes=classes))
    assert {*declared} == {"loss", *(name for name in measured if not name.startswith("support/"))}
