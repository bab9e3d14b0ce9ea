import json
from pathlib import Path

import pytest

from core.submission.reading import read_truth
from tests.core.data.conftest import Layout
from tests.mabe_tui.cli.conftest import Mabe


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A data folder of one video, and its truth as a submission."""
    layout = Layout(tmp_path / "data")
    layout.add("7")
    folder = layout.write()
    truth = tmp_path / "truth.csv"
    read_truth(folder).table.to_csv(truth, index_label="row_id")
    return folder, truth


def test_a_sound_file_is_accepted(files: tuple[Path, Path], invoke: Mabe) -> None:
    folder, truth = files
    result = invoke("submission", "check", str(truth), "--data", str(folder))
    assert result.exit_code == 0
    assert result.stdout.endswith("the competition would accept it\n")


def test_a_file_that_would_be_rejected_fails(files: tuple[Path, Path], invoke: Mabe) -> None:
    folder, truth = files
    truth.write_text(truth.read_text().replace(",2,5,", ",5,2,"))
    result = invoke("submission", "check", str(truth), "--data", str(folder))
    assert result.exit_code == 1
    assert "rejected: 1 row: start_frame is after stop_frame" in result.stdout
    assert "row 0: video 7, mouse1,mouse2,sniff, frames 5 to 2" in result.stdout
    assert result.stdout.endswith("the competition would reject it\n")
    again = invoke("submission", "check", str(truth), "--data", str(folder), "--json")
    report = json.loads(again.stdout)
    assert (again.exit_code, report["accepted"]) == (1, False)
    assert [each["code"] for each in report["findings"]] == ["start_after_stop"]
