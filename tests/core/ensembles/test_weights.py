"""Checkpoints measured anew, and the mean of their weights."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from core import job
from core.ensembles.request import ensemble_request
from core.ensembles.weights import weights_request
from core.errors import RunError
from core.evaluation.predictions import read_predictions
from core.evaluation.table import read_rows
from core.inference.checkpoints import load_checkpoint
from core.inference.predictor import load_predictor
from core.run.events import Failed
from core.run.rundir import RunDir
from tests.core.ensembles.made_up import Train

EACH = {"data.validation_fraction": 0.5, "training.save_every": 1}
FIRST, SECOND = "epoch-0001", "epoch-0002"


def done(runs: list[RunDir], checkpoints: list[str], name: str = "weights") -> RunDir:
    request = weights_request(runs, checkpoints, name)
    run = RunDir(runs[0].path.parent / request.run)
    run.write_request(request)
    code = job.main([str(run.path)])
    failed = run.history().last(Failed)
    assert code == (failed is not None), failed
    return run


def weights_of(run: RunDir, which: str) -> dict[str, torch.Tensor]:
    return dict(load_checkpoint(run, which).weights)


def test_one_checkpoint_measured_anew_is_what_it_was(train: Train) -> None:
    one = train(**EACH)
    again = done([one], ["best"])
    for name, value in weights_of(again, "best").items():
        assert torch.equal(value, weights_of(one, "best")[name])
    first, second = read_predictions(one.predictions), read_predictions(again.predictions)
    assert first.examples.equals(second.examples)
    np.testing.assert_allclose(first.probabilities, second.probabilities, atol=1e-6)
    counts = [read_rows(run.evaluation_table).counts for run in (one, again)]
    np.testing.assert_array_equal(*counts)
    twice = done([one, one], ["best", "best"])
    np.testing.assert_allclose(
        read_predictions(twice.predictions).probabilities, second.probabilities, atol=1e-6
    )


def test_the_mean_of_two_epochs_is_a_run_that_predicts_and_can_be_a_member(train: Train) -> None:
    one = train(**EACH)
    mean = done([one, one], [FIRST, SECOND])
    each = [weights_of(one, which) for which in (FIRST, SECOND)]
    for name, value in weights_of(mean, "best").items():
        torch.testing.assert_close(value, (each[0][name] + each[1][name]) / 2)
    assert "mean of the weights of" in mean.read_request().experiment.title
    load_predictor(mean, device="cpu")
    early = done([one], [FIRST], "early")
    assert not np.allclose(
        read_predictions(early.predictions).probabilities,
        read_predictions(one.predictions).probabilities,
    )
    both = ensemble_request([early, mean], "both")
    assert [each.run for each in both.inputs] == [early.id, mean.id]


def test_statistics_of_batch_normalisation_are_estimated_anew(train: Train) -> None:
    one = train(**EACH, **{"model.name": "conv_bilstm", "model.channels": [4], "model.layers": 1})
    mean = done([one, one], [FIRST, SECOND])
    found = weights_of(mean, "best")
    counts = [value for name, value in found.items() if name.endswith("num_batches_tracked")]
    data = mean.history().epochs
    assert counts
    assert data
    steps = {int(count) for count in counts}
    assert len(steps) == 1
    own = weights_of(one, SECOND)
    name = next(name for name in found if name.endswith("running_mean"))
    assert steps == {int(own[name.replace("running_mean", "num_batches_tracked")]) // 2}
    assert not torch.allclose(found[name], own[name])


def test_what_cannot_be_averaged_is_named_in_one_line(train: Train, tmp_path: Path) -> None:
    one, wide = train(**EACH), train(**EACH, **{"model.name": "tcn", "model.channels": [4]})
    failed = done([one, wide], ["best", "best"]).history().last(Failed)
    assert failed is not None
    assert f"{one.id} and {wide.id} are not of one architecture" in failed.error
    with pytest.raises(RunError, match="has no checkpoint 'epoch-0009'"):
        weights_request([one], ["epoch-0009"], "weights")
    copy = RunDir(tmp_path / "runs" / one.id)
    shutil.copytree(one.path, copy.path)
    request = weights_request([copy], ["best"], "weights")
    (copy.checkpoints / request.averaged[0].file).unlink()
    run = RunDir(copy.path.parent / request.run)
    run.write_request(request)
    assert job.main([str(run.path)]) == 1
    gone = run.history().last(Failed)
    assert gone is not None
    assert gone.error.endswith("the checkpoint file is missing")
