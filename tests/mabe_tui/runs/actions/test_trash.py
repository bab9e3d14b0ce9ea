"""What is removed goes to the trash, comes back as it was, and is emptied after a time."""

import datetime as dt
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from core.config.registry import Registry
from core.errors import ConfigError, RunError
from core.run import places
from core.run.records import Pointer
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.runs.actions import trash as trash_module
from mabe_tui.runs.actions.discard import discard, discarded_words
from mabe_tui.runs.actions.manage import plan_gc, removal_of
from mabe_tui.runs.actions.trash import Trash
from mabe_tui.runs.actions.trash_settings import kept_days
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.store import RunEntry, RunStore
from tests.mabe_tui.recorded import record

NOW = dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def content(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder but locks, by its relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }


@pytest.fixture
def run(home: Path) -> RunDir:
    """A finished run with a checkpoint and a log."""
    run = record(home, BehaviourExperiment(name="v6"))
    run.checkpoints.mkdir()
    (run.checkpoints / "step-12.pt").write_bytes(b"weights")
    pointer = Pointer(file="step-12.pt", sha256="0", bytes=7, epoch=3, step=12, attempt="a", seq=1)
    run.write_pointer("best", pointer)
    run.log_path(run.attempts()[0]).write_bytes(b"a line\n")
    return run


def drop(home: Path, run: RunDir, *, whole: bool, when: dt.datetime = NOW) -> None:
    discard(home, [removal_of(RunEntry(run), whole=whole)], when, days=14)


@pytest.mark.parametrize("whole", [False, True])
def test_what_is_restored_is_what_was_removed(home: Path, run: RunDir, whole: bool) -> None:
    before = content(run.path)
    drop(home, run, whole=whole)
    assert content(run.path) != before
    assert len(Catalog(RunStore(home)).records()) == (not whole)
    trash = Trash(home)
    (restored,) = trash.restore(trash.found("last"))
    assert restored.run == run.id
    assert content(run.path) == before
    assert trash.entries() == []
    assert not [path for path in places.trash(home).iterdir() if path.is_dir()]


def test_parts_and_then_the_rest_come_back_together(home: Path, run: RunDir) -> None:
    before = content(run.path)
    drop(home, run, whole=False)
    drop(home, run, whole=True, when=NOW + DAY)
    with pytest.raises(RunError, match=f"{run.id} is in the trash; `mabe restore {run.id}`"):
        RunStore(home).find(run.id[-4:])
    trash = Trash(home)
    trash.restore(trash.found(run.id))
    assert content(run.path) == before


def test_what_is_there_again_is_not_replaced(home: Path, run: RunDir) -> None:
    drop(home, run, whole=True)
    run.path.mkdir()
    (run.path / "mine").write_bytes(b"new")
    trash = Trash(home)
    with pytest.raises(RunError, match="is there again, and is not replaced"):
        trash.restore(trash.found(run.id))
    assert content(run.path) == {"mine": b"new"}
    assert len(trash.entries()) == 1


def test_weights_without_their_run_stay(home: Path, run: RunDir) -> None:
    drop(home, run, whole=False)
    trash = Trash(home)
    (entry,) = trash.entries()
    drop(home, run, whole=True, when=NOW + DAY)
    with pytest.raises(RunError, match="the run itself is gone"):
        trash.restore([entry])


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_nothing_is_lost_when_a_removal_or_a_restoration_is_cut_short(
    home: Path, run: RunDir, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    before, trash = content(run.path), Trash(home)

    def removal() -> None:
        drop(home, run, whole=False)

    def restoration() -> None:
        trash.restore(trash.found(run.id))

    for work in (removal, restoration):
        with monkeypatch.context() as patched:
            patched.setattr(trash_module, "_move", _killed_after(cut, trash_module._move))
            with suppress(KeyboardInterrupt, RunError):  # an error: nothing was removed
                work()
        in_trash = [
            data for entry in trash.entries() for data in content(entry.folder / "files").values()
        ]
        assert sorted([*content(run.path).values(), *in_trash]) == sorted(before.values())
        assert len(in_trash) == (min(cut, 3) if work is removal else 0)
    for entry in trash.entries():
        trash.restore([entry])
    assert content(run.path) == before


def _killed_after(count: int, move: Callable[[Path, Path], None]) -> Callable[[Path, Path], None]:
    done: list[Path] = []

    def moving(source: Path, target: Path) -> None:
        if len(done) == count:
            raise KeyboardInterrupt
        done.append(source)
        move(source, target)

    return moving


def test_the_next_removal_empties_what_was_kept_long_enough(home: Path, run: RunDir) -> None:
    other = record(home, BehaviourExperiment(name="v5"))
    drop(home, run, whole=True)
    before = content(places.trash(home))
    Catalog(RunStore(home)).records()  # a listing empties nothing, whenever it is
    assert content(places.trash(home)) == before
    drop(home, other, whole=True, when=NOW + 13 * DAY)
    assert [entry.run for entry in Trash(home).entries()] == [other.id, run.id]
    done = discard(home, [], NOW + 14 * DAY, days=14)
    assert [entry.run for entry in Trash(home).entries()] == [other.id]
    assert "emptied the trash of" in discarded_words(done, 14)
    assert Trash(home).expired(None, NOW + 9999 * DAY) == []


def test_emptying_that_was_cut_short_is_finished(
    home: Path, run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(home, run, whole=True)
    trash = Trash(home)
    with monkeypatch.context() as patched:
        patched.setattr(trash_module.shutil, "rmtree", _killed)
        with pytest.raises(KeyboardInterrupt):
            trash.empty(trash.entries())
    assert trash.entries() == []
    assert list(places.trash(home).glob(".emptied-*"))
    trash.empty([])
    assert content(places.trash(home)) == {}


def _killed(folder: Path) -> None:
    raise KeyboardInterrupt


def test_caches_are_not_kept(home: Path, run: RunDir) -> None:
    (places.cache(home) / "prepared").mkdir(parents=True)
    (places.cache(home) / "prepared" / "x.npy").write_bytes(b"12345")
    done = discard(home, plan_gc(home, everything=False), NOW, days=14)
    assert (done.freed, done.trashed) == (5, 0)


def test_another_file_system_is_named(
    home: Path, run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(18, os.strerror(18))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", refuse)
        with pytest.raises(RunError, match="another file system than the trash; --now"):
            drop(home, run, whole=True)
    assert run.path.is_dir()
    assert Trash(home).entries() == []


@pytest.mark.parametrize("paths", ['"runs/other"', '"runs/{run}/../x"', '"/etc"'])
def test_a_record_that_names_other_files_is_not_followed(
    home: Path, run: RunDir, paths: str
) -> None:
    drop(home, run, whole=True)
    trash = Trash(home)
    (entry,) = trash.entries()
    record_file = entry.folder / "removed.toml"
    own = f'"runs/{run.id}"'
    assert own in record_file.read_text()
    record_file.write_text(record_file.read_text().replace(own, paths.format(run=run.id)))
    assert trash.entries() == []
    assert "names files that are not of" in trash.problems()[0]


def test_days_are_a_setting() -> None:
    def asked(manager: dict[str, object]) -> float | None:
        return kept_days(Registry(Path("x.toml"), {}, {}, "[trash]\ndays = -1\n", manager))

    assert asked({}) == 14
    assert asked({"trash": {"days": 3}}) == 3
    assert asked({"trash": {"days": "never"}}) is None
    with pytest.raises(ConfigError, match=r"x\.toml:2: trash\.days: -1 is not"):
        asked({"trash": {"days": -1}})
    with pytest.raises(ConfigError, match="did you mean 'days'"):
        asked({"trash": {"day": 1}})
