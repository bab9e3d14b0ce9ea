"""Finding runs among arbitrary folders."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from core.errors import RunError
from core.run.records import About
from core.run.rundir import RunDir
from mabe_tui.runs.store import RunStore

MakeRun = Callable[..., RunDir]
DAY = dt.datetime(2026, 11, 21, 3, 15, tzinfo=dt.UTC)


def test_newest_first_whatever_the_version(home: Path, make_run: MakeRun) -> None:
    runs = [make_run(v, DAY + dt.timedelta(hours=h)) for h, v in enumerate(["v6", "v1", "v10"])]
    assert [entry.id for entry in RunStore(home).entries()] == [run.id for run in reversed(runs)]


def test_no_runs_yet(home: Path) -> None:
    assert RunStore(home).entries() == []
    with pytest.raises(RunError, match="no runs yet"):
        RunStore(home).find("last")


def test_damaged_folders_are_listed_with_the_reason(home: Path, make_run: MakeRun) -> None:
    good = make_run()
    folder = home / "runs"
    (folder / "v6-20261121T031500-aaaa").mkdir()
    for name, content in {
        "v6-20261121T031500-bbbb": b"format = 99\n",
        "v6-20261121T031500-cccc": b"format = 1\nrun = 'half",
        "v6-20261121T031500-dddd": b"\xff\xfe",
        "foreign": b"[tool]\nname = 'other'\n",
    }.items():
        (folder / name).mkdir()
        (folder / name / "run.toml").write_bytes(content)
    (folder / "notes.txt").write_text("not a folder")
    (folder / ".removed-x").mkdir()
    problems = {entry.id: entry.problem for entry in RunStore(home).entries()}
    assert problems.pop(good.id) is None
    assert len(problems) == 5
    assert all(problem and "\n" not in problem for problem in problems.values())
    assert "newer mabe" in (problems["v6-20261121T031500-bbbb"] or "")


def test_find_by_every_name(home: Path, make_run: MakeRun) -> None:
    old, new = make_run("v1", DAY), make_run("v1", DAY + dt.timedelta(hours=1))
    other = make_run("v10", DAY + dt.timedelta(hours=2))
    store = RunStore(home)
    assert store.find(old.id).id == old.id
    assert store.find("last").id == other.id
    assert store.find("v1").id == new.id
    assert store.find("v10").id == other.id
    assert store.find("v1-20261121T0315").id == old.id
    assert store.find(f"v1-{old.id[-4:]}").id == store.find(old.id[-4:]).id == old.id
    with pytest.raises(RunError, match=rf"could be any of {new.id}, {old.id}; type more"):
        store.find("v1-")


def test_trials_are_the_latest_only_where_there_is_nothing_else(
    home: Path, make_run: MakeRun
) -> None:
    trial = make_run("v1", DAY + dt.timedelta(hours=1))
    trial.write_about(About(tags=("good", "tune:v1", "trial:0")))
    store = RunStore(home)
    assert store.find("v1").id == store.find("last").id == trial.id
    run = make_run("v1", DAY)
    run.write_about(About(tags=("good",)))
    assert store.find("v1").id == store.find("last").id == run.id
    assert store.find(trial.id).id == trial.id
    assert [entry.id for entry in store.entries()] == [trial.id, run.id]


def test_an_imported_run_is_meant_only_by_its_own_name(home: Path, make_run: MakeRun) -> None:
    imported = make_run("v1", DAY + dt.timedelta(hours=1))
    request = msgspec.structs.replace(imported.read_request(), imported=True)
    imported.write_request(request)
    store = RunStore(home)
    for name, which in (("v1", "of v1"), ("last", "here")):
        words = f"all runs {which} are imported; name one by its id: {imported.id}"
        with pytest.raises(RunError, match=words):
            store.find(name)
    run = make_run("v1", DAY)
    assert store.find("v1").id == store.find("last").id == run.id
    assert store.find(imported.id).id == store.find(imported.id[-4:]).id == imported.id


def test_unknown_name_gives_the_nearest(home: Path, make_run: MakeRun) -> None:
    run = make_run("baseline", DAY)
    store = RunStore(home)
    with pytest.raises(RunError, match="no run 'basline'; did you mean 'baseline'"):
        store.find("basline")
    with pytest.raises(RunError, match=f"did you mean '{run.id}'"):
        store.find(run.id[:-1] + "0")
    with pytest.raises(RunError, match="there are runs of baseline"):
        store.find("zzzzzz")
    with pytest.raises(RunError, match="no run ''"):
        store.find("")


def test_same_second_is_ordered_by_when_it_was_made(home: Path, make_run: MakeRun) -> None:
    import os

    first, second = make_run("v1", DAY), make_run("v1", DAY)
    os.utime(first.path / "run.toml", ns=(1, 1))
    os.utime(second.path / "run.toml", ns=(2, 2))
    assert RunStore(home).find("last").id == second.id
