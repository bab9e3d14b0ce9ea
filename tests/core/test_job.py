import errno
import io
import os
import signal
import subprocess
import sys
import warnings

import msgspec
import pytest
import torch

import core.job
from core.errors import DataError
from core.run.emitter import Emitter
from core.run.events import (
    DataReady,
    Failed,
    Finished,
    Preempted,
    Resumed,
    RunStarted,
    Step,
    Stopped,
    System,
    Warned,
    decode,
)
from core.run.history import History, gaps
from core.run.limits import Limits
from core.training.stopping import StopReason, StopWatch


def wait_for(job, kind):
    """Read the job's output up to an event of a kind."""
    for line in job.stdout:
        if isinstance(event := decode(line), kind):
            return event
    raise AssertionError(f"no {kind.__name__}: {job.stderr.read()}")


# ── output ────────────────────────────────────────────────────────────────────────────────────


def test_the_first_attempt_says_what_was_found_and_leaves_it_in_run_toml(new_run, train):
    run = new_run()
    assert train(run) == 0
    events = list(run.events())
    assert gaps(events) == {}
    started, ready, *_, finished = [event for event in events if not isinstance(event, System)]
    assert isinstance(started, RunStarted)
    assert isinstance(ready, DataReady)
    assert isinstance(finished, Finished)
    resolved = run.read_request().resolved
    assert resolved.code_version == started.code_version
    assert resolved.validation_units == ("c",)
    assert (ready.steps_per_epoch, ready.input_size) == (8, 6)


def test_a_resume_is_announced_before_the_data_and_names_the_saved_event(
    new_run, train, stop_after
):
    run = new_run()
    stop_after(5)
    assert train(run) == 0
    stop_after(1000)
    assert train(run) == 0
    first, second = ([e for e in run.events() if e.attempt == name] for name in run.attempts())
    kinds = [type(event) for event in second]
    assert kinds.index(Resumed) < kinds.index(DataReady)
    resumed = second[kinds.index(Resumed)]
    assert (resumed.from_attempt, resumed.from_seq) == (first[-2].attempt, first[-2].seq)
    assert resumed.sha256 == first[-2].sha256
    assert isinstance(first[-1], Stopped)
    assert (first[-1].step, resumed.step) == (3, 3)


def test_a_resume_with_other_code_or_data_says_so_and_goes_on(new_run, train, stop_after):
    run = new_run()
    stop_after(5)
    train(run)
    request = run.read_request()
    changed = msgspec.structs.replace(
        request.resolved,
        code_version="0000",
        data_fingerprint="x",
        validation_units=("d",),
        features_by="numba 0.1",
    )
    run.write_request(msgspec.structs.replace(request, resolved=changed))
    stop_after(1000)
    assert train(run) == 0
    assert {warning.code for warning in run.history().warnings} == {
        "changed_code_version",
        "changed_data_fingerprint",
        "changed_features_by",
        "changed_validation_videos",
    }
    assert run.read_request().resolved == changed


def test_a_finished_run_is_left_alone(new_run, train, capfd):
    run = new_run()
    train(run)
    before = list(run.events())
    capfd.readouterr()
    assert train(run, arguments=["--attempt", run.claim_attempt()]) == 0
    assert list(run.events()) == before
    assert "already finished" in capfd.readouterr().out


# ── what goes wrong ───────────────────────────────────────────────────────────────────────────


def test_a_warning_of_a_library_is_one_plain_line_of_the_log(new_run, train, fake, capfd):
    def warns(request, cache, device, progress):
        warnings.warn("overflow\n  encountered", RuntimeWarning, stacklevel=1)
        return fake.FakeTask()

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert train(new_run(), build=warns) == 0
    assert capfd.readouterr().err == "RuntimeWarning: overflow encountered\n"


def test_a_folder_that_is_no_run_is_one_line(tmp_path, train, capfd):
    class NoRun:
        path = tmp_path

    assert train(NoRun) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "run.toml" in err


def test_an_attempt_must_be_claimed_and_unused(new_run, train, capfd):
    run = new_run(epochs=1)
    assert train(run, arguments=["--attempt", "0007-zzzz"]) == 1
    used = run.claim_attempt()
    run.events_path(used).write_bytes(b"")
    assert train(run, arguments=["--attempt", used]) == 1
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "0007-zzzz" in lines[0]
    assert used in lines[1]


def test_a_run_folder_that_cannot_be_written_is_one_line(new_run, train, capfd):
    run = new_run()
    (run.path / "attempts").write_text("in the way")
    assert train(run) == 1
    assert capfd.readouterr().err.count("\n") == 1


def test_an_error_of_the_users_is_one_line_and_any_other_keeps_its_traceback(new_run, train, capfd):
    def bad_data(request, cache, device, progress):
        raise DataError("train.csv: no such column")

    def bug(request, cache, device, progress):
        raise IndexError("of\ncode")

    first, second = new_run("first"), new_run("second")
    assert train(first, build=bad_data) == 1
    assert train(second, build=bug) == 1
    ending = first.history().ending
    assert (ending.error, ending.type, ending.traceback) == (
        "train.csv: no such column",
        "DataError",
        "",
    )
    ending = second.history().ending
    assert isinstance(ending, Failed)
    assert (ending.error, ending.type) == ("IndexError: of code", "IndexError")
    assert "in bug" in ending.traceback
    printed = capfd.readouterr()
    assert printed.err == ""  # the ``failed`` event has said it, once
    assert printed.out.count("train.csv: no such column") == 1


def test_a_full_gpu_is_told_what_to_do(new_run, train, fake):
    def out_of_memory(epoch, batch):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore text")

    run, task = new_run(batch_size=384), fake.FakeTask()
    task.on_batch = out_of_memory
    assert train(run, task) == 1
    ending = run.history().ending
    assert "training.batch_size = 384" in ending.error
    assert "accumulation_steps" in ending.error
    assert ending.traceback == ""


@pytest.mark.parametrize("nth", [1, 6])
def test_a_disk_that_fills_up_is_one_line_and_the_run_can_go_on(
    new_run, train, monkeypatch, capfd, nth, result_of
):
    run, whole = new_run(), new_run("whole")
    emit, count = Emitter.emit, 0

    def emit_on_a_full_disk(self, kind, **fields):
        nonlocal count
        count += 1
        if count >= nth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return emit(self, kind, **fields)

    with monkeypatch.context() as patch:
        patch.setattr(Emitter, "emit", emit_on_a_full_disk)
        assert train(run) == 1
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "No space left on device" in err
    assert train(run) == 0
    assert train(whole) == 0
    assert result_of(run) == result_of(whole)


def test_a_damaged_last_checkpoint_is_told_of_and_the_run_ends_the_same(
    new_run, train, stop_after, result_of
):
    run, whole = new_run(), new_run("whole")
    stop_after(18)
    train(run)
    assert run.read_pointer("last").step > run.read_pointer("best").step
    path = run.checkpoints / run.read_pointer("last").file
    path.write_bytes(path.read_bytes()[:-10])
    stop_after(1000)
    assert train(run) == 0
    assert [warning.code for warning in run.history().warnings] == ["damaged_checkpoint"]
    assert train(whole) == 0
    assert result_of(run) == result_of(whole)


# ── reasons to stop ───────────────────────────────────────────────────────────────────────────


def test_a_reason_to_stop_while_data_are_prepared(new_run, train, stop_after):
    def slow(request, cache, device, progress):
        for done in range(100):
            progress(done, 100, "videos")
        raise AssertionError("nobody stopped it")

    run = new_run()
    stop_after(4, StopReason("preempted", "SIGINT"))
    assert train(run, build=slow) == 0
    ending = run.history().ending
    assert isinstance(ending, Preempted)
    assert (ending.epoch, ending.step, ending.signal) == (0, 0, "SIGINT")


def test_a_newer_attempt_ends_the_older_which_then_writes_nothing(
    new_run, train, fake, monkeypatch
):
    monkeypatch.setattr("core.training.stopping.NEWER_ATTEMPT_INTERVAL", 0.0)
    run, task, saved = new_run(), fake.FakeTask(), []

    def claim_in_between(epoch, batch):
        if (epoch, batch) == (2, 4):
            saved.append(run.read_pointer("last"))
            run.claim_attempt()

    task.on_batch = claim_in_between
    assert train(run, task) == 0
    ending = run.history().ending
    assert isinstance(ending, Stopped)
    assert ending.reason == "newer_attempt"
    assert run.read_pointer("last") == saved[0]


def test_a_limit_that_is_used_up_stops_before_the_first_step(new_run, train):
    run = new_run(limits=Limits(seconds=0.0))
    assert train(run) == 0
    ending = run.history().ending
    assert (ending.reason, ending.step) == ("time_limit", 0)


@pytest.mark.parametrize(
    ("limits", "earlier", "elapsed", "reason"),
    [
        (Limits(seconds=100), 60, 39, None),
        (Limits(seconds=100), 60, 41, "time_limit"),
        (Limits(attempt_seconds=50), 1000, 49, None),
        (Limits(attempt_seconds=50), 0, 51, "time_limit"),
        (Limits(cost_usd=2, usd_per_hour=4), 900, 899, None),
        (Limits(cost_usd=2, usd_per_hour=4), 900, 901, "budget"),
        (Limits(cost_usd=2), 10**6, 10**6, None),
    ],
)
def test_limits_count_over_all_attempts(new_run, limits, earlier, elapsed, reason):
    now = 1000.0
    watch = StopWatch(clock=lambda: now)
    run = new_run()
    history = History(attempt_seconds={"0001-aaaa": earlier}, seconds=earlier)
    watch.watch(run, run.claim_attempt(), limits, earlier=history)
    assert watch() is None
    now += elapsed
    stop = watch()
    assert (stop.reason if stop else None) == reason


def test_a_budget_goes_by_the_gpu_of_each_attempt(new_run):
    """The earlier attempt was on an A100, at $2 an hour; this one counts at $4 until it is known."""
    now = 0.0
    watch = StopWatch(clock=lambda: now)
    run = new_run()
    prices = {"H100": 4.0, "A100-80GB": 2.0}
    limits = Limits(cost_usd=3, usd_per_hour=4, gpu_usd_per_hour=prices)
    earlier = History(
        attempts=["0001-aaaa"],
        seconds=3600.0,
        attempt_seconds={"0001-aaaa": 3600.0},
        device_names={"0001-aaaa": "NVIDIA A100-SXM4-80GB"},
    )
    assert limits.spent(earlier) == 2
    assert limits.spent(earlier, further=1800) == 3
    watch.watch(run, run.claim_attempt(), limits, earlier=earlier)
    watch.found_device("NVIDIA A100 80GB PCIe")
    now = 1799.0
    assert watch() is None
    now = 1801.0
    assert watch().reason == "budget"


@pytest.mark.parametrize(
    ("number", "kind", "reason"),
    [
        (signal.SIGINT, Preempted, None),
        (signal.SIGTERM, Stopped, "user"),
        (signal.SIGUSR1, Stopped, "user"),
    ],
)
def test_a_signal_leaves_the_last_completed_step(
    new_run, train, number, kind, reason, spawn, result_of, gate
):
    run, whole = new_run(), new_run("whole")
    job = spawn(run.path)
    wait_for(job, Step)
    job.send_signal(number)
    gate.open()
    ending = wait_for(job, kind)
    assert job.wait() == 0
    assert getattr(ending, "reason", None) == reason
    assert run.read_pointer("last").step == ending.step > 0
    assert train(run) == 0
    assert train(whole) == 0
    assert result_of(run) == result_of(whole)


def test_events_are_printed_in_utf_8_whatever_the_locale(tmp_path, monkeypatch):
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, encoding="ascii"))
    core.job._speak_utf_8()
    with Emitter("0001-abcd", tmp_path / "events.jsonl") as emitter:
        emitter.emit(Warned, code="c", message="é – 你")
        emitter.emit(Warned, code="c", message="and on")
    assert printed.getvalue() == (tmp_path / "events.jsonl").read_bytes()


def test_a_job_needs_no_standard_streams(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    core.job._speak_utf_8()
    assert core.job._complain("nobody hears it") == 1
    core.job._let_go_of_output()


def test_a_job_outlives_whoever_reads_its_output(new_run, spawn, gate):
    run = new_run()
    job = spawn(run.path)
    wait_for(job, RunStarted)
    job.stdout.close()
    gate.open()
    assert job.wait() == 0
    assert job.stderr.read() == ""
    assert run.history().last(Finished)


def test_an_attempt_counts_from_its_start(new_run, train, monkeypatch):
    class Slow(StopWatch):
        """Has been a minute and a half on its way to the first event."""

        @property
        def elapsed(self):
            return super().elapsed + 90

    monkeypatch.setattr("core.job.StopWatch", Slow)
    run = new_run()
    assert train(run) == 0
    history = run.history()
    finished = history.last(Finished)
    assert finished.seconds > 90
    assert history.seconds == pytest.approx(finished.seconds, abs=0.05)


def test_handlers_stand_before_torch_is_imported():
    code = "import sys, core.job; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
