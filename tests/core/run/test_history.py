import datetime as dt
import math
import random

import msgspec
import pytest

from core.run.events import (
    AnyEvent,
    CheckpointSaved,
    DataReady,
    Epoch,
    Failed,
    Finished,
    Resumed,
    RunStarted,
    Stopped,
    decode,
    encode,
)
from core.run.history import fold, gaps

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Attempt:
    """Makes one attempt's events, a second apart."""

    def __init__(self, name: str) -> None:
        self.name, self.seq = name, 0

    def common(self) -> dict[str, object]:
        self.seq += 1
        return {
            "attempt": self.name,
            "seq": self.seq,
            "time": START + dt.timedelta(seconds=self.seq),
        }

    def started(self) -> AnyEvent:
        return RunStarted(
            **self.common(), run="r", experiment="v", device="cpu", device_name="", torch="", threads=1,
            code_version="", pid=1, seed=1,
        )  # fmt: skip

    def data(self) -> AnyEvent:
        return DataReady(
            **self.common(), fingerprint="", train_units=1, validation_units=1, train_examples=1,
            validation_examples=1, train_samples=1, steps_per_epoch=1, input_size=1, parameters=1,
        )  # fmt: skip

    def epoch(self, number: int, value: float = 0.5) -> AnyEvent:
        return Epoch(
            **self.common(), epoch=number, step=number, seconds=1.0, train_loss=1.0, learning_rate=1.0,
            gradient_norm=1.0, frames_per_second=1.0, metrics={"f1_macro": value},
        )  # fmt: skip

    def saved(self, epoch: int) -> AnyEvent:
        return CheckpointSaved(
            **self.common(),
            epoch=epoch,
            step=epoch,
            file="f",
            sha256="s",
            bytes=1,
            pointers=("last",),
        )

    def resumed(self, attempt: str, seq: int) -> AnyEvent:
        return Resumed(
            **self.common(),
            from_attempt=attempt,
            from_seq=seq,
            epoch=1,
            step=1,
            file="f",
            sha256="s",
        )


def first_attempt() -> list[AnyEvent]:
    a = Attempt("0001-aaaa")
    return [a.started(), a.data(), a.epoch(1, 0.3), a.saved(1), a.epoch(2, 0.9)]  # dies in epoch 3


def second_attempt(resumes: bool = True) -> list[AnyEvent]:
    b = Attempt("0002-bbbb")
    begin = [b.started(), b.resumed("0001-aaaa", 4)] if resumes else [b.started()]
    return [*begin, b.data(), b.epoch(2, 0.4), b.saved(2), b.epoch(3, 0.5)]


def test_one_epoch_event_per_epoch_after_a_resume() -> None:
    history = fold([*first_attempt(), *second_attempt()])
    assert [(e.epoch, e.attempt[:4]) for e in history.epochs] == [
        (1, "0001"),
        (2, "0002"),
        (3, "0002"),
    ]
    assert [(type(e), e.seq) for e in history.superseded] == [(Epoch, 5)]


def test_superseded_values_do_not_count_as_best_but_their_time_does() -> None:
    history = fold([*first_attempt(), *second_attempt()])
    best = history.best_epoch("f1_macro")
    assert best is not None
    assert best.metrics["f1_macro"] == 0.5
    assert history.seconds == 4 + 5


def test_the_best_of_a_metric_that_the_run_says_falls_is_the_lowest() -> None:
    a = Attempt("0001-aaaa")
    data = msgspec.structs.replace(a.data(), falling=("loss", "f1_macro"))
    history = fold([data, a.epoch(1, 0.5), a.epoch(2, 0.2), a.epoch(3, math.nan), a.epoch(4, 0.2)])
    best = history.best_epoch("f1_macro")
    assert best is not None
    assert best.epoch == 2


def test_the_data_are_counted_under_the_keys_of_the_first_task() -> None:
    ready = Attempt("0001-aaaa").data()
    table = msgspec.json.decode(encode(ready))
    assert {"train_videos", "validation_frames", "train_windows"} < set(table)
    assert not {"train_units", "unit", "example", "falling"} & set(table)
    assert decode(encode(ready)) == ready
    images = msgspec.structs.replace(ready, unit="image", example="pair")
    assert msgspec.json.decode(encode(images))["unit"] == "image"
    assert decode(encode(images)) == images


def test_order_of_arrival_does_not_matter() -> None:
    events = [*first_attempt(), *second_attempt()]
    shuffled = random.Random(1).sample(events, len(events))
    assert fold(shuffled).events == fold(events).events


def test_a_fresh_start_supersedes_all_before_it() -> None:
    history = fold([*first_attempt(), *second_attempt(resumes=False)])
    assert {e.attempt for e in history.events} == {"0002-bbbb"}
    assert len(history.superseded) == 5


def test_an_attempt_that_failed_before_training_leaves_the_line_standing() -> None:
    c = Attempt("0002-cccc")
    failed = [c.started(), Failed(**c.common(), error="no data", type="DataError")]
    history = fold([*first_attempt(), *failed])
    assert [e.epoch for e in history.epochs] == [1, 2]
    assert isinstance(history.ending, Failed)


def test_chain_over_three_attempts_skips_the_one_that_led_nowhere() -> None:
    c = Attempt("0003-cccc")
    third = [c.started(), c.resumed("0001-aaaa", 4), c.data(), c.epoch(2, 0.7)]
    history = fold([*first_attempt(), *second_attempt(), *third])
    assert [(e.epoch, e.attempt[:4]) for e in history.epochs] == [(1, "0001"), (2, "0003")]


def test_ending_is_the_newest_attempts() -> None:
    a = Attempt("0001-aaaa")
    stopped = [a.started(), Stopped(**a.common(), epoch=0, step=0, reason="user")]
    assert isinstance(fold(stopped).ending, Stopped)
    assert fold([*stopped, Attempt("0002-bbbb").started()]).ending is None


def test_gaps_are_found() -> None:
    assert gaps([e for e in first_attempt() if e.seq not in (2, 3)]) == {"0001-aaaa": [2, 3]}
    assert gaps(first_attempt()) == {}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.25])
def test_events_survive_their_line_even_when_not_finite(value: float) -> None:
    event = Attempt("0001-aaaa").epoch(1, value)
    again = decode(encode(event))
    assert isinstance(again, Epoch)
    assert again.metrics["f1_macro"] == pytest.approx(value, nan_ok=True)
    assert encode(again) == encode(event)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Epoch 1/100",
        '{"kind":"epoch","epoch":1',
        '{"kind":"other"}',
        '{"loss": 1}',
        "\x1b[31mred",
    ],
)
def test_other_lines_are_no_events(line: str) -> None:
    assert decode(line) is None
    assert decode(line.encode()) is None


def test_finished_is_an_ending() -> None:
    a = Attempt("0001-aaaa")
    done = Finished(
        **a.common(),
        epoch=1,
        step=1,
        reason="epochs",
        best_epoch=1,
        best_metric=1,
        monitor="m",
        seconds=1,
    )
    assert fold([done]).ending == done
