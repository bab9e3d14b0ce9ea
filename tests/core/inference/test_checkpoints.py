"""Loading a model for prediction from runs and files, intact and damaged."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from core.errors import CheckpointError
from core.inference.checkpoints import load_checkpoint
from core.inference.predictor import load_predictor
from core.models.build import build_model
from core.models.input_spec import InputSpec
from core.models.settings import ModelConfig
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment

SaveRun = Callable[..., RunDir]
SPEC = InputSpec(features=12, outputs=4, mice=2, keypoints=3, blocks={"coordinates": slice(0, 12)})
SMALL = BehaviourExperiment(name="small", model=ModelConfig(name="tcn", channels=(8, 8)))


def built(table: Mapping[str, Any]) -> nn.Module:
    return build_model(SMALL.model, InputSpec.from_table(table))


def only_file(run: RunDir) -> Path:
    (path,) = run.checkpoints.glob("*.pt")
    return path


def test_a_run_its_folder_and_its_file_are_the_same_model(save_run: SaveRun) -> None:
    run = save_run(SMALL, SPEC, {"slots": ["nose"]})
    inputs = torch.randn(1, 20, 12)
    answers = []
    for source in (run, run.path, only_file(run)):
        trained = load_checkpoint(source)
        assert trained.experiment == SMALL
        assert trained.task_state == {"slots": ["nose"]}
        assert trained.source == only_file(run)
        model = trained.network(built)
        assert not model.training
        answers.append(model(inputs))
    assert torch.equal(answers[0], answers[1])
    assert torch.equal(answers[0], answers[2])


def test_a_file_that_came_without_its_pointer_is_read(save_run: SaveRun, tmp_path: Path) -> None:
    moved = tmp_path / "mine.pt"
    only_file(save_run(SMALL, SPEC)).rename(moved)
    assert load_checkpoint(moved).source == moved


def test_a_run_without_the_checkpoint_says_which(save_run: SaveRun, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no 'epoch-0005' checkpoint"):
        load_checkpoint(save_run(SMALL, SPEC), "epoch-0005")
    with pytest.raises(CheckpointError, match="has saved no checkpoint"):
        load_checkpoint(tmp_path / "nothing")


def test_changed_bytes_are_noticed_from_the_run_and_from_the_file(save_run: SaveRun) -> None:
    run = save_run(SMALL, SPEC)
    path = only_file(run)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    for source in (run, path):
        with pytest.raises(CheckpointError, match="sha256"):
            load_checkpoint(source)


@pytest.mark.parametrize(
    "parts",
    [
        {"model": {}},
        {"model": {"head.weight": torch.zeros(2, 2)}},
        {"experiment": {"name": "x", "model": {"name": "perceiver"}}},
        {"experiment": {}},
        {"experiment": {"name": "x", "model": {"name": "transformer", "heads": 7}}},
        {"input_spec": {"features": 12}},
        {"input_spec": {}},
    ],
)
def test_parts_that_do_not_belong_together_are_told_in_one_line(
    save_run: SaveRun, parts: dict[str, object]
) -> None:
    run = save_run(SMALL, SPEC, parts=parts)
    with pytest.raises(CheckpointError, match="do not belong together") as caught:
        load_predictor(run, device="cpu")
    assert "\n" not in str(caught.value)
    assert str(only_file(run)) in str(caught.value)
