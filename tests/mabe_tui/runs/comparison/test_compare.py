"""Which runs represent a version, averages over seeds, and the verdict."""

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from core.config.registry import Registry, default_path, load
from core.errors import ConfigError, MisuseError
from core.evaluation.rows import counts_of, f1_macro, f1_macro_present
from core.evaluation.table import Confusions, evaluation_table, read_rows, rows_table
from core.evaluation.versions import compare_versions
from core.run.emitter import Emitter
from core.run.events import Epoch, Finished, RunStarted
from core.run.records import About
from core.run.request import Resolved, RunRequest
from core.run.rundir import RunDir, new_run_id
from core.tasks.behaviour.settings import BehaviourExperiment, BehaviourTrainingConfig
from mabe_tui.runs.comparison.compare import (
    OF_A_RENTED_MACHINE,
    Comparison,
    changed_settings,
    compare,
)
from mabe_tui.runs.comparison.compare_tables import note_on_verdicts, sections
from mabe_tui.runs.comparison.judgement import Settling, Verdict
from mabe_tui.runs.comparison.settling import settled_by
from mabe_tui.runs.comparison.sides import Spread, mean_over_runs
from mabe_tui.runs.comparison.yardstick import yardstick
from mabe_tui.runs.launching import more_seeds
from mabe_tui.runs.launching.more_seeds import runs_that_settle
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.measured import delta, measured_version
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.tasks import default_spec

CLASSES = ("other", "social", "mating", "aggressive")
VIDEOS = tuple(f"v{number}" for number in range(8))
TRUTH = np.random.default_rng(0).integers(20, 200, (len(VIDEOS), len(CLASSES)))
DEFAULT = BehaviourTrainingConfig()
ABSENT = {"f1_macro_present": 0.6, "support/mating": 9.0, "support/aggressive": 0.0}
"""Of an epoch whose validation frames lack a class."""
MakeFinished = Callable[..., RunDir]


def confusions(skill: float, seed: int) -> NDArray[np.int64]:
    """Counts (videos, classes, classes) of a classifier that is right with probability ``skill``."""
    rng = np.random.default_rng(seed)
    chances = np.full((4, 4), (1 - skill) / 3)
    np.fill_diagonal(chances, skill)
    return rng.multinomial(TRUTH, chances)


@pytest.fixture(autouse=True)
def without_looking_at_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs of these tests have no data folder."""
    monkeypatch.setattr(more_seeds, "check_data", lambda _: "")


@pytest.fixture
def registry() -> Registry:
    return load(default_path())


@pytest.fixture
def finished(home: Path) -> MakeFinished:
    """Make a finished run, each a minute after the one before."""
    minutes = iter(range(1000))

    def make(
        version: str = "v5",
        seed: int = 1,
        f1: float = 0.5,
        training: BehaviourTrainingConfig = DEFAULT,
        done: bool = True,
        fingerprint: str = "data",
        videos: tuple[str, ...] = VIDEOS,
        tags: tuple[str, ...] = (),
        skill: float = 0.7,
        epochs: int = 2,
        source: str | None = None,
        data: str | None = None,
        absent: bool = False,
    ) -> RunDir:
        created = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=next(minutes))
        run = RunDir(home / "runs" / new_run_id(version, created))
        training = msgspec.structs.replace(training, seed=seed)
        found = Resolved(
            code_version="c", data_fingerprint=fingerprint, train_units=("t",),
            validation_units=videos, torch="2", threads=1, device="cpu", validation_source=source,
        )  # fmt: skip
        run.write_request(
            RunRequest(
                run=run.id, created=created, launcher="local", seed=seed, resolved=found, data=data,
                experiment=BehaviourExperiment(name=version, training=training),
            )
        )  # fmt: skip
        run.write_about(About(tags=tags))
        tell(run, seed, [f1, f1 - 0.1][:epochs], done, ABSENT if absent else {})
        run.evaluation_table.parent.mkdir()
        counts = confusions(skill, seed)[: len(videos)]
        counts[:, 3] *= not absent
        pq.write_table(evaluation_table(Confusions(videos, CLASSES, counts)), run.evaluation_table)
        return run

    return make


def tell(run: RunDir, seed: int, f1: list[float], done: bool, more: Mapping[str, float]) -> None:
    attempt = run.claim_attempt()
    with Emitter(attempt, run.events_path(attempt)) as emitter:
        emitter.emit(
            RunStarted, run=run.id, experiment="v5", device="cpu", device_name="c", torch="0",
            threads=1, code_version="c", pid=1, seed=seed,
        )  # fmt: skip
        for epoch, value in enumerate(f1, start=1):
            emitter.emit(
                Epoch, epoch=epoch, step=epoch, seconds=2.0, train_loss=1.0, learning_rate=1e-3,
                gradient_norm=1.0, frames_per_second=100.0, metrics={"f1_macro": value, "loss": 1.0, **more},
            )  # fmt: skip
        if done:
            emitter.emit(
                Finished, epoch=2, step=2, reason="epochs", best_epoch=1, best_metric=f1[0],
                monitor="f1_macro", seconds=4.0,
            )  # fmt: skip


def compared(home: Path, registry: Registry, *names: str, latest: bool = False) -> Comparison:
    return compare(names, RunStore(home), registry, latest)


def seeds_of(home: Path, registry: Registry, name: str = "v5") -> list[int]:
    return list(compared(home, registry, name, "v1").sides[0].seeds)


def test_a_version_stands_for_its_seeds(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    for seed, f1 in ((1, 0.4), (2, 0.5), (3, 0.6)):
        finished(seed=seed, f1=f1)
    side = compared(home, registry, "v5", "v1").sides[0]
    assert side.seeds == (3, 2, 1)
    assert [run.seed for run in side.runs] == [3, 2, 1]
    assert side.summary == side.runs[0]
    assert side.best["f1_macro"] == 0.6  # of the newest run
    assert side.best_over_seeds["f1_macro"].mean == pytest.approx(0.5)
    assert side.best_over_seeds["f1_macro"].std == pytest.approx(0.1)
    assert side.last_over_seeds["f1_macro"].mean == pytest.approx(0.4)
    assert str(Spread(0.5, 0.1)) == "0.5000 ± 0.1000"


def test_curves_of_several_seeds_are_averaged_as_far_as_all_go(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    finished(seed=1, f1=0.4)
    assert compared(home, registry, "v5", "v1").sides[0].curve_over_seeds is None
    finished(seed=2, f1=0.6, epochs=1)
    side = compared(home, registry, "v5", "v1").sides[0]
    assert side.curve_over_seeds is not None
    assert side.curve_over_seeds.epoch == (1,)
    (spread,) = side.curve_over_seeds.monitor
    assert (spread.mean, spread.std) == pytest.approx((0.5, 0.02**0.5))
    assert side.curve.epoch == (1,)


def test_of_each_seed_the_newest_run_counts(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    finished(seed=1, f1=0.1)
    finished(seed=2)
    again = finished(seed=1, f1=0.9)
    side = compared(home, registry, "v5", "v1").sides[0]
    assert side.seeds == (1, 2)
    assert side.runs[0].id == again.id


def test_only_what_differs_in_nothing_but_the_seed_is_grouped(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    finished(seed=1, training=BehaviourTrainingConfig(batch_size=7))
    finished(seed=2, fingerprint="other data")
    finished(seed=3, videos=VIDEOS[:7])
    finished(seed=4)
    finished(seed=5)
    assert seeds_of(home, registry) == [5, 4]
    finished(seed=6, training=BehaviourTrainingConfig(batch_size=7))
    assert seeds_of(home, registry) == [6, 1]


def test_a_run_that_is_not_finished_is_left_out_and_named(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    finished(seed=1)
    finished(seed=2)
    unfinished = finished(seed=3, done=False)
    finished(seed=2, done=False)  # a finished run of this seed is there
    side = compared(home, registry, "v5", "v1").sides[0]
    assert side.seeds == (2, 1)
    assert len(side.left_out) == 1
    assert side.left_out[0].startswith(f"{unfinished.id} (")


def test_where_nothing_is_finished_the_latest_run_stands_alone(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    finished(seed=1, done=False)
    finished(seed=2, done=False)
    assert seeds_of(home, registry) == [2]


def test_latest_and_a_named_run_stand_alone(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    first = finished(seed=1)
    finished(seed=2)
    sides = compared(home, registry, "v5", first.id).sides
    assert [side.seeds for side in sides] == [(2, 1), (1,)]
    assert [side.name for side in sides] == ["v5", f"v5-{first.id[-4:]}"]
    assert sides[1].best_over_seeds == {}
    assert compared(home, registry, "v5", "v1", latest=True).sides[0].seeds == (2,)


def test_trials_of_a_study_are_passed_over(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    trial = finished(
        seed=8, tags=("tune:v5", "trial:0"), training=BehaviourTrainingConfig(batch_size=9)
    )
    assert seeds_of(home, registry) == [8]  # there is nothing else
    finished(seed=1)
    finished(seed=9, tags=("tune:v5", "trial:1"))
    assert seeds_of(home, registry) == [1]
    assert compared(home, registry, trial.id, "v1").sides[0].seeds == (8,)


def test_the_verdict_is_about_the_mean_of_the_seeds(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    for seed in (1, 2, 3):
        finished("v5", seed=seed, skill=0.6)
    for seed in (4, 5):
        finished("v6", seed=seed, skill=0.8)
    (verdict,) = compared(home, registry, "v5", "v6").verdicts
    before = np.stack([confusions(0.6, seed) for seed in (3, 2, 1)])
    after = np.stack([confusions(0.8, seed) for seed in (5, 4)])
    expected = compare_versions(counts_of(before), counts_of(after), f1_macro)
    assert verdict.difference == expected.difference
    assert (verdict.low, verdict.high) == (expected.low, expected.high)
    assert (verdict.seed_sd, verdict.degrees_of_freedom) == (expected.seed_sd, expected.freedom)
    assert (verdict.first_seeds, verdict.second_seeds) == (3, 2)
    assert (verdict.about, verdict.distinguishable) == ("versions", True)
    assert verdict.sentence.endswith("v6 is better on 8 videos with 2 seeds of v6 and 3 of v5")


def test_one_seed_a_side_says_nothing_of_versions(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    five, six = finished("v5", seed=1), finished("v6", seed=1, skill=0.9)
    comparison = compared(home, registry, "v5", "v6")
    (verdict,) = comparison.verdicts
    assert verdict.about == "checkpoints"
    assert verdict.checkpoints_differ is True
    assert verdict.distinguishable is None
    assert not verdict.told_apart
    assert verdict.sentence.endswith(
        "over videos alone: these two checkpoints differ on 8 videos; of the versions one seed each"
        " says nothing: train 2 or more of each (`mabe run v5 --seeds 1,2,3` and"
        " `mabe run v6 --seeds 1,2,3`)"
    )
    assert all(setting.key != "seed" for setting in comparison.settings)
    (named,) = compared(home, registry, five.id, six.id).verdicts
    assert named.sentence == verdict.sentence
    assert named.distinguishable is True  # of the runs, which were asked about


def test_a_spread_that_other_runs_show_is_used_and_named(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    for seed, skill in enumerate((0.5, 0.6, 0.7, 0.8, 0.9), start=1):
        latest = finished("v6", seed=seed, skill=skill)
    finished("v6", seed=9, fingerprint="other data", skill=0.1)
    finished("v6", seed=8, training=BehaviourTrainingConfig(batch_size=7), skill=0.1)
    finished("v6", seed=7).evaluation_table.write_bytes(b"damaged")
    five = finished("v5", seed=1, skill=0.6)
    (verdict,) = compared(home, registry, five.id, latest.id).verdicts
    scores = [float(f1_macro(counts_of(confusions(skill, seed).sum(axis=0))))
              for seed, skill in enumerate((0.5, 0.6, 0.7, 0.8, 0.9), start=1)]  # fmt: skip
    assert verdict.seed_sd == pytest.approx(np.std(scores, ddof=1))
    assert (verdict.seed_sd_from, verdict.seed_degrees_of_freedom) == (("v6",), 4)
    assert (verdict.about, verdict.distinguishable) == ("versions", False)
    assert verdict.checkpoints_differ is True
    assert (
        f"these two checkpoints differ on 8 videos, v6's seeds spread by ± {verdict.seed_sd:.3f}:"
        " this difference tells nothing about the versions"
    ) in verdict.sentence


@pytest.mark.parametrize(
    ("seeds", "videos", "words"),
    [
        (1, 4, "undecided: a verdict needs at least 5 videos, and several seeds of a side"),
        (1, 8, "undecided: no number of seeds up to 100 each would be expected to settle +0.100"),
        (2, 8, "expected to settle +0.100, nor would more videos"),
    ],
)
def test_only_what_was_planned_is_ruled_out(seeds: int, videos: int, words: str) -> None:
    verdict = Verdict(
        first="v5", second="v6", sentence="", metric="f1_macro", metric_label="F1", rises=True,
        difference=0.1, videos=videos, first_seeds=seeds, second_seeds=seeds,
    )  # fmt: skip
    settling = Settling(power=0.8, error=0.05)
    assert settled_by(verdict, settling, yardstick(default_spec())).endswith(words)


def test_an_undecided_verdict_says_what_would_settle_it(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    for seed in (1, 2):
        finished("v5", seed=seed, skill=0.66 + 0.06 * seed)
        finished("v6", seed=seed, skill=0.72 + 0.06 * seed)
    comparison = compared(home, registry, "v5", "v6")
    (verdict,) = comparison.verdicts
    settling = verdict.settling
    assert settling is not None
    assert verdict.seeds_needed is not None
    more = verdict.seeds_needed - 2
    assert settling.more_seeds == (more, more)
    assert settling.seeds[0] == tuple(range(3, 3 + more))
    elapsed = sum(mean_over_runs(side, "elapsed_seconds") or 0.0 for side in comparison.sides)
    assert settling.seconds == pytest.approx(more * elapsed)
    assert settling.cost_usd is None
    assert settling.sentence.startswith(f"undecided: {more} more seeds of each")
    assert "would settle +0.0" in settling.sentence
    assert "with 80 % power" in settling.sentence
    assert settling.commands[1].startswith("mabe run v6 --seeds 3,4")
    first, second = runs_that_settle(comparison, 0, RunStore(home)).groups
    assert [request.experiment.training.seed for request in second] == [*settling.seeds[1]]
    assert {request.experiment.name for request in first} == {"v5"}
    again = msgspec.structs.replace(second[0].experiment.training, seed=2)
    assert again == comparison.sides[1].experiment.training


def test_what_is_settled_or_equal_is_not_to_be_launched(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    for seed in (1, 2, 3):
        finished("v5", seed=seed, skill=0.5)
        finished("v6", seed=seed, skill=0.5)
        finished("v7", seed=seed, skill=0.9)
    comparison = compared(home, registry, "v5", "v6", "v7")
    equal, better = comparison.verdicts
    assert better.settling is None
    with pytest.raises(ConfigError, match="it is settled: nothing to launch"):
        runs_that_settle(comparison, 1, RunStore(home))
    assert equal.settling is not None
    assert equal.settling.sentence.startswith("undecided: they score the same; no number of seeds")
    with pytest.raises(ConfigError, match="they score the same"):
        runs_that_settle(comparison, 0, RunStore(home))


def test_one_seed_each_needs_another_before_anything_is_planned(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    finished("v5", seed=1)
    finished("v6", seed=1, skill=0.9)
    (verdict,) = compared(home, registry, "v5", "v6").verdicts
    assert verdict.settling is not None
    assert verdict.settling.seeds == ((2,), (2,))
    assert "one seed each shows no spread over seeds" in verdict.settling.sentence


def test_seeds_of_one_version_differ_as_seeds(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    first, second = finished(seed=1, skill=0.5), finished(seed=2, skill=0.9)
    (verdict,) = compared(home, registry, first.id, second.id).verdicts
    assert (verdict.about, verdict.distinguishable) == ("checkpoints", True)
    assert verdict.sentence.endswith(
        "both are runs of v5 with the same settings, so this is a difference between seeds"
    )
    (overlapping,) = compared(home, registry, "v5", first.id).verdicts
    assert f"no verdict: both sides hold {first.id}" in overlapping.sentence


def test_the_last_epochs_are_compared_where_they_were_kept(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    runs = [finished("v5", seed=seed, skill=0.8) for seed in (1, 2)]
    runs += [finished("v6", seed=seed, skill=0.6) for seed in (3, 4)]
    for run, skill in zip(runs, (0.6, 0.6, 0.8, 0.8), strict=True):
        counts = confusions(skill, 1)
        table = evaluation_table(Confusions(VIDEOS, CLASSES, counts))
        pq.write_table(table, run.evaluation_of("last"))
    found = [
        compare(("v5", "v6"), RunStore(home), registry, epoch=epoch).verdicts[0]
        for epoch in ("best", "last")
    ]
    assert [verdict.epoch for verdict in found] == ["best", "last"]
    assert [(verdict.difference or 0) > 0 for verdict in found] == [False, True]
    runs[0].evaluation_of("last").unlink()
    (verdict,) = compare(("v5", "v6"), RunStore(home), registry, epoch="last").verdicts
    assert f"no verdict: {runs[0].id} kept no table of its last epoch" in verdict.sentence


def test_seeds_show_among_the_changed_settings(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    finished("v5", seed=1)
    finished("v5", seed=2)
    finished("v6", seed=1)
    settings = {s.key: s.values for s in compared(home, registry, "v5", "v6").settings}
    assert settings["seed"] == ([1, 2], 1)


def test_no_verdict_where_the_videos_differ(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    finished("v5", seed=1)
    finished("v5", seed=2)
    finished("v6", seed=1, videos=VIDEOS[:6])
    (verdict,) = compared(home, registry, "v5", "v6").verdicts
    assert verdict.difference is None
    assert "their validation sets differ (v5: 8 videos, v6: 6, 6 in common)" in verdict.sentence


def test_no_verdict_where_videos_of_the_same_ids_hold_other_data(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    finished("v5", source="a" * 64, data="/mice")
    finished("v6", source="b" * 64, data="/noisy")
    comparison = compared(home, registry, "v5", "v6")
    (verdict,) = comparison.verdicts
    assert verdict.difference is None
    assert "no verdict: their validation videos have the same ids, but other content" in (
        verdict.sentence
    )
    settings = {setting.key: setting.values for setting in comparison.settings}
    assert settings["data"] == ("/mice", "/noisy")


def test_data_that_changed_in_their_place_are_told_apart(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    finished("v5", source="a" * 64, data="/mice")
    finished("v6", source="b" * 64, data="/mice")
    settings = {s.key: s.values for s in compared(home, registry, "v5", "v6").settings}
    assert settings["data"] == ("/mice (aaaaaaaa)", "/mice (bbbbbbbb)")


@pytest.mark.parametrize("source", ["a" * 64, None])
def test_the_same_videos_elsewhere_and_prepared_otherwise_have_a_verdict(
    source: str | None, home: Path, registry: Registry, finished: MakeFinished
) -> None:
    finished("v5", source="a" * 64, fingerprint="seven slots", data="/mice")
    finished("v6", source=source, fingerprint="eighteen slots", data="/copy")
    comparison = compared(home, registry, "v5", "v6")
    assert comparison.verdicts[0].difference is not None
    told = any(setting.key == "data" for setting in comparison.settings)
    assert told is (source is None)  # then it is not known whether they are the same


def test_a_name_that_means_nothing(home: Path, registry: Registry, finished: MakeFinished) -> None:
    finished()
    with pytest.raises(ConfigError, match=r"no run 'v9'.*versions are v1"):
        compared(home, registry, "v5", "v9")


def test_other_labels_are_named_by_run_and_video(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    finished("v5")
    other = finished("v6")
    counts = confusions(0.7, 1)
    counts[3] += 1
    pq.write_table(evaluation_table(Confusions(VIDEOS, CLASSES, counts)), other.evaluation_table)
    sentence = compared(home, registry, "v5", "v6").verdicts[0].sentence
    assert "different true frames in 1 of 8 videos, v3 first" in sentence
    assert "v5" in sentence
    assert "v6" in sentence


def test_what_was_not_rented_had_no_part(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    finished("v5")
    finished("v6")
    comparison = compared(home, registry, "v5", "v6")
    sides = tuple(
        msgspec.structs.replace(side, experiment=registry.experiment(side.name))
        for side in comparison.sides
    )
    settings = changed_settings(sides)
    had_none = {setting.key for setting in settings if not setting.took_part}
    assert had_none
    assert had_none <= OF_A_RENTED_MACHINE
    shown = sections(msgspec.structs.replace(comparison, settings=settings))[0][1]
    assert [row[0] for row in shown] == [s.key for s in settings if s.took_part]
    assert not had_none & {str(row[0]) for row in shown}


def test_what_an_imported_log_claims_is_not_called_measured(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    finished("v5", f1=0.5)
    run = finished("v6", f1=0.875)
    run.write_request(msgspec.structs.replace(run.read_request(), imported=True))
    comparison = compared(home, registry, "v5", run.id)
    tables = dict(sections(comparison))
    measured = {str(row[0]): row[1:] for row in tables["measured here, at each one's best epoch"]}
    assert (measured["f1_macro"], measured["epoch"]) == (["0.5000", None], ["1", None])
    claimed = {
        str(row[0]): row[1:] for row in tables["claimed by imported logs, not measured here"]
    }
    assert claimed["f1_macro"] == [None, "0.8750"]
    (verdict,) = comparison.verdicts
    assert "imported from a log" in verdict.sentence
    assert [side.name for side in comparison.sides] == ["v5", "v6 (imported)"]
    assert "yet" not in verdict.sentence
    assert verdict.difference is None


def test_a_version_whose_runs_cannot_be_read_is_the_bare_version(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    finished("v5")
    (finished("v6").path / "run.toml").write_text("x = [")
    comparison = compared(home, registry, "v5", "v6")
    assert "v6 has no run here" in comparison.verdicts[0].sentence
    assert "run.toml: cannot be read" in comparison.unreadable[0]


def test_the_difference_is_the_delta_of_listings(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    def run(version: str, seed: int, skill: float) -> None:
        f1 = float(f1_macro(counts_of(confusions(skill, seed).sum(axis=0))))
        finished(version, seed=seed, skill=skill, f1=f1)

    for seed, skill in ((1, 0.7), (2, 0.72), (3, 0.6)):
        run("v5", seed, skill)
    for seed, skill in ((4, 0.8), (5, 0.62)):
        run("v6", seed, skill)
    records = Catalog(RunStore(home)).records()
    listed = delta(measured_version("v6", records), measured_version("v5", records))
    (verdict,) = compared(home, registry, "v5", "v6").verdicts
    assert verdict.difference == pytest.approx(listed, abs=1e-12)


def test_one_name_is_a_misuse_of_the_command(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="name two or more"):
        compare(["v5"], RunStore(tmp_path), load(default_path()))


def test_where_a_class_is_absent_the_mean_over_those_present_leads(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    for seed in (1, 2):
        finished("v5", seed=seed, skill=0.6, absent=True)
        finished("v6", seed=seed + 2, skill=0.8, absent=True)
    comparison = compared(home, registry, "v5", "v6")
    (verdict,) = comparison.verdicts
    assert (verdict.metric, verdict.metric_label, verdict.rises) == (
        "f1_macro_present", "F1 present", True,
    )  # fmt: skip
    assert comparison.metric == "f1_macro_present"
    assert "in F1 present, 95 %" in verdict.sentence
    assert (
        "f1_macro_present over the classes, frames of all validation videos pooled. It leads in place of"
        " f1_macro, which cannot reach 1: no validation frame is of aggressive."
    ) in str(note_on_verdicts(comparison))
    counts = [
        np.stack([counts_of(np.where(np.arange(4)[:, None] == 3, 0, confusions(skill, seed)))
                  for seed in seeds])
        for skill, seeds in ((0.6, (2, 1)), (0.8, (4, 3)))
    ]  # fmt: skip
    expected = compare_versions(*counts, f1_macro_present)
    assert (verdict.difference, verdict.low) == (expected.difference, expected.low)


def test_runs_with_rows_are_compared_with_runs_of_old_tables(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    for seed in (1, 2):
        finished("v5", seed=seed, skill=0.6)
    newer = [finished("v6", seed=seed, skill=0.8) for seed in (3, 4)]
    (before,) = compared(home, registry, "v5", "v6").verdicts
    for run in newer:
        table = read_rows(run.evaluation_table)
        pq.write_table(rows_table(table), run.evaluation_table)
    (after,) = compared(home, registry, "v5", "v6").verdicts
    assert after == before
    assert before.told_apart


def test_an_empty_store_has_nothing_to_compare(home: Path, registry: Registry) -> None:
    comparison = compared(home, registry, "v5", "v6")
    (verdict,) = comparison.verdicts
    assert verdict.sentence == "v6 − v5: no verdict: v5 has no run here to compare (`mabe run v5`)"
    assert (comparison.metric, verdict.metric) == ("f1_macro", "f1_macro")


def test_a_run_whose_teacher_knew_the_validation_is_named_beside_the_verdict(
    home: Path, registry: Registry, finished: MakeFinished
) -> None:
    for version in ("v5", "v6"):
        finished(version, seed=1, skill=0.6)
    comparison = compared(home, registry, "v5", "v6")
    assert "flattered" not in str(note_on_verdicts(comparison))
    side = comparison.sides[1]
    run = msgspec.structs.replace(side.runs[0], leaks=("the teacher knew it, flattered",))
    sides = comparison.sides[0], msgspec.structs.replace(side, runs=(run,))
    told = str(note_on_verdicts(msgspec.structs.replace(comparison, sides=sides)))
    assert "v6: the teacher knew it, flattered." in told
