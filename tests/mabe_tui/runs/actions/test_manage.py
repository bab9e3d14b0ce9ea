"""Tags, notes, checkpoints, and what is removed to free disk space."""

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from core.errors import RunError
from core.run import places
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.local_launcher import LocalLauncher
from mabe_tui.runs.actions import manage
from mabe_tui.runs.actions.manage import note, removal_of, remove, tag
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.checkpoints import checkpoint_rows, mark
from tests.mabe_tui.recorded import record
from tests.waiting import wait_for

MakeRun = Callable[..., RunDir]


@pytest.fixture
def finished(launcher: LocalLauncher, make_run: MakeRun) -> RunDir:
    run = make_run(epochs=3)
    launcher.launch(run)
    wait_for(lambda: launcher.state(run) is RunState.FINISHED)
    pointer = run.read_pointer("last")
    assert pointer is not None
    run.write_pointer(
        "epoch-0001", msgspec.structs.replace(pointer, file="step-0000002.pt", step=2)
    )
    return run


def test_marking_offers_what_can_be_marked(finished: RunDir) -> None:
    with pytest.raises(
        RunError, match=r"no checkpoint 'epoch-9'; there is last, best, epoch-0001$"
    ):
        mark(finished, "epoch-9")


def test_locks_are_nothing_to_remove(home: Path) -> None:
    cache = places.cache(home)
    cache.mkdir(parents=True)
    (cache / ".mice.lock").touch()
    (cache / "mice").mkdir()
    paths = [path for item in manage.plan_gc(home, everything=True) for path in item.paths]
    assert paths == [cache / "mice"]


def test_tags_and_note(make_run: MakeRun) -> None:
    run = make_run()
    assert manage.tag(run, add=["good", "paper", "good"]).tags == ("good", "paper")
    assert manage.tag(run, add=["new"], remove=["good", "absent"]).tags == ("paper", "new")
    manage.note(run, "  why it is here ")
    about = run.read_about()
    assert (about.tags, about.note) == (("paper", "new"), "why it is here")
    with pytest.raises(RunError, match="cannot be a tag"):
        manage.tag(run, add=["two words"])


def test_checkpoints_are_listed_and_verified(finished: RunDir) -> None:
    rows = checkpoint_rows(finished, verify=True)
    assert [(row.epoch, row.pointers) for row in rows] == [
        (3, ("last", "best")),
        (3, ("epoch-0001",)),
    ]
    assert all(row.verified and row.problem is None for row in rows)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda path: path.write_bytes(b"weightz"), "its sha256 is not"),
        (lambda path: path.write_bytes(b"w"), "1 bytes where its pointer names 7"),
        (lambda path: path.unlink(), "missing"),
    ],
)
def test_damaged_checkpoint_is_seen(
    finished: RunDir, damage: Callable[[Path], object], problem: str
) -> None:
    damage(finished.checkpoints / "step-0000006.pt")
    (finished.checkpoints / "best.json").write_text("{half")
    rows = checkpoint_rows(finished, verify=True)
    assert problem in (rows[0].problem or "")
    assert not rows[0].verified
    assert "not a checkpoint pointer" in (rows[-1].problem or "")


def test_remove_keeps_what_compare_needs(finished: RunDir) -> None:
    (finished.path / "evaluation").mkdir()
    finished.evaluation_table.write_bytes(b"table")
    removal = manage.removal_of(RunEntry(finished), whole=False)
    assert manage.remove([removal]) == removal.bytes > 0
    assert finished.read_request().run == finished.id
    assert len(finished.history().epochs) == 3
    assert finished.evaluation_table.exists()
    assert not finished.checkpoints.exists()
    manage.remove([manage.removal_of(RunEntry(finished), whole=True)])
    assert not finished.path.exists()


def test_running_run_is_never_removed(
    home: Path, launcher: LocalLauncher, make_run: MakeRun
) -> None:
    run = make_run(then="wait", epochs=0)
    launcher.launch(run)
    wait_for(lambda: launcher.state(run) is RunState.RUNNING)
    with pytest.raises(RunError, match="is running; stop it first"):
        manage.removal_of(RunEntry(run), whole=True)
    assert manage.plan_gc(home, everything=True) == []


def test_gc_plan(home: Path, finished: RunDir, launcher: LocalLauncher, make_run: MakeRun) -> None:
    empty, failed = make_run(then="vanish", epochs=0), make_run(then="fail")
    for run in (empty, failed):
        launcher.launch(run)
        wait_for(lambda run=run: not launcher.state(run).is_alive)
    (home / "cache" / "prepared").mkdir(parents=True)
    (home / "cache" / "prepared" / "positions.npy").write_bytes(b"12345")
    (finished.checkpoints / ".step.pt.abcd.tmp").write_bytes(b"half")
    plan = {(item.what, item.reason.split()[0]) for item in manage.plan_gc(home, everything=False)}
    assert plan == {
        (finished.id, "checkpoints"),
        (finished.id, "left"),
        (failed.id, "checkpoints"),
        (empty.id, "lost"),
        ("cache", "prepared:"),
    }
    assert (failed.id, "failed") in {
        (item.what, item.reason) for item in manage.plan_gc(home, everything=True)
    }
    manage.remove(manage.plan_gc(home, everything=False))
    assert manage.plan_gc(home, everything=False) == []
    assert {row.pointers for row in checkpoint_rows(finished, verify=True)} == {("last", "best")}
    assert not empty.path.exists()
    assert not any((home / "cache").iterdir())


def test_gc_finishes_a_removal_cut_short(
    home: Path, finished: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(manage.shutil, "rmtree", _killed)
        with pytest.raises(KeyboardInterrupt):
            manage.remove([manage.removal_of(RunEntry(finished), whole=False)])
    assert list(finished.path.glob(".removed-*"))
    (removal,) = manage.plan_gc(home, everything=False)
    assert (removal.what, len(removal.paths)) == (finished.id, 1)
    manage.remove([removal])
    assert not list(finished.path.glob(".removed-*"))


def _killed(folder: Path) -> None:
    raise KeyboardInterrupt


def test_damaged_pointer_keeps_every_file(home: Path, finished: RunDir) -> None:
    (finished.checkpoints / "best.json").write_text("{half")
    assert manage.plan_gc(home, everything=False) == []


def test_foreign_folder_is_left_alone(home: Path) -> None:
    folder = home / "runs" / "photos"
    folder.mkdir(parents=True)
    with pytest.raises(RunError, match="not named like a run"):
        manage.removal_of(RunEntry(RunDir(folder)), whole=True)
    assert manage.plan_gc(home, everything=True) == []


@pytest.mark.parametrize("seed", [2**64, -1])
def test_a_run_with_an_impossible_seed_is_listed_and_can_be_removed(home: Path, seed: int) -> None:
    run, other = (
        record(home, BehaviourExperiment(name="v6")),
        record(home, BehaviourExperiment(name="v6")),
    )
    path = run.path / "run.toml"
    path.write_text(re.sub(r"^seed = \d+", f"seed = {seed}", path.read_text(), flags=re.MULTILINE))
    for _ in range(2):  # newly computed, and from the file of the first
        summaries = {each.id: each for each in Catalog(RunStore(home)).summaries()}
        assert summaries[other.id].problem is None
        assert re.search(r"run\.toml: .*seed", summaries[run.id].problem or "")
    remove([removal_of(RunStore(home).find(run.id), whole=True)])
    assert [each.id for each in Catalog(RunStore(home)).summaries()] == [other.id]


@pytest.mark.parametrize("name", ["x" * 65, "a b", "a,b", "a\x1b[31m", ""])
def test_what_cannot_be_a_tag_is_refused_in_a_line(home: Path, name: str) -> None:
    run = record(home, BehaviourExperiment(name="v6"))
    with pytest.raises(RunError, match="cannot be a tag") as caught:
        tag(run, [name])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 100
    with pytest.raises(RunError, match="2001 characters; 2000 at most"):
        note(run, "x" * 2001)
    assert run.read_about().tags == ()
