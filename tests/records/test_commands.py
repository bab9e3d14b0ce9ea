"""Commands still print everything on the recorded store that they printed when it was recorded."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from core.evaluation.table import confusion_path, read_rows, rows_table
from tests.records.asking import ask
from tests.records.matching import differences
from tests.records.questions import questions
from tests.records.store import COMMANDS, NAMES

RUNS = json.loads(NAMES.read_text())


@pytest.mark.parametrize("name", questions(RUNS))
def test_answers_as_recorded(name: str, store: Path) -> None:
    recorded = json.loads((COMMANDS / f"{name}.json").read_text())
    assert differences(recorded, ask(recorded["arguments"], store)) == []


def test_every_recorded_answer_is_asked_for() -> None:
    assert {path.stem for path in COMMANDS.iterdir()} == set(questions(RUNS))


@pytest.mark.parametrize("name", ["compare-versions", "compare-versions-last"])
def test_runs_with_rows_compare_with_old_runs_as_old_ones_did(name: str, store: Path) -> None:
    recorded = json.loads((COMMANDS / f"{name}.json").read_text())
    newer = sorted((store / "home" / "runs").glob("v6-*/evaluation/*.parquet"))
    assert newer
    for path in newer:
        rows = rows_table(read_rows(path))
        path.rename(confusion_path(path))
        pq.write_table(rows, path)
    assert differences(recorded, ask(recorded["arguments"], store)) == []
