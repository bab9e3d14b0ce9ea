"""Look-up of tasks by name, and the choice of the primary metric."""

import subprocess
import sys
from dataclasses import replace

import pytest

from core.config.task_spec import Noun, task_names, task_spec
from core.errors import ConfigError
from core.tasks.behaviour.settings import BehaviourExperiment

BEHAVIOUR = task_spec("behaviour")


def test_a_task_is_found_by_its_name_or_by_its_place():
    assert "behaviour" in task_names()
    assert task_spec("core.tasks.behaviour.spec:SPEC") is BEHAVIOUR


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("behavior", "did you mean 'behaviour'"),
        (
            "nowhere.at_all:SPEC",
            "nowhere.at_all cannot be imported",
        ),
        ("core.errors:SPEC", "core.errors has no 'SPEC'"),
        ("core.errors:ConfigError", "is no TaskSpec"),
    ],
)
def test_what_is_no_task_is_refused_in_words(name, said):
    with pytest.raises(ConfigError, match=said):
        task_spec(name)


def test_the_metric_over_those_present_leads_where_a_label_is_absent():
    whole = {"f1_macro": 0.5, "f1_macro_present": 0.5, "support/a": 3.0, "support/b": 1.0}
    assert BEHAVIOUR.leading(whole) == "f1_macro"
    assert BEHAVIOUR.leading(whole | {"support/b": 0.0}) == "f1_macro_present"
    assert BEHAVIOUR.leading({"f1_macro": 0.5}) == "f1_macro"
    assert BEHAVIOUR.leading({"f1_macro": 0.5, "support/b": 0.0}) == "f1_macro"


def test_every_name_has_its_spec_and_its_direction():
    names = BEHAVIOUR.metric_names(BehaviourExperiment(name="v", classes=("a", "b")))
    assert {"f1_macro", "f1/a", "ap/b", "loss"} <= set(names)
    assert all(BEHAVIOUR.metric(name) is not None for name in names)
    assert not BEHAVIOUR.rises("loss")
    assert BEHAVIOUR.rises("f1/a")
    assert BEHAVIOUR.metric("f1") is None


def test_a_metric_has_a_label_and_a_rate_its_unit():
    assert BEHAVIOUR.primary_metric.label == BEHAVIOUR.label_of("f1_macro") == "F1"
    assert BEHAVIOUR.label_of("f1/a") == "F1"
    assert BEHAVIOUR.label_of("kappa") == "kappa"
    assert BEHAVIOUR.label_metric is not None
    assert BEHAVIOUR.label_metric.name == "f1"
    assert BEHAVIOUR.rate_unit == "frames/s"


def test_a_primary_metric_that_is_not_declared_is_refused():
    with pytest.raises(ConfigError, match="primary metric 'kappa' is not among its metrics"):
        replace(BEHAVIOUR, primary="kappa")


def test_reading_a_spec_loads_no_numpy():
    code = (
        "import sys; from core.config.task_spec import task_spec; task_spec('behaviour');"
        "sys.exit(any(m in sys.modules for m in ('numpy', 'torch', 'pandas', 'pyarrow')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_counts_in_words():
    assert Noun("video", "videos").count(1) == "1 video"
    assert Noun("video", "videos").count(1200) == "1,200 videos"
