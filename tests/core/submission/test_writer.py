"""Whatever was found, the writer produces no file that the competition rejects."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.data.competition import LabeledBehavior
from core.errors import DataError, UserError
from core.evaluation.competition import score
from core.evaluation.pair_probabilities import PairProbabilities
from core.postprocess.decide import decide
from core.postprocess.rules import Rules
from core.submission.lab_actions import LabActions, lab_actions
from core.submission.reading import read_submission
from core.submission.rows import harmless_row, scored_only, submission_rows
from core.submission.writer import COLUMNS, write_submission
from tests.core.submission.random_videos import (
    bouts_of,
    random_truth,
    random_video,
    truth_of,
    video_of,
    write_and_score,
)

LISTED = ((1, 2, "sniff"), (1, 2, "attack"), (2, 2, "rear"))
VIDEO = video_of("lab", "7", [LabeledBehavior(*each) for each in LISTED])
NOTHING = bouts_of([])
Row = tuple[int, int, str, int, int]


def rows_of(*bouts: Row, frames: int = 100, known: LabActions | None = None) -> list[tuple]:
    table = submission_rows(VIDEO, bouts_of(list(bouts)), frames, known).table
    assert set(table["video_id"]) <= {"7"}
    return list(table.drop(columns="video_id").itertuples(index=False, name=None))


@pytest.mark.parametrize("seed", range(60))
def test_random_outputs_are_never_rejected(seed: int, tmp_path: Path) -> None:
    assert write_and_score(seed, tmp_path / "submission.csv") > 0


def test_the_truth_comes_back_and_scores_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    truth = {(video := random_video(rng, n)): random_truth(rng, video) for n in range(20)}
    path = tmp_path / "submission.csv"
    write_submission(
        path, ((v, bouts, 120) for v, bouts in truth.items()), lab_actions(truth.items())
    )
    table = truth_of(truth)
    frames = table[table["start_frame"] < table["stop_frame"]]
    assert score(frames, read_submission(path)).score == 1.0


def test_ids_order_and_types() -> None:
    found = rows_of((2, 2, "rear", 5, 9), (1, 2, "sniff", 8, 9), (1, 2, "attack", 0, 4))
    assert found == [
        ("mouse1", "mouse2", "attack", 0, 4),
        ("mouse1", "mouse2", "sniff", 8, 9),
        ("mouse2", "self", "rear", 5, 9),
    ]


def test_of_overlapping_bouts_the_first_listed_keeps_its_frames() -> None:
    found = rows_of((1, 2, "attack", 10, 20), (1, 2, "sniff", 0, 30), (2, 2, "rear", 0, 30))
    assert [row[2:] for row in found] == [
        ("sniff", 0, 10), ("attack", 10, 20), ("sniff", 20, 30), ("rear", 0, 30)
    ]  # fmt: skip


def test_bouts_of_one_action_that_touch_or_repeat_become_one() -> None:
    bouts = [(1, 2, "sniff", 0, 5), (1, 2, "sniff", 5, 9), (1, 2, "sniff", 2, 7)]
    assert [row[2:] for row in rows_of(*bouts)] == [("sniff", 0, 9)]


def test_bouts_are_cut_to_the_video_and_empty_ones_dropped() -> None:
    bouts = [(1, 2, "sniff", -5, 3), (1, 2, "attack", 95, 10**9), (2, 2, "rear", 50, 50)]
    bouts += [(2, 2, "rear", 100, 120), (2, 2, "rear", 9, 3)]
    assert [row[2:] for row in rows_of(*bouts)] == [("sniff", 0, 3), ("attack", 95, 100)]


def test_what_is_not_listed_takes_no_frames() -> None:
    bouts = bouts_of([(1, 2, "mount", 0, 50), (2, 1, "sniff", 0, 50), (1, 2, "sniff", 0, 50)])
    found = submission_rows(VIDEO, bouts, 100)
    assert found.unlisted == 2
    assert found.table["action"].tolist() == ["sniff"]


def test_what_only_entries_with_stray_quotes_list_scores_nothing_and_takes_no_frames(
    tmp_path: Path,
) -> None:
    stray = LabeledBehavior(1, 2, "attack")
    video = replace(VIDEO, unscored=(stray,))
    values = np.full((2, 100, 2), 0.6, np.float32)
    values[0, :, 1] = 0.9  # attack is likelier, and ignored
    values[1] = np.nan
    output = PairProbabilities(
        "7", "lab", 30.0, np.array([1, 2]), np.array([2, 1]), ("sniff", "attack"), values
    )
    rules = Rules.constant(0.5)
    truth = truth_of({VIDEO: bouts_of([(1, 2, "sniff", 0, 100)])})
    quoted = truth["behaviors_labeled"].str.replace(stray.entry, "mouse1','mouse2','attack'")
    truth["behaviors_labeled"] = quoted
    path = tmp_path / "submission.csv"
    write_submission(path, [(video, decide(scored_only(video, output), rules), 100)])
    assert score(truth, read_submission(path)).score == 1.0
    assert scored_only(VIDEO, output) is output
    written = write_submission(path, [(video, decide(output, rules), 100)])
    assert (written.unlisted, written.filled) == (1, True)
    assert score(truth, read_submission(path)).score < 0.1
    only = replace(VIDEO, behaviors=(stray,), unscored=(stray,))
    assert harmless_row(only, 100) is None


def test_actions_that_the_lab_never_annotated_are_left_out() -> None:
    known = lab_actions(
        [(VIDEO, bouts_of([(1, 2, "sniff", 0, 5), (1, 2, "attack", 7, 7)]))]
    )  # an attack without a frame shows nothing
    bouts = bouts_of([(1, 2, "attack", 0, 50), (1, 2, "sniff", 0, 60)])
    found = submission_rows(VIDEO, bouts, 100, known)
    assert (found.never_annotated, found.table["action"].tolist()) == (1, ["sniff"])
    elsewhere = LabActions({"another lab": ("sniff",)})
    assert len(submission_rows(VIDEO, bouts, 100, elsewhere).table) == 2


def test_a_submission_without_bouts_has_one_row_that_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    written = write_submission(path, [(VIDEO, NOTHING, 100)], LabActions({"lab": ("rear",)}))
    assert (written.filled, written.rows, written.frames) == (True, 1, 1)
    assert path.read_text() == f"{','.join(COLUMNS)}\n0,7,mouse2,self,rear,0,1\n"


def test_nothing_to_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    path.write_text("old")
    for found, message in (
        ([], "nothing to write"),
        ([(VIDEO, NOTHING, 0)], "nothing to write"),
        ([(VIDEO, NOTHING, 9), (VIDEO, NOTHING, 9)], "video 7 comes twice"),
    ):
        with pytest.raises(DataError, match=message):
            write_submission(path, found)
        assert [each.name for each in tmp_path.iterdir()] == ["submission.csv"]
        assert path.read_text() == "old"
    with pytest.raises(UserError, match="a submission is a CSV file"):
        write_submission(tmp_path / "submission.parquet", [])


def test_writing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    bouts = bouts_of([(1, 2, "sniff", 0, 5), (2, 2, "rear", 1, 9)])
    write_submission(path, [(VIDEO, bouts, 100)])
    first = path.read_bytes()
    write_submission(path, [(VIDEO, bouts, 100)])
    assert path.read_bytes() == first
    assert first.count(b"\n") == 3
