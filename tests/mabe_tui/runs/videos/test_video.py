"""A validation video of a trained run: poses, truth and a checkpoint's predictions."""

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from core.data.competition import read_bouts, read_tracking, read_videos
from core.data.keypoints import SLOTS_18
from core.data.labels import ActionMap, frame_classes
from core.errors import CheckpointError, DataError, RunError
from core.evaluation.table import read_confusions
from core.inference.predictor import load_predictor
from core.run.records import Handle
from core.run.rundir import RunDir
from core.tasks.behaviour.inference.predictor import FramePredictor
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.videos.video import open_video, validation_scores
from mabe_tui.runs.videos.video_prediction import FOLDER, predict_video
from tests.mabe_tui.tiny_run import FRAMES, synthetic_folder, train


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    place = tmp_path_factory.mktemp("trained")
    return train(place / "home", synthetic_folder(place / "mice"))


@pytest.fixture
def entry(trained: RunDir, tmp_path: Path) -> RunEntry:
    """The run in a home of the test's own; its data are where they were."""
    shutil.copytree(trained.path.parents[1], tmp_path / "home")
    return RunEntry(RunDir(tmp_path / "home" / "runs" / trained.id))


def without_cache(entry: RunEntry) -> None:
    shutil.rmtree(entry.run.path.parents[1] / "cache")


def worst(entry: RunEntry) -> str:
    return validation_scores(entry.run)[0].video_id


def test_videos_come_worst_first(entry: RunEntry) -> None:
    scores = validation_scores(entry.run)
    values = [score.f1_macro_present for score in scores]
    assert values == sorted(values)
    table = read_confusions(entry.run.evaluation_table)
    assert {score.video_id for score in scores} == {*table.videos}
    assert all(score.frames == FRAMES for score in scores)
    first = scores[0]
    counts = table.counts[table.videos.index(first.video_id)]
    assert first.errors == counts.sum() - np.trace(counts)
    present = [value for value in first.f1.values() if value is not None]
    assert [value is not None for value in first.f1.values()] == (counts.sum(axis=1) > 0).tolist()
    assert first.f1_macro_present == pytest.approx(np.mean(present))


def test_poses_and_truth_are_those_of_the_source(entry: RunEntry) -> None:
    opened = open_video(entry, worst(entry))
    request = entry.require_request()
    source = next(v for v in read_videos(Path(str(request.data))) if v.video_id == opened.video_id)
    there = read_tracking(source, SLOTS_18, 4).positions
    np.testing.assert_array_equal(opened.positions, there)
    assert not opened.positions.flags.writeable
    actions = ActionMap(request.experiment.actions, request.experiment.classes)
    np.testing.assert_array_equal(opened.truth, frame_classes(read_bouts(source), FRAMES, actions))
    assert (opened.frames, opened.remark) == (FRAMES, None)


def test_the_answer_is_that_of_predict(entry: RunEntry) -> None:
    opened = open_video(entry, worst(entry))
    seen = predict_video(entry, opened)
    source = read_videos(Path(str(entry.require_request().data)))
    video = next(video for video in source if video.video_id == opened.video_id)
    predictor = load_predictor(entry.run, device="cpu")
    assert isinstance(predictor, FramePredictor)
    expected = predictor.predict_one(video)
    np.testing.assert_allclose(seen.probabilities, expected.probabilities, atol=1e-5)
    np.testing.assert_array_equal(seen.prediction, expected.classes)


def test_an_answer_is_computed_once_for_each_checkpoint(entry: RunEntry) -> None:
    opened, told = open_video(entry, worst(entry)), []
    first = predict_video(entry, opened, progress=lambda *words: told.append(words))
    assert told[-1][1:] == (FRAMES, "frames")
    told.clear()
    again = predict_video(entry, opened, progress=lambda *words: told.append(words))
    assert told == []
    np.testing.assert_array_equal(first.probabilities, again.probabilities)
    other = predict_video(entry, opened, "epoch-1")
    assert not np.array_equal(
        other.probabilities, predict_video(entry, opened, "epoch-2").probabilities
    )


def test_a_damaged_answer_is_computed_again(entry: RunEntry) -> None:
    opened = open_video(entry, worst(entry))
    first = predict_video(entry, opened)
    (kept,) = (entry.run.path.parents[1] / "cache" / FOLDER).glob("*.npy")
    kept.write_bytes(kept.read_bytes()[:100])
    np.testing.assert_array_equal(predict_video(entry, opened).probabilities, first.probabilities)


def test_errors_and_bouts_are_walked_through(entry: RunEntry) -> None:
    opened = open_video(entry, worst(entry))
    seen = predict_video(entry, opened)
    changed = np.zeros_like(seen.probabilities)
    prediction = opened.truth.copy()
    background = np.flatnonzero(opened.truth == 0)
    start = int(background[0])
    prediction[start] = 1
    changed[np.arange(FRAMES), prediction] = 1
    seen = type(seen)(opened, seen.epoch, changed)
    assert seen.errors.sum() == 1
    assert (seen.next_error(-1), seen.next_error(start)) == (start, None)
    assert (seen.previous_error(start), seen.previous_error(FRAMES)) == (None, start)
    starts, at = [], -1
    while (found := seen.next_bout(at)) is not None:
        starts.append(at := found)
    assert starts == sorted({*seen.truth_bouts.start, *seen.predicted_bouts.start})
    assert seen.previous_bout(starts[1]) == starts[0]


def test_facts_of_a_frame_name_everything(entry: RunEntry) -> None:
    opened = open_video(entry, worst(entry))
    facts = msgspec.json.decode(msgspec.json.encode(predict_video(entry, opened).facts(7)))
    assert facts["truth"] == opened.classes[opened.truth[7]]
    assert sum(facts["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert {*facts["positions"]} == {str(mouse) for mouse in opened.about.mouse_ids}
    for mouse, body in zip(facts["positions"].values(), opened.positions[7], strict=False):
        for name, point in zip(opened.slots, body, strict=True):
            assert mouse[name] == (None if np.isnan(point).any() else point.tolist())


def test_acts_of_a_frame_are_those_annotated(entry: RunEntry) -> None:
    opened = open_video(entry, worst(entry))
    source = read_videos(Path(str(entry.require_request().data)))
    bouts = read_bouts(next(video for video in source if video.video_id == opened.video_id))
    for frame in (int(bouts.start[0]), int(bouts.stop[0]) - 1, int(bouts.stop[0])):
        expected = {
            (bouts.action[i], bouts.agent[i], bouts.target[i])
            for i in range(len(bouts))
            if bouts.start[i] <= frame < bouts.stop[i]
        }
        assert {(a.action, a.agent, a.target) for a in opened.acts(frame)} == expected
    facts = msgspec.json.decode(
        msgspec.json.encode(predict_video(entry, opened).facts(int(bouts.start[0])))
    )
    assert {"action": bouts.action[0], "agent": bouts.agent[0], "target": bouts.target[0]} in facts[
        "acts"
    ]


def test_data_that_are_still_prepared_need_no_source(entry: RunEntry) -> None:
    gone = msgspec.structs.replace(entry.require_request(), data="/nowhere/mice")
    entry.run.write_request(gone)
    moved = RunEntry(entry.run)
    assert open_video(moved, worst(moved)).frames == FRAMES


def test_data_that_are_gone_are_asked_for(entry: RunEntry, tmp_path: Path) -> None:
    source = str(entry.require_request().data)
    entry.run.write_request(msgspec.structs.replace(entry.require_request(), data="/nowhere/mice"))
    without_cache(entry)
    moved = RunEntry(entry.run)
    with pytest.raises(DataError, match=r"/nowhere/mice\) are gone; name a folder .* with --data"):
        open_video(moved, worst(moved))
    opened = open_video(moved, worst(moved), Path(source))
    assert (opened.frames, opened.remark) == (FRAMES, None)


def test_data_of_a_run_elsewhere_are_asked_for(entry: RunEntry) -> None:
    there = msgspec.structs.replace(entry.require_request(), launcher="modal", data="/data/mice")
    entry.run.write_request(there)
    without_cache(entry)
    with pytest.raises(DataError, match=r"are on Modal; name a folder"):
        open_video(RunEntry(entry.run), worst(entry))


def test_other_labels_are_refused(entry: RunEntry, tmp_path: Path) -> None:
    folder = shutil.copytree(str(entry.require_request().data), tmp_path / "other")
    video_id = worst(entry)
    (annotation,) = folder.glob(f"train_annotation/*/{video_id}.parquet")
    others = [path for path in folder.glob("train_annotation/*/*.parquet") if path != annotation]
    shutil.copy(others[0], annotation)
    without_cache(entry)
    with pytest.raises(DataError, match=f"labels of {video_id} .* are not those"):
        open_video(entry, video_id, folder)


def test_data_that_changed_elsewhere_are_remarked_on(entry: RunEntry, tmp_path: Path) -> None:
    folder = shutil.copytree(str(entry.require_request().data), tmp_path / "other")
    known = validation_scores(entry.run)
    (annotation,) = folder.glob(f"train_annotation/*/{known[1].video_id}.parquet")
    (other,) = folder.glob(f"train_annotation/*/{known[0].video_id}.parquet")
    shutil.copy(other, annotation)
    opened = open_video(entry, known[0].video_id, folder)
    assert "not all as" in str(opened.remark)


def test_an_unknown_video_is_named_with_the_nearest(entry: RunEntry) -> None:
    with pytest.raises(DataError, match=f"no video '{worst(entry)}0'; did you mean"):
        open_video(entry, worst(entry) + "0")


def test_a_run_that_has_not_read_its_data_says_so(entry: RunEntry) -> None:
    entry.run.write_request(msgspec.structs.replace(entry.require_request(), resolved=None))
    with pytest.raises(RunError, match="ended before it had read its data"):
        open_video(RunEntry(entry.run), "x")


def test_a_checkpoint_that_was_not_pulled_is_asked_for(entry: RunEntry) -> None:
    opened = open_video(entry, worst(entry))
    pointer = entry.run.read_pointer("best")
    assert pointer is not None
    entry.run.write_handle(Handle(launcher="modal", attempt="0001-aaaa", reference={}))
    (entry.run.checkpoints / pointer.file).unlink()
    with pytest.raises(RunError, match=f"`mabe pull {entry.id} best` brings it"):
        predict_video(entry, opened)


def test_a_damaged_checkpoint_is_not_used(entry: RunEntry) -> None:
    opened = open_video(entry, worst(entry))
    pointer = entry.run.read_pointer("best")
    assert pointer is not None
    (entry.run.checkpoints / pointer.file).write_bytes(b"x")
    with pytest.raises(CheckpointError, match="damaged"):
        predict_video(entry, opened)
