"""A comparison for a screen: the order of its results, and checkpoints beside runs."""

from pathlib import Path

import pytest

from core.config.registry import Registry, default_path, load
from core.errors import UserError
from core.run.rundir import RunDir
from mabe_tui.runs.comparison.compare_tables import sections
from mabe_tui.runs.comparison.evaluate import EvaluationReport
from mabe_tui.runs.comparison.evaluations import epoch_metrics, keep_evaluation, kept_evaluations
from mabe_tui.runs.comparison.report import comparison_report, to_html, write_report
from mabe_tui.runs.comparison.side_by_side import SideBySide, candidates, side_by_side
from mabe_tui.runs.listing.view_state import ViewState
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.summary.checkpoints import checkpoint_rows
from tests.mabe_tui.tiny_run import synthetic_folder, train
from tests.recorded import write_all


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load(default_path())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    home = tmp_path_factory.mktemp("recorded")
    write_all(home)
    return RunStore(home)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    place = tmp_path_factory.mktemp("trained")
    return train(place / "home", synthetic_folder(place / "mice"))


def test_the_verdict_comes_first_then_curves_then_code(store: RunStore, registry: Registry) -> None:
    first, second, third = side_by_side(["v5", "v6", "v1"], store, registry)
    assert [verdict.distinguishable for verdict in first.comparison.verdicts] == [True, None]
    assert first.numbers == ()
    assert [len(side.runs) for side in second.numbers] == [2, 2, 0]
    assert second.code is None
    assert third.code is not None
    assert [change and change.same for change in third.code] == [True, None]


def test_candidates_are_versions_with_runs_and_runs_not_yet_there(
    store: RunStore, registry: Registry
) -> None:
    names = candidates(["v5", "v6-20261120T130000-cc42"], store, registry)
    assert names[:4] == ["v4", "v6", "v7", "v7-20261120T170000-ff46"]
    assert "v6-20261120T130000-cc42" not in names
    assert "v6-20261120T130000-cc42@best" in candidates(["v5@best"], store, registry)


@pytest.fixture(scope="module")
def stages(trained: RunDir, registry: Registry) -> list[SideBySide]:
    names = [f"{trained.id}@epoch-1", f"{trained.id}@epoch-3"]
    told: list[tuple[int, int, str]] = []
    store = RunStore(trained.path.parents[1])
    found = list(side_by_side(names, store, registry, lambda *each: told.append(each)))
    assert [what for done, _, what in told if not done][-1].endswith("epoch-3")
    return found


def test_checkpoints_are_measured_after_all_else_is_shown(stages: list[SideBySide]) -> None:
    *before, last = stages
    assert all(stage.comparison.verdicts == () for stage in before)
    assert all(side.best == {} for side in before[-1].comparison.sides)
    assert before[-1].numbers
    assert [side.best_epoch for side in last.comparison.sides] == [1, 3]
    assert last.comparison.verdicts[0].sentence.startswith(last.comparison.sides[1].name)
    assert [one.problem for one in last.classes] == [None, None]
    assert last.code is not None
    assert last.code == before[-1].code


def test_tables_and_report_are_of_the_checkpoints_not_of_their_run(
    stages: list[SideBySide], trained: RunDir, tmp_path: Path
) -> None:
    last = stages[-1]
    tables = dict(sections(last.comparison))
    assert ["epoch", "1", "3"] in tables["measured here, of each checkpoint"]
    assert tables["measured here, at the last epoch"] == []
    store = RunStore(trained.path.parents[1])
    report = comparison_report(last.comparison, store, classes=last.classes)
    assert [matrix.name for matrix in report.matrices] == [
        f"v6-{trained.id[-4:]}@epoch-1", f"v6-{trained.id[-4:]}@epoch-3",
    ]  # fmt: skip
    files = [*write_report(report, tmp_path), *write_report(report, tmp_path)]
    assert len({*files}) == 4
    assert files[0].read_text() == files[2].read_text() == to_html(report)


def test_one_checkpoint_is_no_comparison(trained: RunDir, registry: Registry) -> None:
    store = RunStore(trained.path.parents[1])
    with pytest.raises(UserError, match="two or more checkpoints"):
        next(side_by_side([f"{trained.id}@best"], store, registry))


def report_of(run: RunDir, data: str, f1: float) -> EvaluationReport:
    return EvaluationReport(
        run=run.id, checkpoint="best", data=data, videos=2, trained_on=0, validated_on=0,
        frames=10, metrics={"f1_macro": f1}, unmapped={},
    )  # fmt: skip


def test_evaluations_are_kept_by_file_the_same_data_once(
    trained: RunDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MABE_STATE", str(tmp_path))
    state = ViewState(tmp_path)
    for data, f1 in (("/a", 0.1), ("/b", 0.2), ("/a", 0.3)):
        keep_evaluation(trained, report_of(trained, data, f1), state)
    best = trained.read_pointer("best")
    assert best is not None
    kept = kept_evaluations(trained, best.file, ViewState(tmp_path))
    assert [(report.data, report.metrics["f1_macro"]) for report in kept] == [
        ("/b", 0.2),
        ("/a", 0.3),
    ]
    assert kept_evaluations(trained, "step-0.pt", state) == []


def test_damaged_memory_of_evaluations_counts_as_none(
    trained: RunDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MABE_STATE", str(tmp_path))
    state = ViewState(tmp_path)
    state.keep("evaluations", **{f"{trained.id}/a.pt": [{"run": 3}]})
    assert kept_evaluations(trained, "a.pt", state) == []


def test_each_epoch_has_its_own_metrics(trained: RunDir) -> None:
    metrics = epoch_metrics(trained)
    assert [*metrics] == [1, 2, 3]
    best = trained.read_pointer("best")
    assert best is not None
    assert metrics[best.epoch]["f1_macro"] == best.metric


def test_verifying_tells_of_the_bytes_over_all_files(trained: RunDir) -> None:
    told: list[tuple[int, int, str]] = []
    rows = checkpoint_rows(trained, verify=True, progress=lambda *each: told.append(each))
    total = sum(row.bytes for row in rows)
    assert [row.verified for row in rows] == [True] * 3
    assert told[-1] == (total, total, "bytes")
    assert [done for done, *_ in told] == sorted(done for done, *_ in told)
