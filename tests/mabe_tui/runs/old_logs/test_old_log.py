"""Reading logs of earlier training scripts, and importing them as runs."""

import datetime as dt
import math
import os
from pathlib import Path

import pytest

from core.config.registry import default_path, load
from core.errors import ConfigError, DataError
from core.run.events import RunStarted, encode
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.cli.following.lines import line_of
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.line_buffer import TimedLine
from mabe_tui.runs.following.mirror import Mirror
from mabe_tui.runs.format.event_text import state_words
from mabe_tui.runs.old_logs.import_log import (
    ORIGINAL,
    experiment_of,
    import_log,
    imported_before,
    of_lines,
    read_old_log,
)
from mabe_tui.runs.old_logs.old_log import OldEpoch, OldLogReader, parse
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.run_summary import summary_of
from mabe_tui.runs.tasks import default_spec

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
NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)


def untimed(text: str) -> list[TimedLine]:
    return [(line, None) for line in text.splitlines()]


def test_an_epoch_over_several_lines() -> None:
    log, told = parse(untimed(LONG))
    assert (log.batch_size, log.learning_rate, log.device) == (384, 0.0004, "H100 (80GB)")
    assert (log.asked_epochs, log.complete) == (100, True)
    first, best = log.epochs
    assert (first.epoch, first.learning_rate, first.seconds) == (1, 0.000133, 52.0)
    assert (first.loss, first.f1_macro, first.accuracy) == (0.4234, 0.2356, 0.9768)
    assert log.best == best
    assert best.f1_macro == 0.4389
    assert best.learning_rate is None
    others = [line for line in told if isinstance(line, str)]
    assert others[:4] == LONG.splitlines()[:4]
    assert "  ✓ Best model saved (F1: 0.4389)" in others
    assert not any("Loss" in line or "Time: 5" in line for line in others)


def test_an_epoch_on_one_line() -> None:
    line = "Epoch 22: Loss: 0.1987, F1: 0.4332, Acc: 0.9823  ← BEST"
    log, told = parse(untimed(f"noise\n{line}"))
    assert told == ["noise", log.epochs[0]]
    (epoch,) = log.epochs
    assert (epoch.epoch, epoch.loss, epoch.f1_macro, epoch.accuracy) == (22, 0.1987, 0.4332, 0.9823)
    assert not log.complete


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_log_that_powershell_wrote_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(LONG.replace("\n", "\r\n").encode(encoding))
    printed = read_old_log(path)
    assert printed.log == parse(untimed(LONG))[0]
    assert printed.content == path.read_bytes()


def test_colours_and_numbers_without_end_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    huge = "Epoch " + "9" * 5000 + ": Loss: 1.0, F1: 0.1, Acc: 0.1"
    path.write_text(f"{huge}\n\x1b[32mEpoch 3: Loss: \x1b[1m0.5\x1b[0m, F1: 0.4, Acc: 0.9\x07\n")
    (epoch,) = read_old_log(path).log.epochs
    assert (epoch.epoch, epoch.loss, epoch.f1_macro) == (3, 0.5, 0.4)


def test_a_log_without_epochs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("hello\n")
    with pytest.raises(DataError, match=r"x\.log: no line of it names an epoch"):
        read_old_log(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_old_log(tmp_path / "none.log")


def test_an_epoch_is_given_as_soon_as_it_is_whole() -> None:
    reader = OldLogReader()
    given = [len([e for e in reader.feed(x) if isinstance(e, OldEpoch)]) for x in LONG.splitlines()]
    assert [number for number, count in enumerate(given) if count] == [7, 11]  # its `Time: …`
    assert reader.feed("Epoch 26: Loss: 0.1, F1: 0.4") == [reader.log.epochs[-1]]
    assert reader.feed("Epoch 27/100:") == []
    assert reader.feed("  Loss: 0.2") == []
    assert reader.feed("what comes next") == [reader.log.epochs[-1], "what comes next"]


def test_what_only_looks_like_an_epoch_is_text() -> None:
    reader = OldLogReader()
    lines = ["Epoch 3: 100%|███| 20/20 [00:01, loss=0.5]", "Epoch 4/9:", "  nothing of it", "bye"]
    told = [each for line in lines for each in reader.feed(line)]
    assert told + reader.close() == lines


def test_time_that_comes_late_is_taken_all_the_same() -> None:
    reader = OldLogReader()
    reader.feed("Epoch 1/2: Loss: 0.5, F1: 0.1")
    assert reader.feed("  Time: 7s") == ["  Time: 7s"]
    assert reader.log.epochs[0].seconds == 7


def test_a_loss_that_is_no_number_is_kept() -> None:
    (epoch,) = parse(untimed("Epoch 1: Loss: nan, F1: 0.1"))[0].epochs
    assert epoch.loss is not None
    assert math.isnan(epoch.loss)


def test_epochs_that_were_done_again_take_the_place_of_the_first() -> None:
    lines = [f"Epoch {n}: Loss: {i}.0, F1: 0.1" for i, n in enumerate([1, 2, 3, 2, 3, 4])]
    log, _ = parse(untimed("\n".join(lines)))
    assert [(e.epoch, e.loss) for e in log.epochs] == [(1, 0.0), (2, 3.0), (3, 4.0), (4, 5.0)]


def test_a_run_is_made_of_it(tmp_path: Path) -> None:
    path = tmp_path / "v6.log"
    path.write_text(LONG, encoding="utf-8")
    ended = dt.datetime(2025, 11, 21, tzinfo=dt.UTC)
    os.utime(path, (ended.timestamp(), ended.timestamp()))
    import_log(tmp_path, read_old_log(path), BehaviourExperiment(name="v6"))
    (entry,) = RunStore(tmp_path).entries()
    summary = summary_of(entry)
    assert summary.state is RunState.FINISHED
    assert (summary.best_epoch, summary.best_metric, summary.epoch) == (25, 0.4389, 25)
    assert (summary.last_event, summary.elapsed_seconds) == (ended, 4980.0)  # "1h 23min"
    assert state_words(summary) == "finished (the log ends here)"  # 25 of 100 epochs
    assert (summary.train_loss, summary.metrics.get("loss")) == (0.1756, None)
    assert (summary.tags, summary.frames_per_second) == (("imported",), None)
    assert summary.imported


def test_its_log_has_each_epoch_once_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "v6.log"
    path.write_text(LONG, encoding="utf-8")
    run = import_log(tmp_path, read_old_log(path), BehaviourExperiment(name="v6"))
    items = Mirror(run).poll()
    shown = [line for item in items if (line := line_of(item, default_spec(), 100)) is not None]
    assert [line[:13] for line in shown if line.startswith("epoch ")] == [
        "epoch   1/100",
        "epoch  25/100",
    ]
    assert shown[4:6] == [LONG.splitlines()[3], ""]
    assert shown[6].startswith("epoch   1/100")
    assert shown[-1].startswith("finished after epoch 25")
    (attempt,) = run.attempts()
    assert (run.attempt_folder(attempt) / ORIGINAL).read_text(encoding="utf-8") == LONG


def test_times_of_the_lines_are_those_of_the_run(tmp_path: Path) -> None:
    lines = [(text, NOW + dt.timedelta(minutes=n)) for n, text in enumerate(LONG.splitlines())]
    printed = of_lines("fc-x", lines, NOW + dt.timedelta(days=3))
    run = import_log(tmp_path, printed, BehaviourExperiment(name="v6"))
    minutes = [(event.time - NOW).total_seconds() / 60 for event in run.events()]
    assert minutes == [0, 7, 11, len(lines) - 1]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h 23min", 4980),
        ("83.5 minutes", 5010),
        ("1:23:00", 4980),
        ("4980s", 4980),
        ("long", None),
    ],
)
def test_total_time_is_read(text: str, seconds: float | None) -> None:
    log, _ = parse(untimed(f"Epoch 1: Loss: 1, F1: 0.1\nTotal Time: {text}"))
    assert log.total_seconds == seconds


def test_two_losses_are_told_apart() -> None:
    (epoch,) = parse(untimed("Epoch 1: Train Loss: 0.5, Val Loss: 0.4, F1: 0.1"))[0].epochs
    assert (epoch.loss, epoch.validation_loss) == (0.5, 0.4)
    assert epoch.measured == {"loss": 0.4, "f1_macro": 0.1}


def test_how_a_log_ends_is_how_its_run_ends(tmp_path: Path) -> None:
    def ending(text: str) -> str:
        run = import_log(
            tmp_path, of_lines("x", untimed(text), NOW), BehaviourExperiment(name="v6")
        )
        summary = summary_of(RunEntry(run))
        assert summary.elapsed_seconds is None  # nothing tells
        return state_words(summary)

    assert ending("Epoch 2/2: F1: 0.1") == "finished (all epochs done)"
    assert ending("Epoch 2/3: F1: 0.1") == "stopped (the log ends here)"
    assert (
        ending("Epoch 2/9: F1: 0.1\nEarly stopping triggered\nTraining Complete")
        == "finished (stopped early)"
    )


def test_a_best_epoch_that_a_shortened_log_leaves_out_is_named(tmp_path: Path) -> None:
    text = "Epoch 0/2: F1: 0.1\nEpoch 1/2: F1: 0.2\nBest F1: 0.4 (Epoch 7)"
    run = import_log(tmp_path, of_lines("x", untimed(text), NOW), BehaviourExperiment(name="v6"))
    summary = summary_of(RunEntry(run))
    assert state_words(summary) == "finished (all epochs done)"  # it counts from 0
    assert summary.warnings == (
        "the log names a best F1 of 0.4000 at epoch 7, and does not list that epoch",
    )


def test_its_settings_are_those_of_the_log(tmp_path: Path) -> None:
    registry = load(default_path())
    short = of_lines("x.log", untimed("Epoch 1/2: Loss: 1, F1: 0.1"), NOW)
    training = experiment_of(registry, short, "v6").training  # v6 warms up over 3 epochs
    assert (training.epochs, training.warmup_epochs) == (2, 2)
    odd = of_lines("x.log", untimed("Batch Size: 0\nEpoch 1: F1: 0.1"), NOW)
    with pytest.raises(ConfigError, match=r"x\.log: its settings .* do not fit v6") as refused:
        experiment_of(registry, odd, "v6")
    assert "--set" not in str(refused.value)  # importing has no such option


def test_the_same_log_is_found_again(tmp_path: Path) -> None:
    printed = of_lines("x.log", untimed(LONG), NOW)
    run = import_log(tmp_path, printed, BehaviourExperiment(name="v6"))
    again = imported_before(tmp_path, printed, "v6")
    assert again is not None
    assert again.id == run.id
    assert imported_before(tmp_path, printed, "v5") is None
    longer = of_lines("x.log", untimed(LONG + "more"), NOW)
    assert imported_before(tmp_path, longer, "v6") is None


def test_log_of_a_run_of_our_own_is_named() -> None:
    started = RunStarted(
        attempt="0001-aaaa", seq=1, time=NOW, run="v1-x", experiment="v1", device="cpu",
        device_name="x", torch="2", threads=1, code_version="c", pid=1, seed=1,
    )  # fmt: skip
    with pytest.raises(DataError, match="ap-x: it is the log of v1-x, a run of mabe itself"):
        of_lines("ap-x", [(encode(started).decode(), None)], NOW)
    with pytest.raises(DataError, match="ap-x: no line of it names an epoch"):
        of_lines("ap-x", [], NOW)
