"""Create the store to record: small runs of every version, as written by the program itself."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import msgspec

from core import job
from core.config.registry import load
from core.run.limits import Limits
from core.run.records import Handle
from core.run.rundir import RunDir
from core.training.stopping import StopReason, StopWatch
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.launching.run_requests import new_request
from mabe_tui.runs.listing.view_state import ViewState
from mabe_tui.runs.session import Session
from mabe_tui.tui.app import MabeApp
from mabe_tui.tui.screens.compare.view import CompareView
from mabe_tui.tui.screens.run.view import RunView
from tests.records.plan import (
    OWN_DATA,
    PROBED,
    RESUMED,
    RUNS,
    SMALL,
    TUNED,
    TWO_MICE,
    WINDOWS,
    set_words,
)
from tests.records.store import settle

OLD_LOG = """=== H100 Training Started ===
GPU: H100 (80GB)
Batch Size: 384
Learning Rate: 0.0004 (warmup 3 epochs)

Epoch 1/3 (Warmup): lr=0.000133
  Loss: 0.4234, F1: 0.2356, Acc: 0.9768
  Time: 52s

Epoch 2/3 (Warmup): lr=0.000267
  Loss: 0.2987, F1: 0.3489, Acc: 0.9795
  Time: 50s
  ✓ Best model saved (F1: 0.3489)

Epoch 3/3 (Warmup): lr=0.0004
  Loss: 0.2512, F1: 0.3391, Acc: 0.9790
  Time: 50s

=== Training Complete ===
Total Time: 2min 32s
Best F1: 0.3489 (Epoch 2)
"""


def make(root: Path) -> dict[str, str]:
    """Create the store; return the id of each run by its name in the plan."""
    _mabe("init", str(root))
    _mabe(
        "new", "v8", "--extends", "v7", "--title", "mine: a lower learning rate",
        "--set", "training.learning_rate=1e-3", "--notes", "made by `mabe new`",
    )  # fmt: skip
    data = root / "data"
    _mabe("data", "synth", str(data), "--videos", "10", "--frames", "72", "--seed", "3")
    cache = root / "home" / "cache"
    made = _make_own_data(root, cache)
    names = {RESUMED: _stop_and_resume(root)}  # before the runs that represent v6
    names |= {name: _train(root, *asked) for name, asked in RUNS.items()}
    old_log = root.parent / "h100.log"
    old_log.write_text(OLD_LOG)
    names["imported"] = _mabe("import-log", str(old_log), "--version", "v6").strip()
    _tune(root)
    _rent(root, names["v3"])
    _arrange(root, names)
    _mabe("gpus", "v1", "--probe", "local", "--yes", *set_words(PROBED))
    names |= _trials(root, names)
    _drop_what_is_made_again(cache, made)
    return names


def _make_own_data(root: Path, cache: Path) -> tuple[str, ...]:
    """Create the data of v1 to v4 with fixed times before they are prepared; return their names."""
    _mabe("run", "v1", "--set", "training.epochs=1", *set_words(OWN_DATA))
    shutil.rmtree(root / "home" / "runs")
    settle(root)
    for prepared in cache.glob("*/manifest.json"):
        shutil.rmtree(prepared.parent)
    return tuple(path.parent.name for path in cache.glob("*/train.csv"))


def _drop_what_is_made_again(cache: Path, made: tuple[str, ...]) -> None:
    """Remove the list of runs, the large prepared data of v5 and v6, and the probe's own data."""
    (cache / "catalog.msgpack").unlink()
    for manifest in cache.glob("*/manifest.json"):
        if json.loads(manifest.read_text())["keypoints"] == "mabe18":
            shutil.rmtree(manifest.parent)
    for folder in cache.glob("synthetic-*"):
        if not folder.name.startswith(made):
            shutil.rmtree(folder)


def _train(root: Path, version: str, seed: int, has_data: bool, settings: tuple[str, ...]) -> str:
    data = ("--data", str(root / "data")) if has_data else ()
    words = ("--on", "local", "--seed", str(seed), *data, *set_words((*SMALL, *WINDOWS, *settings)))
    return _mabe("run", version, *words).split()[0]


def _stop_and_resume(root: Path) -> str:
    """Stop a run in its second epoch, damage its new checkpoint, and resume from the epoch before."""
    settings = (*SMALL[1:], *WINDOWS, *TWO_MICE, "training.epochs=3", "training.save_every=1")
    run = RunDir(root / "home" / "runs" / _train_nothing(root, settings))
    attempt = run.claim_attempt()
    log = run.log_path(attempt)
    with log.open("w") as file, redirect_stdout(file), _stopping_in_epoch(run, 2):
        assert job.main([str(run.path), "--attempt", attempt]) == 0
    pointer = run.read_pointer("last")
    assert pointer is not None
    with (run.checkpoints / pointer.file).open("r+b") as file:
        file.truncate(pointer.bytes // 2)
    _mabe("resume", run.id)
    return run.id


def _train_nothing(root: Path, settings: tuple[str, ...]) -> str:
    """Create the folder of a v6 run as ``mabe run`` would, without starting it."""
    registry = load(root / "experiments.toml")
    overrides = [*settings, "training.seed=3"]
    experiment = registry.experiment("v6", overrides)
    request = new_request(experiment, "local", overrides=overrides, data=root / "data")
    RunDir(root / "home" / "runs" / request.run).write_request(request)
    return request.run


@contextmanager
def _stopping_in_epoch(run: RunDir, epoch: int) -> Iterator[None]:
    """Request a stop two steps into an epoch."""
    asked_in_epoch = 0

    def reason(_: StopWatch) -> StopReason | None:
        nonlocal asked_in_epoch
        asked_in_epoch += len(run.history().epochs) == epoch - 1
        return StopReason("user", "SIGTERM") if asked_in_epoch > 2 else None

    with patch.object(StopWatch, "__call__", reason):
        yield


def _tune(root: Path) -> None:
    words = ("--on", "local", "--data", str(root / "data"), "--name", "small", *set_words(TUNED))
    _mabe("tune", "v7", "--trials", "2", *words)


def _rent(root: Path, run_id: str) -> None:
    """Make a run look as if it was trained on Modal, with a price and a call handle."""
    run = RunDir(root / "home" / "runs" / run_id)
    limits = Limits(usd_per_hour=0.8, cost_usd=5.0, attempt_seconds=14_000.0)
    run.change_request(
        lambda asked: msgspec.structs.replace(asked, launcher="modal", limits=limits)
    )
    (attempt,) = run.attempts()
    reference: dict[str, str | int | float] = {
        "app_id": "ap-recorded", "call_id": "fc-recorded", "app_name": "mabe-training",
        "calls_in_app": 1, "server": "https://api.modal.com", "workspace": "someone",
        "environment": "main",
    }  # fmt: skip
    run.write_handle(Handle(launcher="modal", attempt=attempt, reference=reference))


def _arrange(root: Path, names: dict[str, str]) -> None:
    """Save tags, a note, pins, a view, and the view state of each dashboard screen."""
    _mabe("tag", names["v6 seed 1"], "keep", "small")
    _mabe("note", names["v6 seed 1"], "the first one")
    _mabe("pin", names["v5 seed 1"])
    _mabe("pin", "v7")
    _mabe("pin", "v5", "--baseline")
    view = ("--where", "version:v6 and f1 > 0", "--sort", "f1", "--columns", "id,f1,epochs")
    _mabe("runs", *view, "--save", "mine")
    state = ViewState(root / "home")
    RunView(axis=Axis.TIME, log_y=True, smooth=0.6, panel="f1", lines={names["v7"]: 2}).keep(
        state, names["v7"]
    )
    CompareView(metric="f1/mating", axis=Axis.STEP, smooth=0.9, cells="shares").keep(state)
    asyncio.run(_look_at_home())


async def _look_at_home() -> None:
    """Select a version in the dashboard, sort its runs and filter them."""
    async with MabeApp(Session()).run_test(size=(140, 45)) as pilot:
        for keys in (
            ["home", *["down"] * 5],
            ["s", *"f1", "enter"],
            ["slash", *"seed > 1", "enter"],
        ):
            await pilot.app.workers.wait_for_complete()
            await pilot.pause()
            await pilot.press(*keys)
        await pilot.app.workers.wait_for_complete()
        await pilot.pause(1.0)


def _trials(root: Path, names: dict[str, str]) -> dict[str, str]:
    """Label the trials of the study; remove the checkpoints and log of the second."""
    folders = sorted(path.name for path in (root / "home" / "runs").iterdir())
    trials = [name for name in folders if name not in names.values()]
    _mabe("rm", trials[1], "--yes")
    return {f"trial {number}": run for number, run in enumerate(trials)}


def _mabe(*words: str) -> str:
    """Run a command in a separate process and return its output."""
    print("mabe", *words, flush=True)
    command = [sys.executable, "-c", "from mabe_tui.cli.main import run; run()", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
