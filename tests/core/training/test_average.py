import pytest
import torch
from torch import nn

from core.errors import CheckpointError
from core.run.events import Finished
from core.tasks.behaviour.settings import BehaviourTrainingConfig
from core.training.average import WeightAverage
from core.training.checkpoint import CheckpointStore
from core.training.checkpoint_file import predicting_weights
from core.training.evaluate import evaluate
from core.training.identity import projected_history, weights_hash
from core.training.precision import Precision
from core.training.state import TrainingState

CPU = torch.device("cpu")


def test_the_average_by_hand():
    model = nn.BatchNorm1d(1)
    average = WeightAverage(model, decay=0.25)
    expected = 1.0
    for update, value in enumerate((5.0, 7.0, 9.0), 1):
        model.weight.data.fill_(value)
        model.running_mean.fill_(value)
        model.num_batches_tracked.fill_(update)
        average.update()
        decay = min(0.25, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * value
        assert float(average.model.weight.detach()) == pytest.approx(expected)
    assert float(average.model.running_mean) == pytest.approx(expected, rel=0.01)  # began at 0
    assert int(average.model.num_batches_tracked) == 3
    assert not average.model.weight.requires_grad


def test_what_is_measured_and_best_is_the_average(new_run, train, fake):
    """The last epoch's metrics, measured again with the weights that prediction would take."""
    run, plain = new_run("average", ema_decay=0.99), new_run("plain")
    assert train(run) == train(plain) == 0
    content = CheckpointStore(run).load("last").content
    model = fake.FakeModel()
    model.load_state_dict(predicting_weights(content))
    assert weights_hash(model.state_dict()) != weights_hash(content["model"])
    measured = evaluate(model, fake.FakeTask(), Precision(None, CPU)).metrics()
    assert measured == run.history().epochs[-1].metrics
    assert measured != plain.history().epochs[-1].metrics
    # the trained weights themselves are what they would be without
    assert weights_hash(content["model"]) == weights_hash(
        CheckpointStore(plain).load("last").content["model"]
    )


def test_a_run_cut_in_pieces_has_the_same_average(new_run, train, stop_after, result_of):
    settings = {"ema_decay": 0.99, "accumulation_steps": 3}
    whole, cut = new_run("whole", **settings), new_run("cut", **settings)
    assert train(whole) == 0
    while cut.history().last(Finished) is None:
        stop_after(6)
        assert train(cut) == 0
    assert len(cut.attempts()) > 2
    assert result_of(cut) == result_of(whole)
    assert projected_history(cut.history()) == projected_history(whole.history())


def test_a_checkpoint_without_the_average_is_refused_in_words(fake):
    plain = TrainingState(BehaviourTrainingConfig(), fake.FakeModel(), CPU)
    averaging = TrainingState(BehaviourTrainingConfig(ema_decay=0.9), fake.FakeModel(), CPU)
    with pytest.raises(CheckpointError, match="does not fit"):
        averaging.load_state_dict(plain.state_dict() | {"rng": []})
