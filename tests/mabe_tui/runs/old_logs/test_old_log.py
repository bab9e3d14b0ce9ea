"""Logs of earlier training scripts: read, and made runs of."""

import datetime as dt
import math
import os
from pathlib import Path

import pytest

from core.errors import DataError
from core.experiment import Experiment
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.old_logs.import_log import import_log, read_old_log
from mabe_tui.runs.old_logs.old_log import parse
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.view import summary_of

LONG = """=== H100 Training Started ===
GPU: H100 (80GB)
Batch Size: 384
Learning Rate: 0.0004 (warmup 3 epochs)

Epoch 1/100 (Warmup): lr=0.000133
  Loss: 0.4234, F1: 0.2356, Acc: 0.9768
  Time: 52s

Epoch 25/100:
  Loss: 0.1756, F1: 0.4389, Acc: 0.9827
  Time: 50s
  ✓ Best model saved (F1: 0.4389)
  ✓ Committed checkpoint

=== Training Complete ===
Total Time: 1h 23min
Best F1: 0.4389 (Epoch 25)
"""


def test_an_epoch_over_several_lines() -> None:
    log = parse(LONG.splitlines())
    assert (log.batch_size, log.learning_rate, log.device) == (384, 0.0004, "H100 (80GB)")
    assert (log.asked_epochs, log.complete) == (100, True)
    first, best = log.epochs
    assert (first.epoch, first.learning_rate, first.seconds) == (1, 0.000133, 52.0)
    assert (first.loss, first.f1_macro, first.accuracy) == (0.4234, 0.2356, 0.9768)
    assert log.best == best
    assert best.f1_macro == 0.4389
    assert math.isnan(best.learning_rate)


def test_an_epoch_on_one_line() -> None:
    log = parse(["noise", "Epoch 22: Loss: 0.1987, F1: 0.4332, Acc: 0.9823  ← BEST"])
    (epoch,) = log.epochs
    assert (epoch.epoch, epoch.loss, epoch.f1_macro, epoch.accuracy) == (22, 0.1987, 0.4332, 0.9823)
    assert not log.complete


def test_a_log_without_epochs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("hello\n")
    with pytest.raises(DataError, match=r"x\.log: no line of it names an epoch"):
        read_old_log(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_old_log(tmp_path / "none.log")


def test_a_run_is_made_of_it(tmp_path: Path) -> None:
    path = tmp_path / "v6.log"
    path.write_text(LONG, encoding="utf-8")
    ended = dt.datetime(2025, 11, 21, tzinfo=dt.UTC)
    os.utime(path, (ended.timestamp(), ended.timestamp()))
    import_log(tmp_path, path, read_old_log(path), Experiment(name="v6"))
    (entry,) = RunStore(tmp_path).entries()
    summary = summary_of(entry)
    assert summary.state is RunState.FINISHED
    assert (summary.best_epoch, summary.best_metric, summary.epoch) == (25, 0.4389, 25)
    assert (summary.last_event, summary.elapsed_seconds) == (ended, 102.0)
    assert summary.tags == ("imported",)
    assert entry.run.log_path(entry.run.attempts()[0]).read_text(encoding="utf-8") == LONG
