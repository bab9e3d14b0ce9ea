"""The official score from evaluation rows is the one from bouts, and takes resamples and verdicts."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.config.task_spec import MetricSpec
from core.errors import DataError
from core.evaluation.bootstrap import score_interval
from core.evaluation.competition import key_counts, score
from core.evaluation.official import rows_of, score_for, score_of
from core.evaluation.paired import paired_bootstrap
from core.evaluation.rows import COLUMNS, Rows
from core.evaluation.statistic import statistic_of
from core.evaluation.versions import compare_versions

METRIC = MetricSpec(
    name="score", label="score", statistic="core.evaluation.official:score_for", for_labels=True
)


def random_bouts(rng: np.random.Generator, videos: int) -> pd.DataFrame:
    """Return random bouts of no pair overlapping, with the lab of each video."""
    rows = []
    for video in range(videos):
        for agent in (1, 2):
            edges = np.sort(rng.choice(200, 8, replace=False))
            for start, stop in zip(edges[::2], edges[1::2], strict=True):
                action = rng.choice(["sniff", "attack", "mount"])
                rows.append((f"{video}", f"mouse{agent}", "self", action, int(start), int(stop)))
    table = pd.DataFrame(
        rows, columns=["video_id", "agent_id", "target_id", "action", "start_frame", "stop_frame"]
    )
    table["lab_id"] = "lab" + (table["video_id"].astype(int) % 3).astype(str)
    listed = [f"mouse{m},self,{a}" for m in (1, 2) for a in ("sniff", "attack", "mount")]
    return table.assign(behaviors_labeled=json.dumps(listed))


def counts_of_two(seed: int, videos: int = 12) -> tuple[Rows, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    truth, submission = random_bouts(rng, videos), random_bouts(rng, videos)
    return rows_of(key_counts(truth, submission)), truth, submission


@pytest.mark.parametrize("seed", range(20))
def test_rows_give_the_score_of_the_bouts(seed: int) -> None:
    rows, truth, submission = counts_of_two(seed, videos=7)
    expected = score(truth, submission)
    found = score_of(rows)
    assert statistic_of(METRIC, rows.labels)(rows.pooled) == pytest.approx(
        expected.score, abs=1e-12
    )
    assert (found.labs, found.actions) == (expected.labs, expected.actions)


def test_rows_give_the_official_answer_of_every_case(real_data: Path) -> None:
    compared = 0
    for case in json.loads((real_data / "metric" / "cases.json").read_text()):
        if "score" not in case or case["beta"] != 1:
            continue
        counts = key_counts(pd.DataFrame(case["solution"]), pd.DataFrame(case["submission"]))
        frames = counts.groupby(["lab_id", "action"])[["tp", "fp", "fn"]].sum().any(axis=1)
        if not frames.all():
            continue  # an action without frames: rows cannot show it
        rows = rows_of(counts)
        assert score_for(rows.labels)(rows.pooled) == pytest.approx(case["score"], abs=1e-12)
        compared += 1
    assert compared > 20


def test_resamples_are_scored_like_the_whole() -> None:
    rows, _, _ = counts_of_two(3)
    statistic = score_for(rows.labels)
    halves = np.stack([rows.counts[:6].sum(axis=0), rows.counts[6:].sum(axis=0)])
    expected = [
        score_of(Rows(rows.units[part], rows.labels, rows.counts[part])).score
        for part in (slice(0, 6), slice(6, None))
    ]
    np.testing.assert_allclose(statistic(halves), expected, atol=1e-12)


def test_labs_weigh_alike_however_many_actions_they_have() -> None:
    labels = ("few/sniff", "many/sniff", "many/run", "many/rest", "unused/sniff")
    counts = np.zeros((5, len(COLUMNS)))
    counts[0, 0] = counts[1, 0] = 10  # two perfect actions
    counts[2, 2] = 10  # one missed; the fourth has no frames at all
    assert score_for(labels)(counts) == pytest.approx((1 + 0.5) / 2)


def test_nothing_scores_zero_and_has_no_parts() -> None:
    labels = ("lab/sniff",)
    assert score_for(labels)(np.zeros((1, len(COLUMNS)))) == 0
    with pytest.raises(DataError, match="nothing can be scored"):
        score_of(Rows(("lab/1",), labels, np.zeros((1, 1, len(COLUMNS)))))


def test_a_label_without_a_lab_is_named() -> None:
    with pytest.raises(DataError, match="'sniff' does not name a lab"):
        score_for(["sniff"])


def test_a_version_against_itself_has_no_verdict_and_a_better_one_has() -> None:
    rows, truth, _ = counts_of_two(5, videos=30)
    statistic = score_for(rows.labels)
    itself = paired_bootstrap(rows.counts, rows.counts, statistic, resamples=500)
    assert (itself.difference, itself.low, itself.high, itself.distinguishable) == (0, 0, 0, False)
    perfect = rows_of(key_counts(truth, truth)).reordered(rows.units)
    assert perfect.labels == rows.labels
    better = paired_bootstrap(rows.counts, perfect.counts, statistic, resamples=500)
    assert better.distinguishable
    seeds = np.stack([rows.counts, counts_of_two(5, videos=30)[0].counts])
    assert compare_versions(seeds, seeds, statistic).distinguishable is False


def test_the_interval_holds_the_score_and_needs_two_units() -> None:
    rows, truth, _ = counts_of_two(7, videos=30)
    statistic = score_for(rows.labels)
    interval = score_interval(rows.counts, statistic)
    assert interval is not None
    assert interval.low < statistic(rows.pooled) < interval.high
    assert score_interval(rows.counts[:1], statistic) is None
    perfect = score_interval(rows_of(key_counts(truth, truth)).counts, statistic)
    assert perfect is not None
    assert (perfect.low, perfect.high) == (1, 1)
