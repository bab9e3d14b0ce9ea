import dataclasses

import msgspec
import pytest

from core.config.task_spec import MetricSpec, Noun, task_spec
from mabe_tui.runs.comparison.judgement import Verdict
from mabe_tui.runs.comparison.verdict_words import CheckpointWords, VersionWords
from mabe_tui.runs.comparison.yardstick import yardstick

BEHAVIOUR = task_spec("behaviour")
BY = yardstick(BEHAVIOUR)


def found(difference: float, low: float | None, high: float | None, **changes: object) -> Verdict:
    """A verdict on v6 against v5."""
    differ = low is not None and high is not None and (low > 0 or high < 0)
    verdict = Verdict(
        first="v5", second="v6", sentence="", metric="f1_macro", metric_label="F1", rises=True,
        difference=difference, low=low, high=high, videos=40,
        distinguishable=differ, checkpoints_differ=differ, first_seeds=1, second_seeds=1,
        seed_sd=0.035, seed_sd_from=("v6",),
    )  # fmt: skip
    return msgspec.structs.replace(verdict, **changes)


@pytest.mark.parametrize(
    ("verdict", "line"),
    [
        (
            found(0.012, -0.004, 0.027),
            "v6 − v5 = +0.012, 95 % −0.004 … +0.027: not distinguishable on 40 videos",
        ),
        (
            found(0.05, 0.02, 0.08),
            "v6 − v5 = +0.050, 95 % +0.020 … +0.080: v6 is better on 40 videos",
        ),
        (
            found(-0.05, -0.08, -0.0001),
            "v6 − v5 = −0.050, 95 % −0.080 … 0.000: v5 is better on 40 videos",
        ),
        (
            found(0.1, 0.05, 0.2, videos=4),
            (
                "v6 − v5 = +0.100, 95 % +0.050 … +0.200: only 4 videos, fewer than 5, so the interval is not"
                " to be trusted and there is no verdict"
            ),
        ),
        (
            found(0.1, None, None, videos=1),
            "v6 − v5 = +0.100: one video gives no interval, so no verdict",
        ),
    ],
)
def test_checkpoints(verdict: Verdict, line: str) -> None:
    assert CheckpointWords(verdict, BY).alone() == line


def test_checkpoints_of_two_versions_say_nothing_of_these() -> None:
    words = CheckpointWords(found(0.05, 0.02, 0.08), BY, ("v5", "v6"))
    assert words.alone().endswith("; of versions two single checkpoints say nothing")
    same = CheckpointWords(found(0.05, 0.02, 0.08), BY, ("v6", "v6"))
    assert same.alone().endswith("v6 is better on 40 videos")
    assert same.of_two_versions().endswith(
        "these two checkpoints differ on 40 videos; of their settings one seed each says nothing:"
        " train both with 2 or more seeds"
    )


@pytest.mark.parametrize(
    ("verdict", "end"),
    [
        (found(0.05, 0.02, 0.08, first_seeds=3, second_seeds=3),
         "v6 is better on 40 videos with 3 seeds each"),
        (found(-0.05, -0.08, -0.02, first_seeds=2, second_seeds=1, seed_sd_from=("v5",)),
         "with 1 seed of v6 and 2 of v5, taking v6's seeds to spread as v5's"),
        (found(0.01, -0.02, 0.08, first_seeds=3, second_seeds=3, seed_sd_from=("v5", "v6")),
         "not distinguishable on 40 videos with 3 seeds each, v5's and v6's seeds spread by ± 0.035"),
        (found(0.01, -0.02, 0.08, first_seeds=3, second_seeds=3, seeds_needed=12),
         "; about 12 seeds each would tell a difference of this size"),
        (found(0.1, 0.02, 0.18),
         "v6 is better on 40 videos with one seed each, v6's seeds spread by ± 0.035"),
        (found(0.01, -0.02, 0.08, checkpoints_differ=True),
         ("these two checkpoints differ on 40 videos, v6's seeds spread by ± 0.035: this difference tells"
         " nothing about the versions")),
        (found(0.1, 0.05, 0.2, videos=4, first_seeds=3, second_seeds=3), "there is no verdict"),
    ],
)  # fmt: skip
def test_versions(verdict: Verdict, end: str) -> None:
    assert VersionWords(verdict, BY).sentence().endswith(end)


def test_another_metric_than_the_usual_one_is_named() -> None:
    absent = {"f1_macro": 0.5, "f1_macro_present": 0.7, "support/mating": 0.0}
    by = yardstick(BEHAVIOUR, [absent, {}])
    assert (by.metric.name, yardstick(BEHAVIOUR, [absent, {"f1_macro": 0.5}])) == (
        "f1_macro_present", BY,
    )  # fmt: skip
    line = CheckpointWords(found(0.05, 0.02, 0.08), by).alone()
    assert line == (
        "v6 − v5 = +0.050 in F1 present, 95 % +0.020 … +0.080: v6 is better on 40 videos"
    )


def test_a_falling_metric_of_another_unit_is_better_where_it_is_lower() -> None:
    metric = MetricSpec(name="distance", label="distance", rises=False)
    task = dataclasses.replace(
        BEHAVIOUR, metrics=(metric,), primary="distance", unit=Noun("pair", "pairs")
    )
    by = yardstick(task)
    for low, high, words in (
        (-0.08, -0.02, "v6 is better on 40 pairs"),
        (-0.08, 0.02, "not distinguishable on 40 pairs"),
    ):
        verdict = found(-0.05, low, high, rises=False)
        assert CheckpointWords(verdict, by).alone().endswith(words)
        assert (
            VersionWords(verdict, by)
            .sentence()
            .startswith("v6 − v5 = −0.050 in distance (lower is better), 95 % −0.080")
        )
    worse = found(0.05, 0.02, 0.08, rises=False, first_seeds=2, second_seeds=2)
    assert VersionWords(worse, by).sentence().endswith("v5 is better on 40 pairs with 2 seeds each")
    few = found(-0.05, -0.08, -0.02, videos=3, rises=False)
    assert "only 3 pairs, fewer than 5" in CheckpointWords(few, by).of_two_versions()
