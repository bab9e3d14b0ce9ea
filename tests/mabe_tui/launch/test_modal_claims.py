"""Which start of a run owns its folder on the volume."""

import asyncio
from types import SimpleNamespace

import pytest

from mabe_tui.launch import modal_claims
from mabe_tui.launch.modal_claims import CALL, OutdatedError, claim, commit_if_newest, newest_on


def refuse_to_commit() -> None:
    raise AssertionError("what an outdated attempt wrote would win")


def test_a_call_that_modal_starts_again_takes_the_next_attempt(make_run) -> None:
    run = make_run()
    assert claim(run, "0001-aaaa") == "0001-aaaa"
    assert claim(run, "0001-aaaa").startswith("0002-")
    assert claim(run, "0001-aaaa").startswith("0003-")


def test_an_earlier_call_that_is_started_again_gives_way_to_a_later_one(make_run) -> None:
    run = make_run()
    claim(run, "0001-aaaa")
    assert claim(run, "0002-bbbb") == "0002-bbbb"
    before = run.attempts()
    with pytest.raises(OutdatedError, match="0002-bbbb"):
        claim(run, "0001-aaaa")
    assert run.attempts() == before
    assert claim(run, "0002-bbbb").startswith("0003-")


def test_a_later_call_is_later_whatever_the_earlier_one_has_claimed(make_run) -> None:
    """Its name was chosen when the second attempt of the earlier call was not known yet."""
    run = make_run()
    claim(run, "0001-aaaa")
    claim(run, "0001-aaaa")
    assert claim(run, "0002-cccc").startswith("0003-")
    with pytest.raises(OutdatedError):
        claim(run, "0001-aaaa")


def test_of_two_computers_that_chose_one_number_the_last_claim_wins(make_run) -> None:
    run = make_run()
    claim(run, "0001-aaaa", "fc-1")
    assert claim(run, "0002-zzzz", "fc-2") == "0002-zzzz"
    assert (won := claim(run, "0002-bbbb", "fc-3")).startswith("0003-")
    with pytest.raises(OutdatedError, match="0002-bbbb"):
        claim(run, "0002-zzzz", "fc-2")
    assert claim(run, "0002-bbbb", "fc-3").startswith("0004-")
    assert (run.attempt_folder(won) / CALL).read_text() == "fc-3"


def test_attempts_of_older_versions_stop_nobody(make_run) -> None:
    run = make_run()
    run.attempt_folder("0004-aaaa").mkdir(parents=True)
    assert claim(run, "0001-bbbb").startswith("0005-")


def test_an_outdated_attempt_is_not_committed_and_its_job_can_see_why(make_run) -> None:
    run = make_run()
    claim(run, "0001-aaaa")
    with pytest.raises(OutdatedError):
        commit_if_newest(lambda: "0002-bbbb", run, "0001-aaaa", refuse_to_commit)
    assert run.attempts() == ["0001-aaaa", "0002-bbbb"]


def test_the_newest_attempt_is_committed_also_where_the_volume_cannot_be_listed(make_run) -> None:
    run, commits = make_run(), list[str]()

    def fail() -> str:
        raise ConnectionError("away")

    for newest in (lambda: "0001-aaaa", lambda: "", fail):
        commit_if_newest(newest, run, "0001-aaaa", lambda: commits.append("made"))
    assert len(commits) == 3


def test_a_volume_that_does_not_answer_holds_up_no_commit(make_run, monkeypatch) -> None:
    async def never(_: str) -> None:
        await asyncio.Event().wait()

    volume, run = SimpleNamespace(listdir=SimpleNamespace(aio=never)), make_run()
    monkeypatch.setattr(modal_claims, "LIST_SECONDS", 0.01)
    with pytest.raises(TimeoutError, match="no answer"):
        newest_on(volume, run.id)
    commits = list[str]()
    commit_if_newest(
        lambda: newest_on(volume, run.id), run, "0001-aaaa", lambda: commits.append("made")
    )
    assert commits == ["made"]
