import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from core.errors import DataError
from core.evaluation.competition import FrameCounts, score, truth_table

COLUMNS = ["video_id", "agent_id", "target_id", "action", "start_frame", "stop_frame"]
Bout = tuple[int, str, str, str, int, int]


def bout(action: str, start: int, stop: int, video: int = 1) -> Bout:
    return (video, "mouse1", "mouse2", action, start, stop)


def predictions(*bouts: Bout) -> pd.DataFrame:
    return pd.DataFrame(list(bouts), columns=COLUMNS)


def truth(*bouts: Bout, listed: str = "sniff", labs: dict[int, str] | None = None) -> pd.DataFrame:
    table = predictions(*bouts)
    table["lab_id"] = [(labs or {}).get(video, "lab") for video in table["video_id"]]
    table["behaviors_labeled"] = json.dumps([f"mouse1,mouse2,{name}" for name in listed.split()])
    return table


SNIFF = truth(bout("sniff", 0, 10))
BOTH_LISTED = truth(bout("sniff", 0, 10), listed="sniff attack")


def test_all_cases_of_the_official_code(real_data: Path) -> None:
    cases = json.loads((real_data / "metric" / "cases.json").read_text())
    assert len(cases) == 150
    for number, case in enumerate(cases):
        tables = pd.DataFrame(case["solution"]), pd.DataFrame(case["submission"])
        if case.get("error") == "overlap":
            with pytest.raises(DataError, match="same frame"):
                score(*tables, beta=case["beta"])
        else:
            result = score(*tables, beta=case["beta"]).score
            assert result == pytest.approx(case["score"], abs=1e-12), f"case {number}"


@pytest.mark.parametrize(
    ("solution", "submission", "expected"),
    [
        (SNIFF, predictions(bout("sniff", 0, 5)), 0.6667),
        (SNIFF, predictions(bout("sniff", 5, 15)), 0.5),
        (SNIFF, predictions(bout("sniff", 0, 10), bout("sniff", 0, 10)), 1.0),
        (SNIFF, predictions(bout("sniff", 0, 10), bout("attack", 9, 12)), 1.0),
        (
            truth(bout("sniff", 0, 10), bout("sniff", 0, 10, video=2), labs={2: "another"}),
            predictions(bout("sniff", 0, 10)),
            0.5,
        ),
        (
            truth(bout("sniff", 0, 10), bout("sniff", 0, 90, video=2)),
            predictions(bout("sniff", 0, 10)),
            0.1818,
        ),
    ],
    ids=["half", "shifted", "twice", "unlisted", "second-lab", "pooled-over-videos"],
)
def test_worked_examples(solution: pd.DataFrame, submission: pd.DataFrame, expected: float) -> None:
    assert score(solution, submission).score == pytest.approx(expected, abs=5e-5)


def test_a_clash_names_both_rows() -> None:
    submission = predictions(
        bout("sniff", 0, 4), bout("unlisted", 0, 9), bout("sniff", 4, 10), bout("attack", 9, 12)
    )
    with pytest.raises(DataError) as caught:
        score(BOTH_LISTED, submission)
    message = str(caught.value)
    assert "video 1, mouse1 → mouse2, frame 9" in message
    assert "sniff (row 2) and attack (row 3)" in message
    assert "\n" not in message


def test_bouts_that_touch_do_not_clash() -> None:
    assert score(BOTH_LISTED, predictions(bout("sniff", 0, 9), bout("attack", 9, 12))).actions == {
        "lab": {"attack": 0.0, "sniff": pytest.approx(18 / 19)}
    }


def test_an_action_listed_and_predicted_but_absent_adds_a_zero() -> None:
    perfect = bout("sniff", 0, 10)
    result = score(BOTH_LISTED, predictions(perfect, bout("attack", 50, 50)))
    assert result.score == 0.5
    assert result.counts["lab"]["attack"] == FrameCounts(0, 0, 0)
    assert score(BOTH_LISTED, predictions(perfect)).score == 1.0


def test_the_parts_add_up_to_the_score() -> None:
    solution = truth(
        bout("sniff", 0, 10), bout("attack", 20, 30), bout("sniff", 0, 8, video=2),
        listed="sniff attack", labs={2: "another"},
    )  # fmt: skip
    result = score(solution, predictions(bout("sniff", 0, 5), bout("attack", 20, 34)), beta=2)
    assert result.counts["lab"] == {"attack": FrameCounts(10, 4, 0), "sniff": FrameCounts(5, 0, 5)}
    assert result.actions["lab"]["sniff"] == pytest.approx(5 * 5 / (5 * 5 + 4 * 5))
    assert result.labs["lab"] == pytest.approx((25 / 45 + 50 / 54) / 2)
    assert result.labs["another"] == 0.0
    assert result.score == pytest.approx(result.labs["lab"] / 2)


def test_rows_of_other_videos_are_dropped() -> None:
    submission = predictions(bout("sniff", 0, 10), bout("sniff", 0, 10, video=99))
    assert score(SNIFF, submission).score == 1.0
    assert score(SNIFF, submission[1:]).score == 0.0


def test_the_first_row_of_a_video_says_what_is_listed() -> None:
    solution = truth(bout("sniff", 0, 10), bout("sniff", 20, 30))
    solution.loc[0, "behaviors_labeled"] = "[]"
    assert score(solution, predictions(bout("sniff", 0, 10))).score == 0.0


def test_arrow_tables_and_numbers_as_text_score_the_same() -> None:
    submission = predictions(bout("sniff", 5, 15))
    arrow = pa.Table.from_pandas(SNIFF), pa.Table.from_pandas(submission)
    assert score(*arrow) == score(SNIFF, submission)
    assert score(SNIFF, submission.astype(str)) == score(SNIFF, submission)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("start_frame", 20, "submission, row 1 .from 0.: start_frame is after stop_frame"),
        ("stop_frame", None, "row 1 .from 0.: stop_frame is empty"),
        ("stop_frame", 10.5, "row 1 .from 0.: stop_frame is not a whole number"),
        ("stop_frame", "ten", "row 1 .from 0.: stop_frame is not a whole number"),
        ("stop_frame", 2**40, "row 1 .from 0.: stop_frame is not a whole number of at most"),
        ("action", None, "row 1 .from 0.: action is empty"),
    ],
)
def test_a_bad_row_is_named(column: str, value: object, message: str) -> None:
    submission = predictions(bout("sniff", 0, 10), bout("sniff", 0, 10)).astype(object)
    submission.loc[1, column] = value
    with pytest.raises(DataError, match=message):
        score(SNIFF, submission)


def test_start_after_stop_is_refused_even_in_rows_that_would_not_count() -> None:
    submission = predictions(bout("sniff", 0, 10), bout("unlisted", 9, 3, video=99))
    with pytest.raises(DataError, match=r"row 1 .* start_frame is after stop_frame"):
        score(SNIFF, submission)
    with pytest.raises(DataError, match=r"truth, row 0 .* start_frame is after stop_frame"):
        score(truth(bout("sniff", 5, 4)), predictions(bout("sniff", 0, 10)))


def test_tables_that_cannot_be_scored_are_refused() -> None:
    submission = predictions(bout("sniff", 0, 10))
    with pytest.raises(DataError, match="submission: no rows"):
        score(SNIFF, submission[:0])
    with pytest.raises(DataError, match="truth: no rows"):
        score(SNIFF[:0], submission)
    with pytest.raises(DataError, match="submission: column 'action' is missing"):
        score(SNIFF, submission.drop(columns="action"))
    with pytest.raises(DataError, match=r"truth, row 0 .from 0.: behaviors_labeled is not a JSON"):
        score(SNIFF.assign(behaviors_labeled="sniff"), submission)
    with pytest.raises(ValueError, match="beta"):
        score(SNIFF, submission, beta=0)


def test_truth_from_the_competitions_files() -> None:
    metadata = pd.DataFrame({
        "lab_id": ["lab", "lab"],
        "video_id": [7, 8],
        "behaviors_labeled": ['["mouse1,mouse2,sniff", "mouse3,self,rear"]', "[]"],
        "fps": 30,
    })  # fmt: skip
    annotation = pd.DataFrame({
        "agent_id": [1, 3], "target_id": [2, 3], "action": ["sniff", "rear"],
        "start_frame": [0, 5], "stop_frame": [4, 9],
    })  # fmt: skip
    table = truth_table(metadata, {7: annotation})
    assert table["target_id"].tolist() == ["mouse2", "self"]
    assert table["agent_id"].tolist() == ["mouse1", "mouse3"]
    assert score(table, table).score == 1.0
    with pytest.raises(DataError, match="no labelled video"):
        truth_table(metadata, {9: annotation})


def test_the_real_labels_score_one_against_themselves(real_data: Path) -> None:
    folder = real_data / "mabe2025"
    metadata = pd.read_csv(folder / "train.csv")
    files = sorted((folder / "train_annotation" / "AdaptableSnail").glob("*.parquet"))
    table = truth_table(metadata, {int(file.stem): pd.read_parquet(file) for file in files})
    assert len(table) > 1000
    assert score(table, table).score == 1.0
