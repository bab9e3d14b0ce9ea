"""The GPU benchmark command, run on a CPU."""

import json

import msgspec
import pytest

from tests.bench import bench_gpu
from tests.bench.gpu_report import Report, epochs, table

SMALL = ["--small", "--device", "cpu", "--models", "tcn", "--rounds", "1", "--whole", "--json"]


def test_it_measures_and_profiles_and_prints_json_or_a_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench_gpu.main(SMALL)
    report = json.loads(capsys.readouterr().out)
    (measured,) = report["measured"]
    assert measured["setup"]["model"] == "tcn"
    assert min(measured["step"], measured["model"], measured["batch"]) > 0
    assert measured["whole_epoch"] > 0
    assert measured["gibibytes"] is None
    assert measured["epochs"] == epochs(measured["step"], measured["setup"]["batch"])
    names = [line["name"] for line in report["profile"]["kernels"]]
    assert any("convolution" in name for name in names)
    assert report["profile"]["device_ms"] is None
    lines = table(msgspec.convert(report, Report)).splitlines()
    assert any(line.startswith("tcn fp32 × 4, 2 workers") for line in lines)
    assert "50 s an epoch" in lines[-2]
    assert "expected 5 to 9 ms" in lines[-1]


def test_projected_epochs_count_the_windows_of_all_videos() -> None:
    # 863 videos of 18,000 frames: (18,000 − 100) / 25 + 1 = 717 windows each, every 25 frames.
    assert epochs(10.0, 384) == {
        "stride 25": pytest.approx(-(-863 * 717 // 384) / 100),
        "stride 50": pytest.approx(-(-863 * 359 // 384) / 100),
        "no overlap": pytest.approx(-(-863 * 181 // 384) / 100),
    }
