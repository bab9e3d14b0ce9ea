"""All of ``mabe demo`` at small size: real data, two real jobs, a real comparison."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import LONG


@pytest.mark.slow
def test_the_demo_runs_to_its_verdict(tmp_path: Path) -> None:
    environment = {**os.environ, "MABE_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", "from mabe_tui.cli.main import run; run()", "demo"]
    result = subprocess.run(
        [*command, "--videos", "10", "--frames", "300"],
        capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=LONG,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "preset demo: scaled down" in result.stderr
    assert result.stderr.count("detached") == 4
    assert "features.inputs" in result.stdout
    assert "reported by the original documents, not measured here" in result.stdout
    verdict = result.stdout.split("verdict")[1]
    assert "v6 − v5" in verdict
    assert "with 2 seeds each" in verdict or "fewer than 5" in verdict  # about versions
