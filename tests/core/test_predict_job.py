"""The program that predicts a submission on Kaggle, with models made up for the test."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from core.data.actions import ACTIONS
from core.data.competition import Video, read_bouts, read_tracking, read_videos
from core.data.keypoints import MARS_7
from core.errors import DataError
from core.evaluation.competition import score
from core.evaluation.pair_probabilities import PairProbabilities
from core.predict_job import main, predict_submission
from core.submission.bundle import NAME, Bundle, BundledFile
from core.submission.reading import read_submission, read_truth
from tests.competition_folder import competition_folder

Model = Callable[[Video], PairProbabilities]
Predict = Callable[..., None]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return competition_folder(tmp_path_factory.mktemp("competition") / "mice")


def truth_of(video: Video, high: float = 0.9, low: float = 0.1) -> PairProbabilities:
    """Return high probabilities where the annotations have an action."""
    labelled = next(
        v for v in read_videos(video.tracking_path.parents[2]) if v.video_id == video.video_id
    )
    frames = len(read_tracking(video, MARS_7, 4).positions)
    pairs = sorted({(each.agent, each.target) for each in video.behaviors})
    values = np.full((len(pairs), frames, len(ACTIONS)), np.nan, np.float32)
    for agent, target, action in video.behaviors:
        values[pairs.index((agent, target)), :, ACTIONS.index(action)] = low
    bouts = read_bouts(labelled)
    for number in range(len(bouts)):
        row = pairs.index((bouts.agent[number], bouts.target[number]))
        column = ACTIONS.index(bouts.action[number])
        values[row, bouts.start[number] : bouts.stop[number], column] = high
    agents, targets = np.array(pairs, np.int64).T
    rate = video.frames_per_second
    return PairProbabilities(video.video_id, video.lab_id, rate, agents, targets, ACTIONS, values)


def nothing(video: Video) -> PairProbabilities:
    return truth_of(video, high=0.1)


class Says:
    """A predictor that says what a function says."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def pair_probabilities(self, video: Video, tta: bool = False) -> PairProbabilities:
        return nothing(video) if tta else self._model(video)


@pytest.fixture
def bundle(tmp_path: Path) -> Callable[..., Path]:
    def make(*runs: str, seconds: float = 1e6, tta: bool = False) -> Path:
        folder = tmp_path / "bundle"
        folder.mkdir()
        files = []
        for run in dict.fromkeys(runs):
            (folder / f"{run}.toml").write_text(run)
            digest = hashlib.sha256(run.encode()).hexdigest()
            files.append(BundledFile(path=f"{run}/run.toml", file=f"{run}.toml", sha256=digest))
        table = Bundle(
            digest="abc",
            competition="mice",
            runs=runs,
            threshold=0.5,
            seconds=seconds,
            tta=tta,
            files=tuple(files),
        )
        (folder / NAME).write_bytes(msgspec.json.encode(table))
        return folder

    return make


@pytest.fixture
def predict(tmp_path: Path, data: Path, bundle: Callable[..., Path]) -> Callable[..., pd.DataFrame]:
    """Predict with models by name, and read what was written."""

    def predicted(
        *runs: str,
        seconds: float = 1e6,
        tta: bool = False,
        clock: Callable[[], float] = lambda: 0.0,
        **models: Model,
    ) -> pd.DataFrame:
        output = tmp_path / "submission.csv"
        folder = bundle(*runs, seconds=seconds, tta=tta)
        predict_submission(folder, data, output, lambda run, _: Says(models[run.id]), clock=clock)
        return read_submission(output)

    return predicted


def scored(data: Path, submission: pd.DataFrame) -> float:
    return score(read_truth(data).table, submission).score


def test_the_truth_scores_one(data: Path, predict: Callable[..., pd.DataFrame]) -> None:
    assert scored(data, predict("a", a=truth_of)) == 1.0


def test_who_finds_nothing_still_submits_a_valid_file(
    data: Path, predict: Callable[..., pd.DataFrame]
) -> None:
    submission = predict("a", a=nothing)
    assert len(submission) == 1
    assert scored(data, submission) < 0.1


def test_models_are_averaged_by_their_weight(
    data: Path, predict: Callable[..., pd.DataFrame]
) -> None:
    # 0.9 once and 0.1 twice: 0.37 is below the threshold of 0.5, whichever comes first
    assert len(predict("b", "a", "b", a=truth_of, b=nothing)) == 1


def test_views_are_asked_for(predict: Callable[..., pd.DataFrame]) -> None:
    assert len(predict("a", a=truth_of, tta=True)) == 1  # the views of these models find nothing


def test_a_model_that_fails_does_not_cost_what_is_written(
    data: Path, predict: Callable[..., pd.DataFrame], capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: Video) -> PairProbabilities:
        raise RuntimeError("CUDA out of memory")

    assert scored(data, predict("a", "b", a=truth_of, b=broken)) == 1.0
    assert "model 2 of 2 (b): RuntimeError: CUDA out of memory" in capsys.readouterr().out


def test_a_model_that_can_predict_nothing_does_not_stop_the_others(
    data: Path, predict: Callable[..., pd.DataFrame], capsys: pytest.CaptureFixture[str]
) -> None:
    def unable(_: Video) -> PairProbabilities:
        raise DataError("has no pix_per_cm_approx")

    assert scored(data, predict("a", "b", a=unable, b=truth_of)) == 1.0
    assert "model 1 of 2 (a): " in capsys.readouterr().out


def test_if_all_fail_there_is_no_file(predict: Callable[..., pd.DataFrame], tmp_path: Path) -> None:
    def broken(_: Video) -> PairProbabilities:
        raise RuntimeError("CUDA out of memory")

    with pytest.raises(DataError, match="RuntimeError: CUDA out of memory"):
        predict("a", a=broken)
    assert not (tmp_path / "submission.csv").exists()


def test_a_damaged_video_is_left_out(data: Path, predict: Callable[..., pd.DataFrame]) -> None:
    first = read_videos(data, "test")[0].video_id

    def choosy(video: Video) -> PairProbabilities:
        if video.video_id == first:
            raise DataError("damaged")
        return truth_of(video)

    submission = predict("a", a=choosy)
    assert first not in set(submission.video_id)
    assert 0 < scored(data, submission) < 1


def test_the_time_ends_it_with_what_there_is(
    data: Path, predict: Callable[..., pd.DataFrame]
) -> None:
    now = iter(range(100))  # each look takes a second: three videos of one model, one of the other
    seen: list[str] = []

    def other(video: Video) -> PairProbabilities:
        seen.append(video.video_id)
        return truth_of(video)

    submission = predict("a", "b", a=truth_of, b=other, seconds=6.0, clock=lambda: float(next(now)))
    assert len(seen) == 1
    assert scored(data, submission) == 1.0


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "a.toml").unlink(), "missing from the bundle"),
        (lambda folder: (folder / "a.toml").write_text("b"), "damaged"),
        (lambda folder: (folder / NAME).write_text("{}"), "not the table of a bundle"),
        (
            lambda folder: (folder / NAME).write_text(
                (folder / NAME).read_text().replace("a/run.toml", "../run.toml")
            ),
            "leads out of the folder",
        ),
    ],
)
def test_a_spoilt_bundle_is_one_line(
    bundle: Callable[..., Path],
    data: Path,
    tmp_path: Path,
    spoil: Callable[[Path], object],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = bundle("a")
    spoil(folder)
    output = tmp_path / "submission.csv"
    assert main([str(folder), "--data", str(data), "--output", str(output)]) == 1
    said = capsys.readouterr().out
    assert words in said
    assert said.count("\n") == 1
