import dataclasses
import math

import pyarrow.parquet as pq
import pytest
import torch

from core.run.emitter import Emitter
from core.run.events import CheckpointSaved, Failed, Finished, Step, Stopped, System, Warned
from core.tasks.behaviour.settings import BehaviourTrainingConfig
from core.training.checkpoint import CheckpointStore
from core.training.heartbeat import Heartbeat
from core.training.identity import history_hash, projected_history, weights_hash
from core.training.state import TrainingProgress, TrainingState
from core.training.step import StepResult, optimise

CPU = torch.device("cpu")


def final_hash(run):
    return weights_hash(CheckpointStore(run).load("last").content["model"])


def train_in_pieces(train, stop_after, run, polls):
    """Restart the run after every `polls` checks of the time until it is finished."""
    for _ in range(100):
        stop_after(polls)
        assert train(run) == 0
        if run.history().last(Finished):
            return
    raise AssertionError("the run never came to its end")


@pytest.mark.parametrize("polls", [5, 6, 7, 10, 13, 17, 29])
def test_a_run_cut_in_pieces_is_identical(new_run, train, stop_after, polls):
    """Cut before and after any step, in the middle of an epoch, and inside validation."""
    settings = {"scheduler": "plateau", "plateau_patience": 0, "warmup_epochs": 2, "epochs": 4}
    whole, cut = new_run("whole", **settings), new_run("cut", **settings)
    assert train(whole) == 0
    train_in_pieces(train, stop_after, cut, polls)
    assert final_hash(cut) == final_hash(whole)
    assert projected_history(cut.history()) == projected_history(whole.history())
    assert len(cut.attempts()) > 1
    assert [epoch.epoch for epoch in cut.history().epochs] == [1, 2, 3, 4]


def test_cut_with_accumulation_is_identical(new_run, train, stop_after):
    settings = {"accumulation_steps": 3, "scheduler": "cosine"}
    whole, cut = new_run("whole", **settings), new_run("cut", **settings)
    assert train(whole) == 0
    train_in_pieces(train, stop_after, cut, polls=6)
    assert final_hash(cut) == final_hash(whole)
    assert projected_history(cut.history()) == projected_history(whole.history())
    assert whole.history().epochs[-1].step == 9


def test_accumulated_batches_are_one_batch(fake, one_thread):
    """6 × 64 and 384 make the same update to rounding, where no batch norm or dropout is in the way."""
    weights = []
    for batch_size, accumulation in ((384, 1), (64, 6)):
        torch.manual_seed(1)
        task = fake.FakeTask(batch_size=batch_size, batches=384 // batch_size, plain=True)
        config = BehaviourTrainingConfig(learning_rate=0.01, accumulation_steps=accumulation)
        state = TrainingState(config, task.build_model(), CPU)
        for epoch in range(1, 6):
            result = optimise(state, task, task.train_batches(epoch), clip=0.1)
        weights.append((result, state.model.state_dict()))
    (whole, whole_weights), (parts, part_weights) = weights
    assert parts.loss_weight == pytest.approx(whole.loss_weight)
    assert parts.gradient_norm == pytest.approx(whole.gradient_norm, rel=1e-4)
    for name, tensor in whole_weights.items():
        torch.testing.assert_close(part_weights[name], tensor, rtol=1e-4, atol=1e-6)


def test_a_broken_step_is_reported_and_changes_nothing(fake, one_thread):
    task = fake.FakeTask(broken={(1, 0)})
    state = TrainingState(BehaviourTrainingConfig(), task.build_model(), CPU)
    before = weights_hash(state.model.state_dict() | {"norm.num_batches_tracked": torch.tensor(0)})
    batches = task.train_batches(1)
    result = optimise(state, task, [next(batches)], clip=1.0)
    after = weights_hash(state.model.state_dict() | {"norm.num_batches_tracked": torch.tensor(0)})
    assert result.broken
    assert math.isnan(result.loss)
    assert before == after
    assert not optimise(state, task, [next(batches)], clip=1.0).broken


def test_a_few_broken_steps_warn_and_the_run_goes_on(new_run, train, fake):
    run = new_run()
    assert train(run, fake.FakeTask(broken={(2, 3), (2, 4), (3, 0)})) == 0
    history = run.history()
    warnings = [warning.message for warning in history.warnings]
    assert [text.split(":")[0] for text in warnings] == [
        "epoch 2, step 4 of 8",
        "epoch 2, step 5 of 8",
        "epoch 3, step 1 of 8",
    ]
    assert all(math.isfinite(epoch.train_loss) for epoch in history.epochs)
    assert math.isfinite(history.epochs[-1].metrics["loss"])


def test_three_broken_steps_in_a_row_end_the_run_in_words(new_run, train, fake, capfd):
    run = new_run()
    assert train(run, fake.FakeTask(broken={(1, 7), (2, 0), (2, 1)})) == 1
    failed = run.history().ending
    assert isinstance(failed, Failed)
    assert "epoch 2, step 2 of 8" in failed.error
    assert "learning_rate" in failed.error
    assert failed.traceback == ""
    assert capfd.readouterr().err == ""  # the event has said it


def test_early_stopping_ends_on_the_documented_count(new_run, train, monkeypatch, fake):
    values = iter([0.1, 0.5, 0.4, 0.5, math.nan, 0.9])
    monkeypatch.setattr(
        fake.FakeMeasure, "metrics", lambda _: {"loss": 1.0, "f1_macro": next(values)}
    )
    run = new_run(epochs=10, early_stopping_patience=3)
    assert train(run) == 0
    finished = run.history().last(Finished)
    assert (finished.reason, finished.epoch) == ("early_stopping", 5)
    assert (finished.best_epoch, finished.best_metric) == (2, 0.5)
    assert run.read_pointer("best").epoch == 2


def test_checkpoints_and_evaluation_of_a_whole_run(new_run, train):
    run = new_run(epochs=5, save_every=2)
    assert train(run) == 0
    names = CheckpointStore(run).pointers()
    assert set(names) == {"best", "last", "epoch-0002", "epoch-0004"}
    assert (names["last"].epoch, names["last"].step) == (5, 40)
    assert len(run.history().of(CheckpointSaved)) == 5
    content = CheckpointStore(run).load("best").content
    assert content["experiment"]["name"] == "fake"
    assert content["task"]["classes"] == ["x", "y", "z"]
    right, frames = (pq.read_table(run.evaluation_table)[c][0].as_py() for c in ("right", "frames"))
    assert right / frames == names["best"].metric == run.history().last(Finished).best_metric
    of_last = pq.read_table(run.evaluation_of("last"))
    last = run.history().epochs[-1].metrics["f1_macro"]
    assert of_last["right"][0].as_py() / of_last["frames"][0].as_py() == last


def test_predictions_of_the_best_epoch_are_kept_where_that_is_asked_for(new_run, train, fake):
    plain, kept = new_run("plain"), new_run("kept", keep_predictions=True)
    assert (train(plain), train(kept)) == (0, 0)
    assert not plain.predictions.exists()
    assert final_hash(kept) == final_hash(plain)
    table = pq.read_table(kept.predictions)
    assert table["unit"].to_pylist() == ["c"] * 16
    model = fake.FakeModel()
    model.load_state_dict(CheckpointStore(kept).load("best").content["model"])
    batches = [*fake.FakeTask().validation_batches()]
    with torch.no_grad():
        scores = torch.cat([model.eval()(batch.inputs)[:, 0, 0] for batch in batches])
    assert table["score"].to_pylist() == pytest.approx(scores.tolist(), rel=1e-5)


def test_without_validation_the_latest_epoch_is_the_best(
    new_run, train, stop_after, monkeypatch, fake
):
    summary = dataclasses.replace(fake.FakeTask.summary, validation_units=(), validation_examples=0)
    monkeypatch.setattr(fake.FakeTask, "summary", summary)
    monkeypatch.setattr(fake.FakeTask, "validation_batches", lambda _: iter(()))
    whole, cut = new_run("whole"), new_run("cut")
    assert train(whole) == 0
    train_in_pieces(train, stop_after, cut, 7)
    assert [epoch.metrics for epoch in whole.history().epochs] == [{}, {}, {}]
    assert whole.read_pointer("best").epoch == whole.history().last(Finished).best_epoch == 3
    assert math.isnan(whole.history().last(Finished).best_metric)
    assert not whole.evaluation_table.exists()
    assert final_hash(cut) == final_hash(whole)
    assert history_hash(cut.history()) == history_hash(whole.history())


def test_only_the_newest_of_the_kept_epochs_stay(new_run, train):
    run = new_run(epochs=6, save_every=1, keep_last=2)
    assert train(run) == 0
    names = CheckpointStore(run).pointers()
    assert set(names) == {"best", "last", "epoch-0005", "epoch-0006"}
    files = {path.name for path in run.checkpoints.glob("*.pt")}
    assert files == {pointer.file for pointer in names.values()}


def test_a_monitor_that_is_not_measured(new_run, train, monkeypatch, fake):
    monkeypatch.setattr(fake.FakeTask, "monitor", "f2")
    run = new_run()
    assert train(run) == 1
    assert "f1_macro" in run.history().ending.error


def test_the_best_of_a_falling_monitor_is_the_smallest(new_run, train, monkeypatch, fake):
    values = iter([0.5, 0.2, 0.3, 0.2])
    monkeypatch.setattr(fake.FakeTask, "monitor", "loss")
    monkeypatch.setattr(
        fake.FakeMeasure, "metrics", lambda _: {"loss": next(values), "f1_macro": 0.1}
    )
    run = new_run(epochs=10, early_stopping_patience=2)
    assert train(run) == 0
    finished = run.history().last(Finished)
    assert (finished.reason, finished.epoch) == ("early_stopping", 4)
    assert (finished.best_epoch, finished.best_metric, finished.monitor) == (2, 0.2, "loss")
    assert run.read_pointer("best").metric == 0.2
    assert run.history().best_epoch("loss").epoch == 2


def test_mixed_precision_on_the_cpu_warns_and_trains(new_run, train):
    run = new_run(epochs=1, mixed_precision="fp16")
    assert train(run) == 0
    assert [warning.code for warning in run.history().of(Warned)] == ["mixed_precision"]


def test_a_checkpoint_of_another_model_is_refused_in_words(new_run, train, stop_after, fake):
    run = new_run()
    stop_after(6)
    train(run)
    assert isinstance(run.history().ending, Stopped)
    stop_after(1000)
    assert train(run, fake.FakeTask(plain=True)) == 1
    failed = run.history().ending
    assert "does not fit" in failed.error
    assert "\n" not in failed.error


def test_heartbeat_is_about_one_step_a_second_with_the_mean_loss(tmp_path):
    now = 0.0
    with Emitter("0001-aaaa", tmp_path / "events.jsonl") as emitter:
        seen = []
        emitter.emit = lambda kind, **fields: seen.append((kind, fields))
        heartbeat = Heartbeat(emitter, CPU, clock=lambda: now)
        progress = TrainingProgress(epoch=1)
        for index in range(60):
            now += 0.25
            progress.step += 1
            result = StepResult(index * 2.0, 2.0, 1.0, examples=100, broken=False)
            heartbeat.step(progress, 60, result, 1e-3)
    steps = [fields for kind, fields in seen if kind is Step]
    assert [fields["step"] for fields in steps] == list(range(1, 61, 4))
    assert [fields["loss"] for fields in steps[:3]] == [0.0, 2.5, 6.5]
    assert {fields["frames_per_second"] for fields in steps} == {400.0}
    assert steps[0]["epoch"] == 2
    assert sum(kind is System for kind, _ in seen) == 3


def test_validation_is_no_training_time(tmp_path):
    """Else the first event of every epoch would tell the loss of a single batch."""
    now = 0.0
    with Emitter("0001-aaaa", tmp_path / "events.jsonl") as emitter:
        seen = []
        emitter.emit = lambda kind, **fields: seen.append((kind, fields))
        heartbeat = Heartbeat(emitter, CPU, clock=lambda: now)
        progress = TrainingProgress()
        for _ in range(3):
            now += 50.0  # validating, saving
            heartbeat.go_on()
            for _ in range(6):
                now += 0.25
                progress.step += 1
                heartbeat.step(progress, 6, StepResult(2.0, 2.0, 1.0, 100, broken=False), 1e-3)
    steps = [fields for kind, fields in seen if kind is Step]
    assert [fields["step"] for fields in steps] == [1, 5, 9, 13, 17]
    assert {fields["frames_per_second"] for fields in steps} == {400.0}


def test_a_model_without_a_finite_loss_is_never_the_best(new_run, train, monkeypatch, fake):
    """Its other figures still look like figures: all frames in one class have an F1."""
    values = iter([(1.0, 0.2), (math.nan, 0.9), (math.inf, 0.9), (1.0, 0.3)])
    monkeypatch.setattr(
        fake.FakeMeasure,
        "metrics",
        lambda _: dict(zip(("loss", "f1_macro"), next(values), strict=True)),
    )
    run = new_run(epochs=4)
    assert train(run) == 0
    finished = run.history().last(Finished)
    assert (finished.best_epoch, finished.best_metric) == (4, 0.3)
    assert run.history().best_epoch("f1_macro").epoch == 4
    assert run.read_pointer("best").epoch == 4
