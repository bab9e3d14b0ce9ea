"""Records of attempts that died without an ending, and their use."""

from collections.abc import Callable

import pytest

from core.run.rundir import RunDir
from mabe_tui.launch.attempts import QuietEnding, read_quiet_ending, write_quiet_ending
from mabe_tui.launch.launcher import RunState


@pytest.mark.parametrize(
    ("reason", "outcome", "is_believed"),
    [
        ("", "cancelled", True),
        ("Modal keeps neither its call nor its app any longer", "forgotten", True),
        # by older versions, which did not note the outcome
        ("", "", True),
        ("killed", "", True),
        ("its container died (Container died)", "", True),
        ("Modal's time-out came before it was done", "", True),
        ("RuntimeError: the job of v1 died without a word (exit code -9)", "", True),
        ("ResourceExhaustedError: rate limit exceeded", "", False),
        ("PermissionDeniedError: no", "", False),
        ("Modal does not know it any more", "", False),
        ("VersionError: too old", "", False),
        ("KeyError: 'x'", "", False),
    ],
)
def test_only_an_outcome_is_believed(
    reason: str, outcome: str, is_believed: bool, make_run: Callable[..., RunDir]
) -> None:
    run = make_run()
    attempt, ending = run.claim_attempt(), QuietEnding(RunState.LOST, reason, outcome)
    write_quiet_ending(run, attempt, ending)
    assert read_quiet_ending(run, attempt) == (ending if is_believed else None)
