"""What every command says of the recorded store is what it said when that was recorded, and may be more."""

import json
from pathlib import Path

import pytest

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
