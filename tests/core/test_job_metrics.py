"""Metrics that a task reports by itself, through a job that is stopped and resumed."""

import pytest

from core.run.events import Epoch, FreeMetrics
from core.run.free_metrics import log_metrics


def test_a_task_reports_metrics_of_its_own(
    new_run, train, stop_after, fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = fake.FakeTask.loss

    def loss(self, output, batch):
        log_metrics({"own/mean": output.mean().detach(), "own/one": 1})
        return plain(self, output, batch)

    monkeypatch.setattr(fake.FakeTask, "loss", loss)
    run = new_run()
    stop_after(12)
    assert train(run) == 0
    stop_after(1000)
    assert train(run) == 0
    history = run.history()
    told = history.of(FreeMetrics)
    assert {name for event in told for name in event.values} == {"own/mean", "own/one"}
    steps = [event.step for event in told]
    assert steps == sorted(steps)
    assert history.events.index(told[-1]) < history.events.index(history.of(Epoch)[-1])
    log_metrics({"own/one": 2.0})  # the job is over: nobody listens
    assert len(run.history().of(FreeMetrics)) == len(told)
