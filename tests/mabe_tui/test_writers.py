"""Eight processes rewrite one file concurrently, and no addition is lost."""

import datetime as dt
import multiprocessing
import os
from collections.abc import Callable, Iterator
from multiprocessing.pool import Pool
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.config.new_version import add_version
from core.config.registry import load
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.launch.prices import fetched_path, keep_prices, packaged_prices, read_prices
from mabe_tui.runs.actions.manage import note, tag
from mabe_tui.runs.listing.view_state import SavedView, ViewState

WRITERS = 8
BOUND = 120.0
"""Seconds that a busy machine may need to bring eight processes to one line."""
REGISTRY = "# ours\nformat = 1\n[experiments.a]  # the first\n\n# sets\n[presets.p]\n"
DAY = dt.date(2090, 1, 1)
Names = set[str]


def new_version(folder: Path, number: int) -> None:
    add_version(load(folder / "experiments.toml"), f"v{number}", "a")


def tag_run(folder: Path, number: int) -> None:
    tag(RunDir(folder / "run"), [f"v{number}"])


def note_run(folder: Path, number: int) -> None:
    tag_run(folder, number)
    note(RunDir(folder / "run"), f"v{number}")  # takes no tag away


def override(folder: Path, number: int) -> None:
    def changed(request: RunRequest) -> RunRequest:
        return msgspec.structs.replace(request, overrides=(*request.overrides, f"v{number}"))

    RunDir(folder / "run").change_request(changed)


def pin(folder: Path, number: int) -> None:
    ViewState(folder).pin(f"v{number}")


def save_view(folder: Path, number: int) -> None:
    ViewState(folder).save_view(f"v{number}", SavedView())


def keep_value(folder: Path, number: int) -> None:
    ViewState(folder).change("s", lambda kept: {"v": [*kept.get("v", []), f"v{number}"]})


def claim(folder: Path, _: int) -> None:
    RunDir(folder / "run").claim_attempt()


def keep_price(_: Path, number: int) -> None:
    keep_prices(msgspec.structs.replace(packaged_prices(), as_of=DAY + dt.timedelta(number)))


def versions(folder: Path) -> Names:
    text = (folder / "experiments.toml").read_text()
    assert text.startswith(REGISTRY.partition("\n\n")[0])
    assert text.endswith(REGISTRY.partition("\n\n")[2])
    return {*load(folder / "experiments.toml").versions} - {"a"}


def attempts(folder: Path) -> Names:
    return {f"v{int(name[:4]) - 1}" for name in RunDir(folder / "run").attempts()}


def newest_price(_: Path) -> Names:
    assert read_prices().as_of == DAY + dt.timedelta(WRITERS - 1)
    assert fetched_path().is_file()
    return wanted()


CASES: list[tuple[Callable[[Path, int], None], Callable[[Path], Names]]] = [
    (new_version, versions),
    (tag_run, lambda folder: {*RunDir(folder / "run").read_about().tags}),
    (note_run, lambda folder: {*RunDir(folder / "run").read_about().tags}),
    (override, lambda folder: {*RunDir(folder / "run").read_request().overrides}),
    (pin, lambda folder: {*ViewState(folder).read().pinned}),
    (save_view, lambda folder: {*ViewState(folder).read().views}),
    (keep_value, lambda folder: {*ViewState(folder).screen("s")["v"]}),
    (claim, attempts),
    (keep_price, newest_price),
]


def wanted() -> Names:
    return {f"v{number}" for number in range(WRITERS)}


_line: Barrier


def _stand_at(barrier: Barrier) -> None:
    global _line
    _line = barrier


def _write(task: tuple[Callable[[Path, int], None], Path, str, int]) -> None:
    writer, folder, state, number = task
    os.environ["MABE_STATE"] = state
    _line.wait(BOUND)  # each process takes one task, and all begin together
    writer(folder, number)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with context.Pool(WRITERS, _stand_at, (context.Barrier(WRITERS),)) as workers:
        yield workers


@pytest.mark.parametrize(("writer", "added"), CASES, ids=[writer.__name__ for writer, _ in CASES])
def test_nothing_that_one_of_eight_writers_adds_is_lost(
    writer: Callable[[Path, int], None], added: Callable[[Path], Any], pool: Pool, tmp_path: Path
) -> None:
    (tmp_path / "experiments.toml").write_text(REGISTRY)
    request = RunRequest(
        run="run", created=dt.datetime.now(dt.UTC), launcher="local", seed=1,
        experiment=BehaviourExperiment(name="a"),
    )  # fmt: skip
    RunDir(tmp_path / "run").write_request(request)
    state = os.environ["MABE_STATE"]
    tasks = [(writer, tmp_path, state, number) for number in range(WRITERS)]
    pool.map_async(_write, tasks, chunksize=1).get(2 * BOUND)
    assert added(tmp_path) == wanted()
