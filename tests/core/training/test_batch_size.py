"""The search for the largest batch: its measurements, and its handling of memory errors."""

import datetime as dt
import math
import subprocess
import sys

import msgspec
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.config.registry import default_path, load
from core.errors import RunError
from core.run.request import RunRequest
from core.tasks.behaviour.settings import BehaviourExperiment
from core.training import batch_size
from core.training.batch_size import (
    CudaProbe,
    accumulation,
    enlarged,
    is_out_of_memory,
    largest_batch,
    measure,
    small_request,
)
from core.training.memory_probe import NOT_ENOUGH, SubprocessProbe

GIB = 2**30


@given(limit=st.integers(0, 5000), most=st.integers(1, 5000))
def test_the_largest_multiple_of_8_is_found(limit, most):
    tried = []

    def fits(size):
        tried.append(size)
        return size <= limit

    assert largest_batch(fits, most) == min(limit, most) // 8 * 8
    assert len(tried) == len(set(tried)) <= 2 * math.log2(max(2, most // 8)) + 2
    assert all(size % 8 == 0 and size <= most for size in tried)


@pytest.mark.parametrize(
    ("effective", "largest", "split"),
    [
        (384, 64, (64, 6)),
        (384, 80, (64, 6)),
        (384, 384, (384, 1)),
        (384, 4096, (384, 1)),
        (64, 8, (8, 8)),
        (97, 8, (1, 97)),
    ],
)
def test_the_effective_batch_is_kept(effective, largest, split):
    assert accumulation(effective, largest) == split


@given(effective=st.integers(1, 3000), largest=st.integers(1, 3000))
def test_accumulation_divides_and_fits(effective, largest):
    batch, steps = accumulation(effective, largest)
    assert batch * steps == effective
    assert batch <= largest


def request_of(version="v1", *overrides, data=None):
    experiment = load(default_path()).experiment(version, overrides)
    return RunRequest(
        run=f"{version}-20260101T000000-abcd",
        created=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        launcher="local",
        seed=1,
        experiment=experiment,
        data=data,
    )


def test_a_small_request_asks_for_the_same_model():
    request = request_of("v6")
    small = small_request(request).experiment
    assert (small.model, small.features) == (request.experiment.model, request.experiment.features)
    assert (small.data.source, small.data.synthetic_videos) == ("synthetic", 2)
    assert small.data.mice == 4
    assert small_request(request_of("v6", data="folder")).experiment.data.source == "competition"


def test_a_small_request_of_a_fold_has_enough_videos():
    folded = load(default_path()).experiment("v1", ["data.folds=5", "data.fold=4"])
    small = msgspec.structs.replace(request_of("v1"), experiment=folded)
    assert small_request(small).experiment.data.folds is None


def test_enlarged_keeps_all_but_the_number_of_windows(fake):
    batch = next(fake.FakeTask(batch_size=3).train_batches(1))
    batch.mixed = batch.targets, torch.tensor([0.1, 0.2, 0.3])
    larger = enlarged(batch, 7)
    assert larger.inputs.shape == (7, *batch.inputs.shape[1:])
    assert torch.equal(larger.targets[3:6], batch.targets)
    assert torch.equal(larger.weights[6], batch.weights[0])
    assert larger.mixed[1].tolist() == pytest.approx([0.1, 0.2, 0.3, 0.1, 0.2, 0.3, 0.1])
    assert larger.examples == 35


def test_measure_makes_whole_steps(fake, one_thread):
    sizes = []

    class Task(fake.FakeTask):
        def loss(self, output, batch):
            sizes.append(len(output))
            return super().loss(output, batch)

    assert measure(Task(), BehaviourExperiment(name="x"), torch.device("cpu"), 24) > 0
    assert sizes == [24, 24]  # in the second the optimiser's state is there too


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_says_that_there_was_not_the_memory(error, expected):
    assert is_out_of_memory(error) is expected


@pytest.fixture
def cuda(monkeypatch):
    """A device of 10 GiB that is not there; `measure` is to be set."""

    class Properties:
        total_memory = 10 * GIB

    shares = []
    for name, value in {
        "get_device_properties": lambda _: Properties,
        "set_per_process_memory_fraction": shares.append,
        "reset_peak_memory_stats": lambda: None,
        "max_memory_allocated": lambda: 5 * GIB,
        "empty_cache": lambda: None,
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    monkeypatch.setattr(batch_size, "choose_device", torch.device)
    monkeypatch.setattr(batch_size, "build_task", lambda *_: None)
    return shares


def test_a_gpu_without_the_memory_is_no_error(cuda, monkeypatch, tmp_path):
    def measure(_task, _experiment, _device, size, _steps):
        if size > 100:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 0.25

    monkeypatch.setattr(batch_size, "measure", measure)
    probe = CudaProbe(request_of(), tmp_path, lambda *_: None)
    assert (probe.memory, cuda) == (int(9.5 * GIB), [pytest.approx(0.95)])
    assert probe(64).fits
    assert (probe(64).seconds, probe(64).peak_bytes) == (0.25, 5 * GIB)
    assert (probe(128).fits, probe(128).problem) == (False, "out of memory")
    assert largest_batch(lambda size: probe(size).fits, 4096) == 96
    assert CudaProbe(request_of(), tmp_path, lambda *_: None, 4 * GIB).memory == 4 * GIB
    for data, memory in ((2 * GIB, 7.5 * GIB), (6 * GIB, 9.5 * GIB)):  # these stay on the host
        probe = CudaProbe(request_of(), tmp_path, lambda *_: None, reserved=data)
        assert probe.memory == int(memory)


def test_another_error_on_a_gpu_is_raised(cuda, monkeypatch, tmp_path):
    def measure(*_):
        raise RuntimeError("shapes")

    monkeypatch.setattr(batch_size, "measure", measure)
    with pytest.raises(RuntimeError, match="shapes"):
        CudaProbe(request_of(), tmp_path, lambda *_: None)(8)


def test_a_process_of_its_own_is_measured_and_ended(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    probe = SubprocessProbe(request_of(), tmp_path, lambda *_: None, 64 * GIB)
    reading = probe(16)
    assert reading.fits
    assert 50 * 2**20 < reading.peak_bytes < 8 * GIB
    assert reading.seconds > 0
    probe.memory = 10 * 2**20  # less than Python with torch takes
    assert not probe(16).fits
    assert probe(16).problem == "more than 0.0 GiB"


def test_a_killed_or_refused_process_is_a_reading_and_a_failed_one_an_error(tmp_path):
    probe = SubprocessProbe(request_of(), tmp_path, lambda *_: None, GIB)
    killed = probe._reading(8, exceeded=False, code=-9, output=b"", errors=b"")
    assert (killed.fits, killed.problem) == (False, "out of memory (killed by the system)")
    refused = probe._reading(8, exceeded=False, code=NOT_ENOUGH, output=b"", errors=b"")
    assert (refused.fits, refused.problem) == (False, "out of memory (refused more memory)")
    between = probe._reading(
        8, exceeded=False, code=0, errors=b"",
        output=b'said\n{"size": 8, "fits": true, "peak_bytes": 2147483648}\n',
    )  # fmt: skip
    assert (between.fits, between.problem) == (False, "more than 1.0 GiB")
    with pytest.raises(RunError, match="a batch of 8 failed: ValueError: no"):
        probe._reading(8, exceeded=False, code=1, output=b"", errors=b"Trace\nValueError: no\n")


def test_a_peak_is_not_that_of_the_parent():
    held = bytearray(b"x") * (512 * 2**20)  # counts as this process's peak once it is written
    script = (
        "import psutil; from core.training.memory_probe import _peak_bytes;"
        " print(_peak_bytes(), psutil.Process().memory_info().rss)"
    )
    child = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True
    )
    peak, now = map(int, child.stdout.split())
    assert 0.9 * now < peak < now + len(held) // 2
