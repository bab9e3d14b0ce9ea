"""The benchmark of the two-trunk network, run small on a CPU."""

import json

import msgspec
import pytest

from tests.bench import bench_two_trunk
from tests.bench.bench_two_trunk import T4, Result, table

SMALL = ["--small", "--device", "cpu", "--trunks", "tcn", "--widths", "32", "--json"]


def test_it_measures_and_prints_json_or_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    bench_two_trunk.main(SMALL)
    result = msgspec.convert(json.loads(capsys.readouterr().out), Result)
    (line,) = result.lines
    assert min(line.train_rate, line.train_ratio, line.predict_rate, line.predict_ratio) > 0
    assert line.member_hours == pytest.approx(14_400 / line.predict_rate / 3600)
    assert table(result).splitlines()[-1].startswith("| tcn | 32 | ")


def test_a_recurrent_layer_waits_for_its_steps_however_little_it_computes() -> None:
    t4 = T4(teraflops=1, share=0.5, step_microseconds=10, batch=100)
    assert t4.seconds(1e6, 1e6, recurrent_layers=0) == pytest.approx(2)
    assert t4.seconds(1e6, 1e3, recurrent_layers=2) == pytest.approx(1e4 * 4 * 10e-6)
