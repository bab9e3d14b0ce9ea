"""Metrics of other tools become runs: what mabe exported comes back as it was."""

import math
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.config.registry import default_path, load
from core.errors import ConfigError, DataError, MisuseError
from core.run.events import FreeMetrics, encode
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.curves.curves import curve, curve_names
from mabe_tui.runs.curves.panels import RunNumbers
from mabe_tui.runs.exports.export import export_run
from mabe_tui.runs.old_logs.import_metrics import ImportedRun, import_metrics, read_metrics
from mabe_tui.runs.old_logs.named_metrics import parse_names
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.run_summary import summary_of
from tests.recorded import RECORDINGS, write

REGISTRY = load(default_path())
PACKAGES = {"tensorboard": "tensorboardX", "wandb-offline": "wandb"}


@pytest.fixture(scope="module")
def entry(tmp_path_factory: pytest.TempPathFactory) -> RunEntry:
    """A run whose losses become NaN, with a metric of its own."""
    run = write(tmp_path_factory.mktemp("home"), replace(RECORDINGS[6], epochs=5))
    path = run.events_path(run.attempts()[-1])
    events = [*run.events()]
    values = {"own": 2.0}
    own = FreeMetrics(
        attempt=events[-1].attempt, seq=10**6, time=events[-1].time, step=7, values=values
    )
    path.write_bytes(path.read_bytes() + encode(own) + b"\n")
    return RunEntry(run)


def imported(home: Path, source: Path, names: dict[str, str] | None = None) -> ImportedRun:
    logged = read_metrics(source)
    assert logged is not None
    return import_metrics(home, REGISTRY, logged, "v6", names)


def numbers_of(entry: RunEntry) -> RunNumbers:
    return RunNumbers.read(entry, entry.id)


@pytest.mark.parametrize("form", ["csv", "parquet", "tensorboard", "wandb-offline"])
def test_what_was_exported_comes_back(entry: RunEntry, tmp_path: Path, form) -> None:
    if form in PACKAGES:
        pytest.importorskip(PACKAGES[form])
    target = export_run(entry, form, tmp_path / "out")
    found = imported(tmp_path / "home", target)
    before, after = numbers_of(entry), numbers_of(RunEntry(found.run))
    assert sorted(curve_names(after.points)) == sorted(curve_names(before.points))
    for name in curve_names(before.points):
        for axis in (Axis.STEP, Axis.EPOCH):
            one = curve(before.points, before.history, name, axis)
            other = curve(after.points, after.history, name, axis)
            x = one.counted[0]
            exact = form != "tensorboard"
            y = one.counted[1] if exact else one.counted[1].astype(np.float32)
            assert np.array_equal(other.y, y, equal_nan=True), (name, axis)
            if name not in ("cpu_percent", "memory_mib", "gpu_percent", "gpu_memory_mib"):
                assert np.allclose(other.x, x), (name, axis)
            assert np.allclose(other.time, one.time[~one.superseded], rtol=0, atol=1e-3)
    summary = summary_of(RunEntry(found.run))
    assert (summary.state, summary.imported) == (RunState.STOPPED, True)
    assert summary.best_epoch == summary_of(entry).best_epoch
    assert found.epochs == 5
    assert found.free == ("own",)
    again = imported(tmp_path / "home", target)
    assert (again.was_here, again.run.id) == (True, found.run.id)


def test_a_table_of_another_tool(tmp_path: Path) -> None:
    """As PyTorch Lightning writes: a column for each metric, with blanks."""
    source = tmp_path / "metrics.csv"
    source.write_text(
        "epoch,step,train_loss,val_loss,val/accuracy,lr,my score\n"
        "0,9,0.5,,,0.1,\n"
        "0,19,,0.4,0.8,,1.5\n"
        "1,29,0.3,,,0.01,\n"
        "1,39,,0.2,0.9,,nan\n"
    )
    found = imported(tmp_path / "home", source)
    numbers = numbers_of(RunEntry(found.run))
    assert [*numbers.points.epochs["epoch"]] == [1, 2]
    assert [*numbers.points.epochs["accuracy"]] == [0.8, 0.9]
    assert [*numbers.points.epochs["loss"]] == [0.4, 0.2]
    assert [*numbers.points.epochs["train_loss"]] == [0.5, 0.3]
    assert [*numbers.points.epochs["learning_rate"]] == [0.1, 0.01]
    assert found.free == ("my_score",)
    own = curve(numbers.points, numbers.history, "my_score", Axis.STEP)
    assert [*own.x] == [19, 39]
    assert math.isnan(own.y[1])


def test_what_tensorboard_downloads_is_one_metric(tmp_path: Path) -> None:
    source = tmp_path / "accuracy.csv"
    source.write_text("Wall time,Step,Value\n1700000000.5,1,0.25\n1700000060.5,2,0.5\n")
    points = numbers_of(RunEntry(imported(tmp_path / "home", source).run)).points
    assert [*points.epochs["accuracy"]] == [0.25, 0.5]
    assert [*points.epochs["time"]] == [1700000000.5, 1700000060.5]


def test_names_can_be_stated(tmp_path: Path) -> None:
    source = tmp_path / "m.csv"
    source.write_text("step,F1 score\n1,0.5\n2,0.75\n")
    names = parse_names(["f1_macro=F1 score"])
    found = imported(tmp_path / "home", source, names)
    assert summary_of(RunEntry(found.run)).best_score == 0.75
    assert imported(tmp_path / "home", source).free == ("F1_score",)
    with pytest.raises(ConfigError, match="no metric 'f1_micro'; did you mean 'f1_macro'"):
        imported(tmp_path / "home", source, parse_names(["f1_micro=F1 score"]))
    with pytest.raises(ConfigError, match="the source has no 'F1'"):
        imported(tmp_path / "home", source, parse_names(["f1_macro=F1"]))
    with pytest.raises(MisuseError, match="write OURS=THEIRS"):
        parse_names(["f1_macro"])


def test_a_plain_log_is_not_metrics(tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text("Epoch 1: Loss: 0.5, F1: 0.25\n")
    assert read_metrics(tmp_path / "train.log") is None


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"step,loss\n", "has no metrics"),
        ("a.csv", b"a,b\n1,2\n", "has no column step"),
        ("a.csv", b"name,step,value\nx,1,y\n", "row 2: value is 'y', not a number"),
        ("a.csv", b"name,step,value\nx,nan,1\n", "row 2: step is nan"),
        ("a.csv", b"step,loss\n1e300,1\n", r"loss: step 1e\+300 is too large"),
        ("a.parquet", b"PAR1", "not Parquet, or damaged"),
        ("events.out.tfevents.1", b"x" * 64, "not an event file, or damaged at byte 0"),
        ("events.out.tfevents.1", b"x", "has no metrics"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    tmp_path: Path, name: str, content: bytes, match: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=match) as caught:
        read_metrics(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_event_files_may_be_cut_off_and_not_changed(entry: RunEntry, tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    folder = export_run(entry, "tensorboard", tmp_path)
    (file,) = folder.iterdir()
    content = file.read_bytes()
    file.write_bytes(content[:-3])
    cut = read_metrics(folder)
    assert cut is not None
    file.write_bytes(content[:-20] + bytes(16) + content[-4:])
    with pytest.raises(DataError, match="damaged at byte"):
        read_metrics(folder)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / file.name).write_bytes(content)
    with pytest.raises(DataError, match=r"has 2 runs .*name the folder of one"):
        read_metrics(tmp_path)
    with pytest.raises(DataError, match="has no event files"):
        (tmp_path / "nothing").mkdir()
        read_metrics(tmp_path / "nothing")


def test_parquet_of_another_tool(tmp_path: Path) -> None:
    table = pa.table({"step": [1, 2], "loss": [0.5, None], "text": ["a", "b"]})
    pq.write_table(table, tmp_path / "m.parquet")
    logged = read_metrics(tmp_path / "m.parquet")
    assert logged is not None
    (series,) = logged.series
    assert (series.name, series.step, series.value) == ("loss", [1], [0.5])
    assert msgspec.json.encode(logged.digest())


def test_a_time_that_is_none_counts_as_unknown(tmp_path: Path) -> None:
    source = tmp_path / "m.csv"
    source.write_text("step,_timestamp,accuracy\n1,1e300,0.5\n2,inf,0.75\n3,-1,1\n")
    points = numbers_of(RunEntry(imported(tmp_path / "home", source).run)).points
    assert [*points.epochs["accuracy"]] == [0.5, 0.75, 1.0]
    assert np.allclose(np.diff(points.epochs["time"]), 1)
