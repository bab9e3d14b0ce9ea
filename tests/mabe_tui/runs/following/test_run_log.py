"""The joint log of several attempts: search, and mapping between events and lines."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import UserError
from core.run.events import Epoch, Identity, Step, System, encode, identity
from core.run.rundir import RunDir
from mabe_tui.runs.following import log_index, run_log
from mabe_tui.runs.following.run_log import RunLog, search_pattern
from tests.mabe_tui.runs.telling import Telling


@pytest.fixture
def told(tmp_path: Path) -> Telling:
    """Two attempts, with words between the events."""
    telling = Telling(RunDir(tmp_path / "run")).begin("0001-aaaa").words(b"\x1b[31mfirst\x1b[0m")
    telling.epoch(1).words(b"between").resume("0002-bbbb", telling.saved)
    for number in range(2, 5):
        telling.epoch(number).words(b"words of epoch %d" % number)
    return telling


def all_of(log: RunLog) -> list[str]:
    while log.extend():
        pass
    return [row.text for row in log.lines(log.first, log.stop - log.first)]


def test_attempts_follow_one_another(told: Telling) -> None:
    log = RunLog(told.run)
    assert [row.attempt for row in log.lines(log.stop - 1, 9)] == ["0002-bbbb"]
    texts = all_of(log)
    assert log.complete
    assert len(texts) == len(told.events) + 5
    assert texts[2] == "first"
    assert [log.number(log.first), log.number(-1)] == [1, len(texts)]
    assert [row.position for row in log.lines(-3, 3)] == [-3, -2, -1]


def test_each_event_is_found_and_found_back(told: Telling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_index, "TAIL_BYTES", 100)  # so that it must index on its way
    for event in told.events:
        log = RunLog(told.run)
        position = log.line_of(identity(event))
        assert position is not None
        assert log.lines(position, 1)[0].event == event
        assert log.event_near(position, (type(event),)) == event


def test_event_that_the_log_lacks(told: Telling) -> None:
    log = RunLog(told.run)
    assert log.line_of(Identity("0002-bbbb", 9999)) is None
    assert log.line_of(Identity("0009-zzzz", 1)) is None


def test_event_in_a_log_that_is_out_of_order(tmp_path: Path) -> None:
    told = Telling(RunDir(tmp_path / "run")).begin("0001-aaaa").epoch(1)
    path = told.run.log_path("0001-aaaa")
    path.write_bytes(b"".join(encode(event) + b"\n" for event in reversed(told.events)))
    log = RunLog(told.run)
    for event in told.events:
        position = log.line_of(identity(event))
        assert position is not None
        assert log.lines(position, 1)[0].event == event


def test_words_lead_to_the_measurement_before_them(told: Telling) -> None:
    log = RunLog(told.run)
    found = log.event_near(log.stop - 1)
    assert isinstance(found, Epoch)
    assert found.epoch == 4
    all_of(log)
    assert isinstance(log.event_near(log.first), Step)  # none is before the first line
    assert (
        log.event_near(log.stop - 1, (System,))
        == [event for event in told.events if isinstance(event, System)][-1]
    )


@pytest.mark.parametrize("at_once", [1, 3, 4000])
def test_search_goes_both_ways(
    told: Telling, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(run_log, "SEARCHED_AT_ONCE", at_once)
    log = RunLog(told.run)
    pattern = search_pattern("words of EPOCH".lower())
    found, at = [], log.stop - 1
    while (
        position := next((p for p in log.search(pattern, at, -1) if p is not None), None)
    ) is not None:
        found.append(log.lines(position, 1)[0].text)
        at = position - 1
    assert found == ["words of epoch 4", "words of epoch 3", "words of epoch 2"]
    first = next(p for p in log.search(pattern, log.first) if p is not None)
    assert log.lines(first, 1)[0].text == "words of epoch 2"
    assert [p for p in log.search(search_pattern("absent"), log.first) if p is not None] == []


def test_search_finds_what_is_shown(told: Telling) -> None:
    def spell(event: object) -> str | None:
        return f"EPOCH {event.epoch}" if isinstance(event, Epoch) else None

    log = RunLog(told.run, spell)
    texts = all_of(log)
    assert [text for text in texts if text.startswith("EPOCH")] == [
        f"EPOCH {n}" for n in range(1, 5)
    ]
    found = [p for p in log.search(search_pattern("^EPOCH 1$"), log.first) if p is not None]
    assert log.lines(found[0], 1)[0].text == "EPOCH 1"


def test_pattern_ignores_case_unless_it_has_capitals() -> None:
    assert search_pattern("nan").search("NaN")
    assert not search_pattern("NAN").search("NaN")
    with pytest.raises(UserError, match="search '\\(': missing"):
        search_pattern("(")


def test_growth_and_new_attempts_keep_positions(told: Telling) -> None:
    log = RunLog(told.run)
    told.words(b"more")
    assert log.poll() == 1
    told.words(b"last of the second").begin("0003-cccc")
    assert log.poll() == 3
    assert log.generation == 0
    assert [row.text for row in log.lines(0, 2)] == ["more", "last of the second"]
    assert log.lines(2, 1)[0].attempt == "0003-cccc"
    assert log.poll() == 0


def test_replaced_log_and_words_of_an_older_attempt_begin_anew(told: Telling) -> None:
    log = RunLog(told.run)
    all_of(log)
    with told.run.log_path("0001-aaaa").open("ab") as file:
        file.write(b"late\n")
    log.poll()
    assert log.generation == 1
    assert "late" in all_of(log)
    told.run.log_path("0002-bbbb").unlink()
    told.run.log_path("0002-bbbb").write_bytes(b"only this\n")
    log.poll()
    assert log.generation == 2
    assert [row.text for row in log.lines(-1, 1)] == ["only this"]


def test_run_without_attempts(make_run: Callable[..., RunDir]) -> None:
    log = RunLog(make_run())
    assert (log.poll(), log.extend(), log.lines(-5, 10)) == (0, False, [])
    assert log.event_near(0) is None
    assert list(log.search(search_pattern("x"), 0, -1)) == []
