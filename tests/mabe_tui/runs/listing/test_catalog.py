"""Records are read once, cached, and read again when a file changes."""

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from core.config.experiment import HardwareConfig
from core.run import places
from core.run.events import Failed
from core.run.history import History
from core.run.records import About
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment, BehaviourTrainingConfig
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.local_launcher import LocalLauncher
from mabe_tui.plotting.smoothing import ema
from mabe_tui.runs.actions.manage import note, plan_gc
from mabe_tui.runs.listing import catalog as catalogs
from mabe_tui.runs.listing.catalog import FILE, Catalog
from mabe_tui.runs.listing.record import CURVE_POINTS, SMOOTHING
from mabe_tui.runs.reading.thin_history import ThinTail
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.summary import hearing, run_summary
from mabe_tui.runs.summary.run_summary import summary_of
from tests.mabe_tui.recorded import record
from tests.waiting import wait_for

V6 = BehaviourExperiment(name="v6", training=BehaviourTrainingConfig(epochs=3))
MakeRun = Callable[..., RunDir]


@pytest.fixture
def catalog(home: Path) -> Catalog:
    return Catalog(RunStore(home))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which runs' events are read."""
    seen: list[str] = []
    read = ThinTail.history

    def counted(tail: ThinTail) -> History:
        seen.append(tail._run.id)
        return read(tail)

    monkeypatch.setattr(ThinTail, "history", counted)
    return seen


def test_summaries_are_those_of_the_run_itself(home: Path, catalog: Catalog) -> None:
    record(home, V6, tags=("good",), note="why")
    record(home, V6, ending=Failed)
    (home / "runs" / "half").mkdir()
    expected = [summary_of(entry) for entry in RunStore(home).entries()]
    assert catalog.summaries() == expected
    assert Catalog(RunStore(home)).summaries() == expected  # from the file


def test_what_is_beyond_the_summary(home: Path, catalog: Catalog) -> None:
    scores = [0.1, 0.6, 0.2, 0.3]
    record(home, V6, scores)
    (known,) = catalog.records()
    assert known.best["f1/social"] == 0.3
    assert known.smoothed["f1_macro"] == pytest.approx(max(ema(scores, SMOOTHING)))
    assert known.smoothed["loss"] == pytest.approx(min(ema([1, 1 / 2, 1 / 3, 1 / 4], SMOOTHING)))
    assert known.settings["training.epochs"] == 3
    assert known.settings["hardware.gpu"] is None


def test_nothing_is_read_twice(home: Path, catalog: Catalog, reads: list[str]) -> None:
    runs = [record(home, V6) for _ in range(3)]
    first = catalog.records()
    assert all(again is before for again, before in zip(catalog.records(), first, strict=True))
    Catalog(RunStore(home)).records()
    assert sorted(reads) == sorted(run.id for run in runs)


def test_what_has_been_read_is_told_newest_first(
    home: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogs, "TOLD_SECONDS", 0.0)
    monkeypatch.setattr(catalogs, "TOLD_SHARE", 0.0)
    ids = [record(home, V6).id for _ in range(3)]
    told: list[tuple[list[str], int]] = []
    catalog.records(told=lambda some, total: told.append(([r.id for r in some], total)))
    assert told == [([*reversed(ids)][:count], 3) for count in (1, 2, 3)]


def test_a_change_of_any_file_is_seen(home: Path, catalog: Catalog, reads: list[str]) -> None:
    record(home, V6)
    changed = record(home, V6)
    catalog.records()
    note(changed, "seen")
    assert catalog.summaries()[0].note == "seen"
    with changed.events_path(changed.attempts()[0]).open("ab") as file:
        file.write(b'{"kind":"warning","attempt":"x"\n')
    assert catalog.summaries()[0].warnings
    assert reads.count(changed.id) == 3
    again = Catalog(RunStore(home)).summaries()
    assert (again[0].note, len(reads)) == ("seen", 4)


def test_runs_come_and_go(home: Path, catalog: Catalog) -> None:
    run = record(home, V6)
    catalog.records()
    newer = record(home, V6)
    assert [r.id for r in catalog.records()] == [newer.id, run.id]
    shutil.rmtree(newer.path)
    assert [r.id for r in catalog.records()] == [run.id]


def test_making_room_leaves_the_file(home: Path, catalog: Catalog) -> None:
    record(home, V6)
    catalog.records()
    (places.cache(home) / "prepared").mkdir()
    assert [path.name for removal in plan_gc(home, True) for path in removal.paths] == ["prepared"]


@pytest.mark.parametrize("content", [b"", b"\xc1 no msgpack", b"\x81\xa7version\xa11"])
def test_a_damaged_file_is_made_anew(home: Path, content: bytes, reads: list[str]) -> None:
    record(home, V6)
    expected = Catalog(RunStore(home)).summaries()
    path = places.cache(home) / FILE
    path.write_bytes(content)
    assert Catalog(RunStore(home)).summaries() == expected
    assert Catalog(RunStore(home)).summaries() == expected
    assert len(reads) == 2


def test_a_file_of_another_version_is_made_anew(
    home: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record(home, V6)
    Catalog(RunStore(home)).records()
    monkeypatch.setattr(catalogs, "FORMAT", catalogs.FORMAT + 1)
    Catalog(RunStore(home)).records()
    assert len(reads) == 2


def test_a_home_that_cannot_be_written_is_read_all_the_same(home: Path, catalog: Catalog) -> None:
    record(home, V6)
    places.cache(home).write_text("in the way")
    assert len(catalog.records()) == 1


def test_a_number_that_msgpack_cannot_hold_leaves_one_run_out_of_the_file(
    home: Path, reads: list[str]
) -> None:
    odd, sound = record(home, V6), record(home, V6)
    events = odd.events_path(odd.attempts()[-1])
    events.write_text(events.read_text().replace('"epoch":3', f'"epoch":{2**70}'))
    expected = Catalog(RunStore(home)).summaries()
    assert {each.id for each in expected} == {odd.id, sound.id}
    assert max(each.epoch for each in expected) == 2**70
    assert Catalog(RunStore(home)).summaries() == expected
    assert sorted(reads) == sorted([odd.id, odd.id, sound.id])


def test_a_live_run_is_asked_each_time(
    catalog: Catalog, launcher: LocalLauncher, make_run: MakeRun, reads: list[str]
) -> None:
    run = make_run(then="wait")
    launcher.launch(run)
    wait_for(lambda: len(run.history().epochs) == 2)
    (alive,) = catalog.summaries()
    assert alive.state is RunState.RUNNING
    (later,) = catalog.summaries()
    assert (later.elapsed_seconds or 0) > (alive.elapsed_seconds or 0)
    assert len(reads) == 1
    launcher.stop(run, 30)
    assert catalog.summaries()[0].state is RunState.STOPPED


def test_a_run_that_goes_on_is_read_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = record(home, V6, (0.1, 0.2), ending=None)
    monkeypatch.setattr(catalogs, "state_of", lambda _: RunState.RUNNING)
    path = run.events_path(run.attempts()[0])
    *lines, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines) + b"torn")
    catalog = Catalog(RunStore(home))
    assert catalog.summaries()[0].epoch == 1
    path.write_bytes(b"".join(lines) + b"not an event\n" + last)
    (summary,) = catalog.summaries()
    assert (summary.epoch, len(summary.warnings)) == (2, 1)
    assert f":{len(lines) + 1}: damaged" in summary.warnings[0]
    path.unlink()
    path.write_bytes(lines[0])
    assert (catalog.summaries()[0].epoch, catalog.summaries()[0].warnings) == (0, ())
    assert catalog.records()[0].smoothed == {}


def test_a_run_elsewhere_is_asked_only_by_refresh(
    home: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardware = HardwareConfig(launcher="modal", gpu="H100")
    alive = msgspec.structs.replace(V6, hardware=hardware)
    run = record(home, alive, ending=None, launcher="modal")
    over = record(home, alive, launcher="modal")
    asked: list[str] = []

    class Elsewhere:
        def state(self, run: RunDir) -> RunState:
            asked.append(run.id)
            return RunState.RUNNING

        def sync(self, run: RunDir, quick: bool) -> None:
            assert quick
            run.write_about(About(note="heard"))

    for module in (hearing, run_summary):
        monkeypatch.setattr(module, "launcher_named", lambda _: Elsewhere())
    assert {r.id: r.state for r in catalog.records()} == {
        run.id: RunState.UNKNOWN,
        over.id: RunState.FINISHED,
    }
    assert asked == []
    assert catalog.refresh() == []
    assert asked == [run.id]
    heard = catalog.records()[1]
    assert (heard.state, heard.summary.note, heard.gpu) == (RunState.RUNNING, "heard", "H100")


def test_a_glance_leaves_what_has_ended_alone_and_sees_what_came_and_went(
    home: Path, catalog: Catalog
) -> None:
    run = record(home, V6)
    catalog.records()
    run.write_about(About(note="later"))
    assert catalog.glance()[0].summary.note == ""
    newer = record(home, V6)
    assert [r.id for r in catalog.glance()] == [newer.id, run.id]
    shutil.rmtree(newer.path)
    (left,) = catalog.glance()
    assert left.summary.note == "later"


def test_a_glance_reads_on_what_is_alive(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = record(home, V6, (0.1, 0.2), ending=None)
    monkeypatch.setattr(catalogs, "state_of", lambda _: RunState.RUNNING)
    path = run.events_path(run.attempts()[0])
    *lines, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines))
    catalog = Catalog(RunStore(home))
    assert catalog.records()[0].curve == (0.1,)
    path.write_bytes(b"".join(lines) + last)
    assert catalog.glance()[0].curve == (0.1, 0.2)


def test_a_glance_hears_what_the_job_found_meanwhile(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = record(home, V6, (0.1,), ending=None)
    whole = run.read_request()
    run.write_request(msgspec.structs.replace(whole, resolved=None))
    monkeypatch.setattr(catalogs, "state_of", lambda _: RunState.RUNNING)
    catalog = Catalog(RunStore(home))
    assert catalog.records()[0].scored_on is None
    run.write_request(whole)
    (seen,) = catalog.glance()
    (anew,) = Catalog(RunStore(home)).records()
    assert (seen.scored_on, seen.data) == (anew.scored_on, anew.data)
    assert seen.scored_on is not None


def test_a_long_curve_is_thinned_between_its_ends(home: Path, catalog: Catalog) -> None:
    record(home, V6, [epoch / 1000 for epoch in range(500)])
    (known,) = catalog.records()
    assert len(known.curve) == CURVE_POINTS
    assert (known.curve[0], known.curve[-1]) == (0.0, 0.499)
