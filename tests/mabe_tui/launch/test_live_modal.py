"""How `make live-modal` reads the output of containers; running it in full needs a server."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.live_modal.inside import MARK
from tests.live_modal.questions import Answer, child_answer, grace_answer, timeout_answer


def lines(*said: str) -> list[str]:
    return ["noise", *(f"{MARK} it {words}" for words in said), f"{MARK} another tick 99.0"]


def test_a_child_s_line_counts_only_beside_its_parent_s() -> None:
    assert child_answer(lines("parent", "child"), "it").answer == "yes"
    assert child_answer(lines("parent"), "it").answer == "no"
    assert child_answer(lines(), "it").answer == "unknown"


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (["begun 0.0", "tick 4.0", "told InputCancellation 4.5", "tick 34.6"], "30.1 s"),
        (["begun 0.0", "told InputCancellation 4.5", "tick 103.5"], "at least 100 s"),
        (["begun 0.0", "tick 4.0"], "none"),
        ([], "unknown"),
    ],
)
def test_grace_is_from_the_word_to_the_last_sign(said: list[str], answer: str) -> None:
    assert grace_answer(lines(*said), "it", 100.0).answer == answer


@pytest.mark.parametrize(
    ("said", "answer", "detail"),
    [
        (
            ["begun 0.0", "told SIGINT 15.0", "tick 19.5"],
            "yes",
            "SIGINT at 15.0 s; its last sign is at",
        ),
        (["begun 0.0", "tick 14.5"], "no", "its last sign is at 14.5 s"),
        (["begun 0.0", "through 75.0"], "no", "went on to its own end"),
    ],
)
def test_a_time_out_interrupts_or_kills(said: list[str], answer: str, detail: str) -> None:
    found = timeout_answer(lines(*said), "it", 15.0)
    assert isinstance(found, Answer)
    assert found.answer == answer
    assert detail in found.detail


def test_without_credentials_nothing_is_asked(tmp_path: Path) -> None:
    environment = {"MODAL_CONFIG_PATH": str(tmp_path / "none"), "PATH": "", "HOME": str(tmp_path)}
    root = Path(__file__).parents[3]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.live_modal", "--yes"],
        cwd=root, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "no Modal credentials: `modal token new` makes some\n"
