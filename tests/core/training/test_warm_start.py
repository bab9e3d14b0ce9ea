"""Runs that begin with the weights of another, and parts of models that are not trained."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from torch import nn

from core import job
from core.config.registry import default_path, load
from core.ensembles.members import input_of
from core.errors import ConfigError
from core.run.events import Failed, Warned
from core.run.rundir import RunDir
from core.training.checkpoint import CheckpointStore
from core.training.identity import weights_hash
from core.training.warm_start import freeze, take_over, train_mode
from tests.toy import REGISTRY, new_run
from tests.toy.task import PairModel

Start = Callable[..., RunDir]
FROZEN = 'training.frozen=["encoder"]'


def weights(run: RunDir, which: str = "last") -> dict[str, Any]:
    checkpoint = CheckpointStore(run).load(which)
    assert checkpoint is not None
    found: dict[str, Any] = checkpoint.content["model"]
    return found


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A trained run of the pairs."""
    run = new_run(tmp_path_factory.mktemp("home") / "runs" / "p1-20260101T000000-aaaa")
    assert job.main([str(run.path)]) == 0
    return run


@pytest.fixture
def start(source: RunDir) -> Start:
    """Create a run beside the source, which starts from its best checkpoint."""

    def created(name: str, *overrides: str, seed: int = 2) -> RunDir:
        path = source.path.parent / f"p1-20260102T000000-{name}"
        run = new_run(path, overrides=["training.start_from=aaaa", *overrides], seed=seed)
        run.change_request(lambda asked: msgspec.structs.replace(asked, start=input_of(source)))
        return run

    return created


def test_what_is_frozen_keeps_the_weights_it_started_with(source: RunDir, start: Start) -> None:
    run = start("bbbb", FROZEN)
    assert job.main([str(run.path)]) == 0
    before, after = weights(source, "best"), weights(run)
    for name in before:
        assert torch.equal(before[name], after[name]) is name.startswith("encoder"), name
    assert not run.history().of(Warned)


def test_only_the_run_it_starts_from_makes_a_difference(source: RunDir, start: Start) -> None:
    warm, cold = start("cccc"), new_run(source.path.parent / "p1-20260102T000000-dddd", seed=2)
    for run in (warm, cold):
        assert job.main([str(run.path)]) == 0
    first = [run.history().epochs[0].train_loss for run in (warm, cold)]
    assert first[0] < first[1]


def test_resumed_it_ends_as_if_nothing_had_happened_even_without_its_source(
    source: RunDir, start: Start, tmp_path: Path
) -> None:
    run = start("eeee", FROZEN, "training.save_every=1")
    assert job.main([str(run.path)]) == 0
    resumed = RunDir(tmp_path / "runs" / run.id)  # nothing is beside it
    shutil.copytree(run.path, resumed.path, ignore=shutil.ignore_patterns("attempts", "l*t.json"))
    for name in ("best", "epoch-0003", "epoch-0004"):
        (resumed.checkpoints / f"{name}.json").unlink(missing_ok=True)
    assert job.main([str(resumed.path)]) == 0
    assert weights_hash(weights(resumed)) == weights_hash(weights(run))


@pytest.mark.parametrize(
    ("overrides", "change", "said"),
    [
        (['training.frozen=["decoder"]'], {}, "'decoder' matches no parameter; the model's parts are enc"),
        (['training.frozen=["."]'], {}, "nothing is left to train"),
        ([], {"sha256": "0" * 64}, "training.start_from: .*damaged"),
        ([], {"run": "p1-20260101T000000-gone"}, "training.start_from: .*missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_in_one_line(
    start: Start, overrides: list[str], change: dict[str, str], said: str
) -> None:
    run = start("ffff", *overrides)
    run.change_request(
        lambda asked: msgspec.structs.replace(
            asked,
            start=msgspec.structs.replace(asked.start, **change),  # type: ignore[type-var]
        )
    )
    try:
        assert job.main([str(run.path)]) == 1
        failed = run.history().last(Failed)
        assert failed is not None
        assert re.search(said, failed.error)
    finally:
        shutil.rmtree(run.path)


def test_weights_of_the_same_model_are_all_taken_over() -> None:
    torch.manual_seed(0)
    one, other = PairModel(), PairModel()
    matched = take_over(other, one.state_dict(), "a run")
    assert (matched.taken, matched.left) == (matched.total, ())
    assert weights_hash(one.state_dict()) == weights_hash(other.state_dict())


def test_weights_of_another_shape_stay_and_are_named() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 3))
    theirs = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2)).state_dict()
    del theirs["1.bias"]
    kept = model[1].weight.clone()
    matched = take_over(model, theirs, "a run")
    assert torch.equal(model[0].weight, theirs["0.weight"])
    assert torch.equal(model[1].weight, kept)
    assert matched.sentence == (
        "2 of 4 tensors are taken over; not 1.weight (2×8 there, 3×8 here), 1.bias (not there)"
    )
    with pytest.raises(ConfigError, match="no weight of a run has the name and shape"):
        take_over(model, {}, "a run")


def test_a_frozen_normalisation_keeps_its_statistics() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2), nn.BatchNorm1d(2))
    freeze(model, ["0"])
    train_mode(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model(torch.randn(8, 2))
    changed = {
        name for name, value in model.state_dict().items() if not torch.equal(value, before[name])
    }
    assert changed == {"2.running_mean", "2.running_var", "2.num_batches_tracked"}


@pytest.mark.parametrize("setting", ['start_from="x"', 'frozen=["x"]', 'pseudo_labels="x"'])
def test_a_model_that_is_not_trained_by_epochs_refuses_it(setting: str) -> None:
    key = setting.partition("=")[0]
    with pytest.raises(ConfigError, match=f"training.{key}: is for models that are trained by"):
        load(default_path()).experiment("v8-boost", [f"training.{setting}"])


def test_a_pattern_has_to_be_a_regular_expression() -> None:
    with pytest.raises(ConfigError, match=r"training\.frozen: '\(' is not a regular expression"):
        load(REGISTRY).experiment("p1", ['training.frozen=["("]'])
