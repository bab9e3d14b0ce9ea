"""Figures of bouts, by hand."""

from pathlib import Path

import pytest

from core.data.bouts.statistics import (
    group_summaries,
    read_groups,
    summaries,
    time_bins,
    transitions,
)
from core.data.bouts.table import BoutRow, BoutTable, VideoLength, annotated_bouts, read_bout_file
from core.errors import DataError

LENGTHS = {"a": VideoLength(100, 10.0), "b": VideoLength(200, 10.0), "c": VideoLength(100, 10.0)}


def row(video: str, action: str, start: int, stop: int, agent: str = "mouse1") -> BoutRow:
    return BoutRow(video, agent, "self", action, start, stop)


TABLE = BoutTable(
    (
        row("a", "rear", 10, 20),
        row("a", "dig", 20, 50),
        row("a", "rear", 60, 90),
        row("b", "rear", 0, 40),
        row("b", "rear", 20, 60),
    ),
    LENGTHS,
)


def test_counts_durations_and_latencies() -> None:
    found = {(each.video, each.action): each for each in summaries(TABLE)}
    assert len(found) == 6, "every behaviour of every video, also where it has none"
    rear = found["a", "rear"]
    assert (rear.count, rear.total_s, rear.median_s, rear.longest_s, rear.latency_s, rear.share) == (
        2, 4.0, 2.0, 3.0, 1.0, 0.4,
    )  # fmt: skip
    overlapping = found["b", "rear"]
    assert (overlapping.count, overlapping.total_s) == (2, 6.0), "a frame of two bouts counts once"
    none = found["c", "dig"]
    assert (none.count, none.total_s, none.median_s, none.latency_s) == (0, 0.0, None, None)


def test_transitions() -> None:
    found = {(t.video, t.first, t.next): t.count for t in transitions(TABLE)}
    assert found == {("a", "rear", "dig"): 1, ("a", "dig", "rear"): 1, ("b", "rear", "rear"): 1}


def test_parts_add_up_to_the_whole() -> None:
    bins = time_bins(TABLE, 3.0)
    for each in summaries(TABLE):
        parts = [p for p in bins if (p.video, p.action) == (each.video, each.action)]
        assert sum(p.count for p in parts) == each.count
        assert sum(p.total_s for p in parts) == pytest.approx(each.total_s)
    assert [p.start_s for p in bins if (p.video, p.action) == ("a", "dig")] == [0.0, 3.0, 6.0, 9.0]
    with pytest.raises(DataError, match="million parts"):
        time_bins(TABLE, 1e-6)


def test_groups_average_animals_not_videos(tmp_path: Path) -> None:
    (tmp_path / "animals.csv").write_text(
        "video,animal,sex,drug\na,m1,f,saline\nb,m1,f,saline\nc,m2,m,saline\n"
    )
    by_sex = read_groups(tmp_path / "animals.csv")
    by_drug = read_groups(tmp_path / "animals.csv", "drug")
    assert (by_sex.column, by_drug.column) == ("sex", "drug")
    found = {(g.group, g.action, g.measure): g for g in group_summaries(summaries(TABLE), by_drug)}
    total = found["saline", "rear", "total_s"]
    assert (total.animals, total.mean) == (2, 2.5), "m1 has (4 + 6) / 2, m2 has 0"
    assert total.sd == pytest.approx(3.5355, abs=1e-4)
    latency = found["saline", "rear", "latency_s"]
    assert (latency.animals, latency.mean, latency.sd) == (1, 0.5, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("video\na\n", "'video' and one to group by"),
        ("film,group\na,x\n", "'video' and one to group by"),
        ("video,group\na,x\na,y\n", "line 3: video 'a' is there twice"),
        ("", "it has none"),
    ],
)
def test_a_table_that_is_none_of_animals(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "animals.csv").write_text(text)
    with pytest.raises(DataError) as error:
        read_groups(tmp_path / "animals.csv")
    assert words in str(error.value)


def test_a_video_outside_the_table_of_animals_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "animals.csv").write_text("video,group\na,x\n")
    with pytest.raises(DataError, match="'b' is not in the table of animals"):
        group_summaries(summaries(TABLE), read_groups(tmp_path / "animals.csv"))


def test_files_of_bouts(tmp_path: Path) -> None:
    (tmp_path / "p.bouts.csv").write_text(
        "video_id,class,start_frame,stop_frame,mean_probability\n7,rear,10,30,0.5\n"
    )
    (tmp_path / "s.csv").write_text(
        "row_id,video_id,agent_id,target_id,action,start_frame,stop_frame\n0,7,mouse1,self,rear,10,30\n"
    )
    classes = read_bout_file(tmp_path / "p.bouts.csv", {"7": VideoLength(60, 30.0)})
    actions = read_bout_file(tmp_path / "s.csv", None, frames_per_second=30.0)
    assert classes.rows == (BoutRow("7", "", "", "rear", 10, 30),)
    assert actions.rows == (BoutRow("7", "mouse1", "self", "rear", 10, 30),)
    assert actions.lengths == {"7": VideoLength(30, 30.0)}
    with pytest.raises(DataError, match="frames are not seconds"):
        read_bout_file(tmp_path / "s.csv", None)
    with pytest.raises(DataError, match="names video '7'"):
        read_bout_file(tmp_path / "s.csv", {"8": VideoLength(60, 30.0)})
    (tmp_path / "p.csv").write_text("video_id,video_frame,predicted_class\n7,0,rear\n")
    with pytest.raises(DataError, match=r"NAME\.bouts beside it"):
        read_bout_file(tmp_path / "p.csv", None, 30.0)


def test_a_real_folder(real_data: Path) -> None:
    found = summaries(annotated_bouts(real_data / "ethome"))
    assert [each.count for each in found] == [15, 29, 10, 8]
    assert sum(each.total_s for each in found) * 30 == pytest.approx(4092, abs=0.1)
