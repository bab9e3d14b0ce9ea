"""Probing a machine: the largest batch, the version's own step, and the time limit."""

import datetime as dt

import msgspec
import pytest

from core.run.request import RunRequest
from core.tasks.behaviour.settings import BehaviourExperiment
from core.training import probe as probing
from core.training.batch_size import Reading
from core.training.probe import TIMED_STEPS, probe_machine


class PretendProbe:
    """A device on which 100 windows fit; a step takes a second a window."""

    memory, reserved = 2**30, 0

    def __init__(self, clock):
        self.clock = clock
        self.tried = []

    def __call__(self, size, steps=2):
        self.tried.append((size, steps))
        self.clock.now += size * steps
        return Reading(size=size, fits=size <= 100, seconds=float(size))


class Clock:
    now = 0.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def probe(monkeypatch):
    clock = Clock()
    pretended = PretendProbe(clock)
    monkeypatch.setattr(probing, "open_probe", lambda *_, **__: pretended)
    monkeypatch.setattr(probing, "time", clock)
    return pretended


@pytest.fixture
def request_(tmp_path):
    return RunRequest(
        run="v1-20261121T031500-k3f9", created=dt.datetime(2026, 11, 21, tzinfo=dt.UTC),
        launcher="local", seed=1, experiment=BehaviourExperiment(name="v1"),
    )  # fmt: skip


def test_the_version_s_own_batch_is_timed_first(probe, request_, tmp_path):
    told = []
    report = probe_machine(request_, tmp_path, lambda *_: None, tell=told.append)
    assert (report.largest, report.is_bound) == (96, False)
    assert (report.batch_size, report.accumulation_steps, report.step_seconds) == (64, 1, 64.0)
    assert [size for size, _ in probe.tried] == [64, 128, 96, 112, 104]
    assert probe.tried[0] == (64, TIMED_STEPS)
    assert list(report.readings) == told


def test_what_does_not_fit_is_split(probe, request_, tmp_path):
    training = msgspec.structs.replace(request_.experiment.training, batch_size=384)
    experiment = msgspec.structs.replace(request_.experiment, training=training)
    asked = msgspec.structs.replace(request_, experiment=experiment)
    report = probe_machine(asked, tmp_path, lambda *_: None)
    assert (report.largest, report.batch_size, report.accumulation_steps) == (96, 96, 4)
    assert (report.step_seconds, probe.tried[-1]) == (96.0, (96, TIMED_STEPS))


def test_it_ends_in_time_and_says_that_more_may_fit(probe, request_, tmp_path):
    report = probe_machine(request_, tmp_path, lambda *_: None, seconds=64 * TIMED_STEPS)
    assert [size for size, _ in probe.tried] == [64]
    assert (report.largest, report.is_bound, report.batch_size) == (64, True, 64)
    assert probe_machine(request_, tmp_path, lambda *_: None, most=72).is_bound


def test_where_nothing_fits_nothing_is_timed(probe, request_, tmp_path, monkeypatch):
    monkeypatch.setattr(
        PretendProbe, "__call__", lambda _, size, _steps: Reading(size=size, fits=False)
    )
    report = probe_machine(request_, tmp_path, lambda *_: None)
    assert (report.largest, report.batch_size, report.step_seconds) == (0, 0, None)
