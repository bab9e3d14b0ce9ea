"""Which limit stopped a run, and which new limits are valid."""

from collections.abc import Callable

import msgspec
import pytest

from core.errors import ConfigError, RunError
from core.run.events import Finished, Stopped
from core.run.limits import Limits
from core.run.rundir import RunDir
from mabe_tui.runs.actions.control import resume
from mabe_tui.runs.actions.resume_limits import reached_limit, require_room
from mabe_tui.runs.store import RunEntry
from tests.mabe_tui.runs.telling import Telling

Stop = Callable[..., RunEntry]


@pytest.fixture
def stopped(make_run: Callable[..., RunDir]) -> Stop:
    """A run that two attempts have used 30 s of, and that ended for some reason."""

    def make(reason: str, **limits: float) -> RunEntry:
        run = make_run()
        run.write_request(msgspec.structs.replace(run.read_request(), limits=Limits(**limits)))
        telling = Telling(run).begin("0001-aaaa").begin("0002-bbbb", pause=3600)
        telling.tell(Stopped, epoch=0, step=0, reason=reason)
        return RunEntry(run)

    return make


@pytest.mark.parametrize(
    ("reason", "limits", "words"),
    [
        ("budget", {"cost_usd": 0.03, "usd_per_hour": 3.6}, "its budget of $0.03 is used up"),
        ("time_limit", {"seconds": 40.0}, "its time limit of 40s is used up"),
        ("time_limit", {"seconds": 40.0, "attempt_seconds": 5.0}, "its time limit of 40s"),
        ("time_limit", {"attempt_seconds": 5.0}, None),
        ("time_limit", {"seconds": 9000.0, "attempt_seconds": 5.0}, None),
        ("user", {"seconds": 30.0}, "its time limit of 30s is used up"),
        ("user", {"cost_usd": 0.02, "usd_per_hour": 3.6}, "its budget of $0.02 is used up"),
        ("user", {"seconds": 40.0, "cost_usd": 1.0, "usd_per_hour": 3.6}, None),
    ],
)
def test_the_limit_that_stopped_it_is_told(
    stopped: Stop, reason: str, limits: dict[str, float], words: str | None
) -> None:
    reached = reached_limit(stopped(reason, **limits))
    assert (reached is None) if words is None else str(reached).startswith(words)


def test_a_run_that_finished_has_reached_nothing(make_run: Callable[..., RunDir]) -> None:
    telling = Telling(make_run()).begin("0001-aaaa")
    telling.tell(
        Finished, epoch=1, step=1, reason="epochs", best_epoch=1, best_metric=0.1,
        monitor="f1_macro", seconds=1.0,
    )  # fmt: skip
    assert reached_limit(RunEntry(telling.run)) is None


def test_a_new_limit_counts_over_all_attempts(stopped: Stop) -> None:
    reached = reached_limit(stopped("time_limit", seconds=40.0))
    assert reached is not None
    assert reached.raised("1m") == 60
    for text in ("40s", "3s"):
        with pytest.raises(ConfigError, match=f"{text}: name more than 40s"):
            reached.raised(text)
    with pytest.raises(ConfigError, match=r"time soon: write it as 2h"):
        reached.raised("soon")


@pytest.mark.parametrize("text", ["nan", "much", "", "0.03", "-1"])
def test_a_budget_is_more_dollars(stopped: Stop, text: str) -> None:
    reached = reached_limit(stopped("budget", cost_usd=0.03, usd_per_hour=3.6))
    assert reached is not None
    assert reached.raised(" $15 ") == 15
    with pytest.raises(ConfigError):
        reached.raised(text)


def test_going_on_under_the_same_limit_is_refused_with_the_way_out(stopped: Stop) -> None:
    entry = stopped("budget", cost_usd=0.03, usd_per_hour=3.6)
    with pytest.raises(RunError, match=r"its budget of \$0.03 is used up; --budget above \$0.03"):
        resume(entry)
    with pytest.raises(RunError, match="--budget above"):
        require_room(entry, seconds=3600.0, cost=0.01)
    require_room(entry, seconds=None, cost=1.0)
    assert len(entry.run.attempts()) == 2


def test_a_new_limit_below_what_is_used_is_refused_whatever_stopped_the_run(stopped: Stop) -> None:
    entry = stopped("user", usd_per_hour=3.6)
    with pytest.raises(RunError, match=r"--max-time 20s: .* has used 30s, and it counts over all"):
        require_room(entry, seconds=20.0, cost=None)
    with pytest.raises(RunError, match=r"--budget \$0.02: .* has used \$0.03"):
        require_room(entry, seconds=None, cost=0.02)
    require_room(entry, seconds=40.0, cost=0.04)
