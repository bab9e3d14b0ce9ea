"""Any body parts and any number of mice: from another tool's files to predictions."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from core.config.registry import default_path, load
from core.data.check import check
from core.data.competition import read_videos
from core.data.importers.formats import look_at
from core.data.importers.importing import import_videos
from core.data.importers.mapping import Mapping, ScaleMapping
from core.data.importers.suggestion import completed
from core.data.keypoints import name_of_set, slots_of_set
from core.data.prepared import prepare
from core.errors import ConfigError
from core.features.contact import contact
from core.inference.predictor import load_predictor
from core.run.rundir import RunDir
from core.tasks.behaviour.inference.predictor import FramePredictor
from core.tasks.behaviour.settings import BehaviourExperiment
from core.tasks.behaviour.task import BehaviourTask
from tests.core.data.importers import made_files as made

PARTS = ("nose", "whisker", "tail_base", "wing_L")
SLOTS = ("tail_base", "whisker", "nose", "wing_l")


def experiment(*overrides: str) -> BehaviourExperiment:
    parts = ", ".join(f'"{part}"' for part in SLOTS)
    wanted = [f"data.keypoints=[{parts}]", "data.mice=1", 'data.source="competition"']
    wanted += ['actions={bite = "aggressive"}', "training.balanced_sampling=0", *overrides]
    found = load(default_path()).experiment("v7", wanted)
    assert isinstance(found, BehaviourExperiment)
    return found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    files = []
    for name in ("a", "b", "c"):
        xy = made.points(120, 1, 4) / 50
        files.append(made.deeplabcut(tmp_path / f"{name}.csv", xy, ("animal",), PARTS))
        events = [(2, "x", "bite", "START"), (5, "x", "bite", "STOP")]
        files.append(made.boris(tmp_path / f"{name}_.csv", events, media=f"{name}.avi"))
    found = look_at(files)
    scale = ScaleMapping(pix_per_cm=2.0)
    import_videos(found, completed(Mapping(scale=scale), found).mapping, tmp_path / "mice")
    return tmp_path / "mice"


def test_a_run_learns_and_predicts_with_its_own_body_parts(
    data: Path, tmp_path: Path, save_run: Callable[..., RunDir]
) -> None:
    wanted = experiment()
    report = check(data, None, name_of_set(wanted.data.keypoints), 1)
    assert "unknown_body_part" not in {problem.code for problem in report.problems}
    prepared = prepare(data, tmp_path / "cache", name_of_set(wanted.data.keypoints), 1, workers=1)
    assert prepared.slots == SLOTS
    task = BehaviourTask(wanted, prepared, torch.device("cpu"), seed=0)
    predictor = load_predictor(save_run(wanted, task.input_spec, task.state_dict()), device="cpu")
    assert isinstance(predictor, FramePredictor)
    (first, *_) = predictor.predict(read_videos(data))
    assert first.probabilities.shape == (120, 4)
    assert np.isfinite(first.probabilities).all()
    assert predictor._members[0]._pipeline.slots == SLOTS


def test_the_ends_of_a_mouse_are_found_by_name(data: Path, tmp_path: Path) -> None:
    positions = torch.zeros(1, 1, 4, 2)
    positions[0, 0, SLOTS.index("nose"), 0] = 3.0
    (length,) = contact(positions, torch.ones(1), SLOTS)[0].exp() - 0.5
    assert float(length) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (['data.keypoints=["nose", "neck"]'], "'contact' needs tail_base among data.keypoints"),
        (['data.keypoints=["nose", "tail_base", "nose"]'], "'nose' is named twice"),
        (['data.skeleton=[["nose", "paw"]]'], "'paw' is not one of data.keypoints"),
        (['data.source="synthetic"', "data.mice=2"], "synthetic mice have no 'whisker'"),
        (['features.inputs=["engineered"]'], "'engineered' needs data.mice = 2"),
        (["data.keypoints=[]"], "data.keypoints"),
        (['data.keypoints="mars8"'], "did you mean 'mars7'"),
    ],
)
def test_what_the_body_parts_cannot_give_is_said(overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError) as error:
        experiment(*overrides)
    assert words in str(error.value)


def test_a_set_has_one_name() -> None:
    for keypoints in ("mars7", ("nose",), SLOTS):
        slots = slots_of_set(keypoints)
        assert slots_of_set(name_of_set(keypoints)) == slots
    with pytest.raises(ConfigError, match="mars7"):
        slots_of_set("nose")
