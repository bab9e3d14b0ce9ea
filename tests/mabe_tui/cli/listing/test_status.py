"""Inspecting, stopping and resuming runs and freeing space on the command line."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from typer.testing import Result

from core.errors import MisuseError, RunError, UserError
from core.postprocess.rules import FittedOn, PartScore, Rules
from core.postprocess.store import write_rules
from core.run.request import Resolved
from core.run.rundir import RunDir
from core.run.tables import write_table
from mabe_tui.kaggle_io.journal import SubmissionRecord
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.local_launcher import LocalLauncher
from tests.waiting import wait_for

Mabe = Callable[..., Result]
MakeRun = Callable[..., RunDir]


@pytest.fixture
def waiting(launcher: LocalLauncher, make_run: MakeRun) -> RunDir:
    """A run that waits to be stopped."""
    run = make_run(then="wait")
    launcher.launch(run)
    wait_for(lambda: len(run.history().epochs) == 2)
    return run


def test_runs_as_table_and_json(invoke: Mabe, home: Path, finished: RunDir) -> None:
    (home / "runs" / "half").mkdir()
    invoke("tag", "v1", "good")
    header, *lines = invoke("runs").stdout.splitlines()
    assert header.split()[:3] == ["run", "state", "epoch"]
    assert lines[0].split()[:4] == [finished.id, "finished", "3/100", "0.3000"]
    assert "run.toml" in lines[1]
    rows = json.loads(invoke("runs", "--json").stdout)
    assert rows[0]["metrics"] == {"f1_macro": 0.3, "loss": pytest.approx(1 / 3), "accuracy": 0.5}
    assert [row["id"] for row in json.loads(invoke("runs", "--tag", "good", "--json").stdout)] == [
        finished.id
    ]
    assert json.loads(invoke("runs", "--state", "lost", "--json").stdout) == []
    assert len(json.loads(invoke("runs", "--limit", "1", "--json").stdout)) == 1
    with pytest.raises(MisuseError, match="did you mean 'finished'"):
        invoke("runs", "--state", "finish")


def test_status(invoke: Mabe, finished: RunDir) -> None:
    text = invoke("status", "last").stdout
    assert "best         f1_macro 0.3000 at epoch 3" in text
    assert "state        finished (all epochs done)" in text
    assert json.loads(invoke("status", "v1", "--json").stdout)["id"] == finished.id


def test_status_shows_rules_and_submissions_and_tolerates_damaged_ones(
    invoke: Mabe, finished: RunDir
) -> None:
    told = json.loads(invoke("status", "--json").stdout)
    assert (told["postprocessing"], told["submissions"]) == ([], [])
    rules = Rules(
        created="2026-12-01T10:00:00",
        fitted_on=FittedOn(units=12, sequences=30, frames=900, folds=3, digest="d"),
        metric="score",
        report=(
            PartScore(parts="nothing", score=0.5),
            PartScore(parts="all", score=0.52, gain=0.02),
        ),
    )
    write_rules(finished, "default", rules)
    folder = finished.path / "submission"
    folder.mkdir()
    when = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
    begun = SubmissionRecord(digest="b", created=when, competition="c", runs=("r",), slug="s")
    scored = msgspec.structs.replace(
        begun, digest="a", asked=when, submission=7, status="COMPLETE", public_score=0.4321
    )
    rejected = msgspec.structs.replace(scored, status="ERROR", error="too late", public_score=None)
    later = msgspec.structs.replace(rejected, asked=when + dt.timedelta(hours=1))
    for name, record in (("b", later), ("z", scored), ("y", begun)):
        write_table(folder / f"{name}.toml", record)
    (folder / "c.toml").write_text("digest = ")
    (finished.path / "postprocess" / "bad.toml").write_bytes(b"\xff\0")
    text = invoke("status").stdout
    assert (
        "default: fitted 2026-12-01T10:00:00, on 12 videos, score 0.5200 nested (+0.0200)" in text
    )
    assert "scored 7, public score 0.4321, 20" in text
    assert ": too late" in text
    for name in ("postprocess/bad.toml", "submission/c.toml"):
        assert f"{finished.path / name}: cannot be read" in text
    told = json.loads(invoke("status", "--json").stdout)
    states = [each["state"] for each in told["submissions"]]
    assert sorted(states[:2]) == ["begun", "scored"]
    assert states[2:] == ["rejected", "unknown"]
    bad, default = told["postprocessing"]
    assert (default["videos"], default["gain"], default["problem"]) == (12, 0.02, None)
    assert "bad.toml" in bad["problem"]


def test_status_of_an_imported_log_says_what_it_tells(invoke: Mabe, tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("Epoch 1/2: Loss: 0.5, F1: 0.1\nEpoch 2/2: Loss: 0.4, F1: 0.2\n")
    run = invoke("import-log", str(log)).stdout.strip()
    lines = invoke("status", run).stdout.splitlines()
    told = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines}
    assert told["training"] == "loss 0.4000"  # no learning rate, and one loss only
    assert told["last"] == "epoch   f1_macro 0.2000"
    assert told["time"] == "–"
    assert told["state"] == "finished (all epochs done)"
    again = invoke("import-log", str(log))
    assert again.stdout.strip() == run
    assert "imported before" in again.stderr


def test_damaged_files_of_a_run_are_named_and_it_is_shown_all_the_same(
    invoke: Mabe, finished: RunDir
) -> None:
    (attempt,) = finished.attempts()
    events = finished.events_path(attempt)
    lines = events.read_bytes().split(b"\n")
    step, epoch = 2, 4  # lines are counted from 1 in words, from 0 here
    lines[step], lines[epoch] = lines[step][:40], b"\0" * 20
    events.write_bytes(b"\n".join(lines))
    (finished.path / "about.toml").write_text("tags = [")
    text = invoke("status").stdout
    assert "state        finished" in text
    assert f"attempts/{attempt}/events.jsonl:3 and 1 more line: damaged" in text
    assert f"{finished.path / 'about.toml'}: cannot be read" in text
    assert "cut these lines out of the file to be rid of" in text
    assert "mend or remove it" in text
    assert "2 warnings" in invoke("runs").stdout
    (finished.path / "about.toml").unlink()
    assert "events.jsonl:3 and 1 more line: damaged" in invoke("runs").stdout


def test_tags_that_cannot_be_read_are_not_overwritten(invoke: Mabe, finished: RunDir) -> None:
    about = finished.path / "about.toml"
    about.write_text("tags = ['good'")
    for command in (["tag", "last", "new"], ["note", "last", "new"]):
        with pytest.raises(RunError, match=r"about\.toml: cannot be read.*mend or remove it"):
            invoke(*command)
    assert about.read_text() == "tags = ['good'"


def test_status_of_a_lost_run_shows_its_last_words(
    invoke: Mabe, launcher: LocalLauncher, make_run: MakeRun
) -> None:
    run = make_run(then="vanish", epochs=0)
    launcher.launch(run)
    wait_for(lambda: launcher.state(run) is RunState.LOST)
    text = invoke("status").stdout
    assert "plain words in red" in text
    assert "attempt 0001" in text
    assert '"kind"' not in text


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"")])
def test_events_that_are_gone_are_named(
    invoke: Mabe, finished: RunDir, damage: Callable[[Path], object]
) -> None:
    (attempt,) = finished.attempts()
    assert "gone or empty" not in invoke("status").stdout
    damage(finished.events_path(attempt))
    assert f"attempts/{attempt}/events.jsonl: gone or empty" in invoke("status").stdout


def test_logs_pretty_raw_and_json(invoke: Mabe, finished: RunDir) -> None:
    lines = invoke("logs", "v1").stdout.splitlines()
    assert "plain words in red" in lines
    assert [line for line in lines if line.startswith("epoch")][-1].startswith("epoch   3/100")
    assert lines[-1].startswith("finished after epoch 3")
    assert invoke("logs", "v1", "-f", "-n", "1").stdout.splitlines() == lines[-1:]
    (attempt,) = finished.attempts()
    assert invoke("logs", "--raw").stdout_bytes == finished.log_path(attempt).read_bytes()
    told = [json.loads(line) for line in invoke("logs", "--json").stdout.splitlines()]
    assert [item["kind"] for item in told][-1] == "finished"
    assert {"kind": "text", "attempt": attempt, "text": "plain words in red"} in told


def test_checkpoints(invoke: Mabe, finished: RunDir) -> None:
    (row,) = json.loads(invoke("checkpoints", "--verify", "--json").stdout)
    assert (row["pointers"], row["verified"]) == (["last", "best"], True)
    (finished.checkpoints / row["file"]).write_bytes(b"weightz")
    result = invoke("checkpoints", "--verify")
    assert result.exit_code == 1
    assert "its sha256 is not" in result.stdout
    assert "verifying: 0.0 of 0.0 MiB" in result.stderr
    assert f"mabe: {row['file']}: its sha256 is not" in result.stderr


def test_stop_and_resume(invoke: Mabe, waiting: RunDir) -> None:
    with pytest.raises(RunError, match="is running"):
        invoke("resume")
    assert "stopped; its last checkpoint is saved" in invoke("stop", "last", waiting.id).stderr
    assert "had ended already" in invoke("stop", "last").stderr
    assert "asking" not in invoke("stop", "last").stderr
    (waiting.path / "fake.json").unlink()
    result = invoke("resume", "--max-time", "1h")
    assert result.stdout == f"{waiting.id}\n"
    assert "going on from step 4" in result.stderr
    assert waiting.attempts()[0] not in result.stderr  # what was said before is no news
    assert waiting.read_request().limits.seconds == 3600
    with pytest.raises(RunError, match="is finished"):
        invoke("resume")


def test_resume_starts_again_only_from_scratch(invoke: Mabe, waiting: RunDir) -> None:
    invoke("stop", "last")
    (waiting.path / "fake.json").unlink()
    with pytest.raises(
        RunError, match=r"has checkpoints, and goes on from the last; `mabe run v1`"
    ):
        invoke("resume", "--from-scratch")
    invoke("rm", "--yes", waiting.id)
    with pytest.raises(RunError, match="were removed"):
        invoke("resume")
    result = invoke("resume", "--from-scratch")
    assert result.exit_code == 0
    assert "starts again from the beginning" in result.stderr


def test_resume_tells_of_changed_code(invoke: Mabe, waiting: RunDir) -> None:
    invoke("stop", "last")
    found = Resolved(
        code_version="old", data_fingerprint="f", train_units=(), validation_units=(),
        torch="2", threads=1, device="cpu",
    )  # fmt: skip
    waiting.write_request(msgspec.structs.replace(waiting.read_request(), resolved=found))
    (waiting.path / "fake.json").unlink()
    assert "the code changed since" in invoke("resume", "-d").stderr


@pytest.mark.parametrize(("then", "code"), [("fail", 1), ("vanish", 5)])
def test_exit_code_of_a_followed_run(
    invoke: Mabe, launcher: LocalLauncher, make_run: MakeRun, then: str, code: int
) -> None:
    run = make_run(then="vanish")
    launcher.launch(run)
    wait_for(lambda: launcher.state(run) is RunState.LOST)
    (run.path / "fake.json").write_text(json.dumps({"then": then}))
    assert invoke("resume").exit_code == code
    followed = invoke("logs", "-f")
    assert followed.exit_code == code
    with pytest.raises(MisuseError, match="--raw gives every byte"):
        invoke("logs", "--raw", "-n", "2")
    assert ("died without a word" in followed.stderr) == (then == "vanish")
    assert invoke("logs").exit_code == 0


def test_a_run_that_a_limit_stopped_goes_on_under_a_larger_one(
    invoke: Mabe, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_THEN", "time_limit")
    ended = invoke("run", "v1", "--max-time", "1h")
    assert ended.exit_code == 3
    assert "--max-time MORE`, above 1h 00m, goes on from its last checkpoint" in ended.stderr
    for words in ([], ["--budget", "5"], ["--max-time", "1h"]):
        with pytest.raises(RunError, match="time limit of 1h 00m is used up; --max-time above"):
            invoke("resume", *words)
    monkeypatch.setenv("FAKE_THEN", "finish")
    assert invoke("resume", "--max-time", "2h").exit_code == 0


def test_note_and_tags(invoke: Mabe, finished: RunDir) -> None:
    invoke("note", "last", "looks fine")
    assert invoke("note", "last").stdout == "looks fine\n"
    invoke("tag", "last", "a", "b")
    assert json.loads(invoke("tag", "last", "-r", "a", "--json").stdout)["tags"] == ["b"]


def test_rm_asks(invoke: Mabe, finished: RunDir) -> None:
    with pytest.raises(RunError, match="add --yes"):
        invoke("rm", "last")
    assert finished.checkpoints.exists()
    invoke("rm", "last", "--yes")
    assert not finished.checkpoints.exists()
    assert invoke("status").exit_code == 0
    invoke("rm", "last", "--all", "--yes")
    assert not finished.path.exists()


def test_rm_of_what_cannot_be_read_says_so(invoke: Mabe, finished: RunDir) -> None:
    (finished.path / "run.toml").write_text("x = [")
    with pytest.raises(RunError, match=f"run.toml: cannot be read.*mabe rm --all {finished.id}"):
        invoke("rm", finished.id, "--yes")
    assert finished.checkpoints.is_dir()
    invoke("rm", "--all", finished.id, "--yes")
    assert not finished.path.exists()


def test_rm_of_what_may_be_alive_and_cannot_be_read_is_refused(
    invoke: Mabe, waiting: RunDir
) -> None:
    (waiting.path / "run.toml").write_text("x = [")
    with pytest.raises(RunError, match="is running; stop it first"):
        invoke("rm", "--all", waiting.id, "--yes")


def test_why_there_is_no_checkpoint(
    invoke: Mabe, launcher: LocalLauncher, finished: RunDir, make_run: MakeRun
) -> None:
    invoke("rm", finished.id, "--yes")
    assert "nothing is left to remove" in invoke("rm", finished.id, "--yes").stderr
    assert "were removed" in invoke("checkpoints", finished.id).stderr
    with pytest.raises(RunError, match="no checkpoints any more"):
        invoke("checkpoints", finished.id, "--mark", "best")
    waiting = make_run("v2", then="mute")
    launcher.launch(waiting)
    assert "has no checkpoint yet" in invoke("checkpoints", waiting.id).stderr
    assert "has printed nothing yet" in invoke("logs", waiting.id).stderr


def test_gc_lists_first(invoke: Mabe, home: Path, finished: RunDir) -> None:
    plan = json.loads(invoke("gc", "--dry-run", "--json").stdout)
    assert [item["what"] for item in plan] == [finished.id]
    assert len(list(finished.checkpoints.glob("*.pt"))) == 3
    invoke("gc", "--yes")
    assert len(list(finished.checkpoints.glob("*.pt"))) == 1
    assert "nothing to remove" in invoke("gc").stderr


def test_foreign_jobs(invoke: Mabe, waiting: RunDir) -> None:
    assert waiting.id not in invoke("runs", "--foreign").stdout
    (waiting.path / "handle.toml").unlink()
    assert waiting.id in invoke("runs", "--foreign").stdout


def test_a_home_that_is_a_file_is_named(
    invoke: Mabe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MABE_HOME", str(tmp_path / "file"))
    with pytest.raises(UserError, match="MABE_HOME: "):
        invoke("runs")
