"""What of runs travels to Kaggle."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from core.config.experiment import EnsembleConfig, Experiment
from core.errors import ConfigError, UserError
from core.evaluation.rows import Rows
from core.evaluation.table import rows_table
from core.postprocess.rules import Rules
from core.postprocess.store import write_rules
from core.run.records import Handle, Pointer
from core.run.request import Input, RunRequest
from core.run.rundir import RunDir
from core.tasks.actions.settings import (
    ActionsDataConfig,
    ActionsExperiment,
    ActionsModelConfig,
)
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.kaggle_io.staging import SubmissionPlan, slug_of
from mabe_tui.kaggle_io.wheels import PACKAGES
from mabe_tui.runs.actions import submission
from mabe_tui.runs.actions.submission import SubmissionOptions, submission_plan, travelling_runs
from mabe_tui.runs.store import RunEntry

NOW = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
MakeRun = Callable[..., RunEntry]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Make a run with a checkpoint, whose content nobody reads here."""

    def make(
        letters: str,
        metric: float | None = None,
        inputs: tuple[RunEntry, ...] = (),
        experiment: Experiment | None = None,
        seed: int = 1,
    ) -> RunEntry:
        run = RunDir(tmp_path / "runs" / f"v8-20261201T000000-{letters}")
        members = tuple(Input(run=each.id, file="step-1.pt", sha256=each.id) for each in inputs)
        request = RunRequest(
            run=run.id,
            created=NOW,
            launcher="local",
            seed=seed,
            experiment=experiment or ActionsExperiment(name="v8"),
            inputs=members,
        )
        run.write_request(request)
        if not inputs or (experiment is not None and experiment.ensemble is not None):
            run.checkpoints.mkdir()
            (run.checkpoints / "step-1.pt").write_bytes(b"weights")
            run.write_pointer("best", pointer(run.id, metric))
        return RunEntry(run)

    return make


def pointer(sha256: str, metric: float | None = None) -> Pointer:
    return Pointer(
        file="step-1.pt", sha256=sha256, bytes=7, epoch=1, step=1, attempt="0001-aaaa", seq=1,
        metric=metric,
    )  # fmt: skip


def ids(entries: list[RunEntry]) -> list[str]:
    return [each.run.id[-4:] for each in travelling_runs(entries, "best")]


def test_the_most_valuable_run_comes_first(make_run: MakeRun) -> None:
    assert ids([make_run("aaaa", 0.2), make_run("bbbb", 0.4), make_run("cccc", 0.3)]) == [
        "bbbb",
        "cccc",
        "aaaa",
    ]
    assert ids([make_run("dddd", 0.2), make_run("eeee")]) == ["dddd", "eeee"]  # as they were named
    other = make_run("ffff", 0.9, experiment=BehaviourExperiment(name="v6"))
    assert ids([make_run("gggg", 0.2), other]) == ["gggg", "ffff"]  # measured by something else


def test_runs_of_all_folds_count_with_what_they_reach_together(make_run: MakeRun) -> None:
    def fold(letters: str, number: int, metric: float, hits: int, seed: int = 1) -> RunEntry:
        data = ActionsDataConfig(folds=2, fold=number)
        v8 = ActionsExperiment(name="v8", data=data)
        entry = make_run(letters, metric, experiment=v8, seed=seed)
        rows = Rows((f"lab/{letters}",), ("lab/sniff",), np.array([[[hits, 0, 10 - hits, 0, 0]]]))
        path = entry.run.evaluation_of("best")
        path.parent.mkdir()
        pq.write_table(rows_table(rows), path)
        return entry

    one = [fold("aaaa", 0, 0.9, 8), fold("bbbb", 1, 0.1, 2)]
    other = [fold("cccc", 0, 0.5, 7, seed=2), fold("dddd", 1, 0.6, 7, seed=2)]
    alone = make_run("eeee", 0.8)
    assert ids([*one, alone, *other]) == ["cccc", "dddd", "eeee", "aaaa", "bbbb"]
    assert ids([*other, one[0]]) == ["aaaa", "cccc", "dddd"]  # one fold alone counts as it is
    one[1].run.evaluation_of("best").unlink()
    assert ids([*other, *one]) == ["aaaa", "cccc", "dddd", "bbbb"]


def test_an_ensemble_stands_for_its_members(make_run: MakeRun) -> None:
    one, two = make_run("aaaa", 0.2), make_run("bbbb", 0.4)
    mean = make_run("cccc", inputs=(one, two, one))
    assert ids([mean]) == ["bbbb", "aaaa", "aaaa"]
    one.run.write_pointer("best", pointer("another"))  # trained on since; the file is still there
    assert ids([mean])[0] == "aaaa"
    (two.run.checkpoints / "step-1.pt").unlink()
    with pytest.raises(UserError, match=rf"step-1\.pt of {two.id} is not here; its file was rem"):
        ids([mean])


def test_a_fitted_ensemble_is_one_model_and_its_members_travel_with_it(
    make_run: MakeRun, plan: Callable[..., SubmissionPlan]
) -> None:
    one, two = make_run("aaaa", 0.2), make_run("bbbb", 0.4)
    ensemble = EnsembleConfig(members=("v8",), how="stack")
    stack = make_run(
        "cccc",
        0.5,
        inputs=(one, two, one),
        experiment=ActionsExperiment(name="all", ensemble=ensemble),
    )
    assert ids([stack]) == ["cccc"]
    (travelling,) = travelling_runs([stack], "best")
    assert [each.run.id[-4:] for each in travelling.members] == ["aaaa", "bbbb", "aaaa"]
    assert "lightgbm" in plan([stack]).packages
    assert "lightgbm" not in plan([one]).packages
    with pytest.raises(ConfigError, match="cannot be averaged with other runs; submit it alone"):
        ids([stack, one])


def test_checkpoints_of_rented_machines_are_pulled(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = make_run("aaaa")
    entry.run.write_handle(Handle(launcher="modal", attempt="0001-aaaa", reference={}))
    weights = entry.run.checkpoints / "step-1.pt"
    weights.unlink()
    pulled: list[tuple[str, str]] = []

    def pull(run: RunEntry, which: str, _: object) -> list[Path]:
        pulled.append((run.id, which))
        weights.write_bytes(b"weights")
        return [weights]

    monkeypatch.setattr(submission, "pull", pull)
    assert ids([entry]) == ["aaaa"]
    assert pulled == [(entry.id, "best")]
    weights.unlink()
    mean = make_run("bbbb", inputs=(entry,))
    assert ids([mean]) == ["aaaa"]
    assert len(pulled) == 2


@pytest.fixture
def plan(tmp_path: Path) -> Callable[..., SubmissionPlan]:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "a-1-py3-none-any.whl").touch()

    def planned(entries: list[RunEntry], **options: object) -> SubmissionPlan:
        asked = {
            "competition": "mice",
            "which": "best",
            "rules": None,
            "threshold": None,
            "tta": False,
            "name": None,
            "hours": 1.0,
            "gpu": True,
            "wheels": tmp_path / "wheels",
            "packages": (),
            "pythons": (),
        } | options
        return submission_plan(entries, SubmissionOptions(**asked), tmp_path, lambda *_: None)  # type: ignore[arg-type]

    return planned


def test_what_decides(make_run: MakeRun, plan: Callable[..., SubmissionPlan]) -> None:
    actions = make_run("aaaa")
    classes = make_run("bbbb", experiment=BehaviourExperiment(name="v6"))
    assert plan([actions]).threshold == 0.3
    assert plan([actions, classes]).threshold == plan([classes]).threshold == 0.5
    assert plan([classes], threshold=0.7).threshold == 0.7
    with pytest.raises(UserError, match=f"{actions.id} has no post-processing 'mine'; it has none"):
        plan([actions], rules="mine")
    path = write_rules(actions.run, "mine", Rules.constant(0.4))
    assert plan([actions], rules="mine").rules == path
    assert plan([actions], rules=str(path)).rules == path
    with pytest.raises(UserError, match="'other'; it has mine"):
        plan([actions], rules="other")
    with pytest.raises(UserError, match="leave out one of the two"):
        plan([actions], rules="mine", threshold=0.2)
    with pytest.raises(UserError, match="a run predicts classes"):
        plan([actions, classes], rules="mine")


def test_packages_of_the_models_travel(
    make_run: MakeRun, plan: Callable[..., SubmissionPlan]
) -> None:
    boost = ActionsExperiment(name="v8", model=ActionsModelConfig(name="boost"))
    net, boosted = make_run("aaaa"), make_run("bbbb", experiment=boost)
    assert plan([net]).packages == PACKAGES
    assert plan([net, boosted]).packages == (*PACKAGES, "lightgbm")
    assert plan([net], packages=("msgspec", "more")).packages == (*PACKAGES, "more")


@pytest.mark.parametrize(
    ("names", "slug"),
    [
        (["v8-k3f9"], "mabe-v8-k3f9"),
        (["V8.1_wide-k3f9", "v6-aaaa"], "mabe-v8-1-wide-k3f9-and-1"),
        (["x" * 80, "v6-aaaa"], "mabe-" + "x" * 39 + "-and-1"),
    ],
)
def test_names_are_those_that_kaggle_takes(names: list[str], slug: str) -> None:
    assert slug_of(names) == slug
    assert 6 <= len(slug) <= 50
