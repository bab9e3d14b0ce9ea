"""Learning the actions of videos that nobody has labelled."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from core.data.competition import Video, read_tracking
from core.data.keypoints import SLOTS_18
from core.data.synthetic import SyntheticSettings, synthesise
from core.errors import ConfigError, DataError
from core.evaluation.pair_probabilities import PairProbabilities
from core.run.request import RunRequest
from core.tasks.actions.build import open_data
from core.tasks.actions.pair_rows import annotated_actions
from core.tasks.actions.spec import labels
from core.tasks.actions.task import ActionsTask
from core.tasks.pseudo_labels import EvenlySpread
from mabe_tui.runs.launching.run_requests import new_request
from tests.core.tasks.actions.walking_mice import experiment

CPU = torch.device("cpu")
EXPERIMENT = experiment(
    data={
        "source": "competition",
        "window": 32,
        "validation_videos": None,
        "validation_fraction": 0.3,
    },
    training={"pseudo_labels": "x", "pseudo_share": 0.5, "batch_size": 4, "windows_per_epoch": 16},
)
ACTIONS = labels(EXPERIMENT)


class Says:
    """Gives an action of a pair a probability by its place."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def pair_probabilities(self, video: Video) -> PairProbabilities:
        self.asked.append(video.video_id)
        frames = read_tracking(video, SLOTS_18, 4).frames
        pairs = annotated_actions(video.behaviors, {name: n for n, name in enumerate(ACTIONS)})
        values = np.full((len(pairs), frames, len(ACTIONS)), np.nan, np.float32)
        for place, mask in enumerate(pairs.values()):
            values[place][:, mask] = np.flatnonzero(mask) / 100
        agents, targets = np.array([*pairs], np.int64).T
        return PairProbabilities(
            video.video_id, video.lab_id, video.frames_per_second, agents, targets, ACTIONS, values
        )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four videos, of which one has lost its annotation."""
    folder = tmp_path_factory.mktemp("data") / "mice"
    settings = SyntheticSettings(videos=4, frames=200, mice=2, keypoints="mabe18", fps=25.0)
    synthesise(folder, settings, workers=1)
    min((folder / "train_annotation").rglob("*.parquet")).unlink()
    return folder


@pytest.fixture
def learning(data: Path, tmp_path: Path) -> Callable[[Says], ActionsTask]:
    def make(says: Says) -> ActionsTask:
        found = open_data(EXPERIMENT, str(data), tmp_path, lambda *_: None)
        task = ActionsTask(EXPERIMENT, found.prepared, found.sexes, CPU, 1)
        task.learn_pseudo_labels(says, "k", asked(data), tmp_path, lambda *_: None)  # type: ignore[arg-type]
        return task

    return make


def asked(data: Path | None) -> RunRequest:
    return new_request(EXPERIMENT, "local", data=data)


def test_the_targets_are_what_the_run_says_of_whitelisted_actions(
    learning: Callable[[Says], ActionsTask],
) -> None:
    task = learning(Says())
    batches = [*task.train_batches(1)]
    soft = [batch for batch in batches if batch.targets.is_floating_point()]
    assert (len(batches), len(soft)) == (8, 4)
    for batch in soft:
        assert batch.mask.any(dim=1).all()
        expected = torch.arange(len(ACTIONS)) / 100 * batch.mask
        inside = batch.weights > 0
        torch.testing.assert_close(
            batch.targets[inside], expected[:, None].expand_as(batch.targets)[inside]
        )
        loss = task.loss(torch.zeros(batch.targets.shape), batch)
        assert torch.isfinite(loss.total)
    assert [each.code for each in task.summary.warnings][-1] == "pseudo_labels"


def test_any_batch_can_be_resumed_at_and_answers_are_kept(
    learning: Callable[[Says], ActionsTask],
) -> None:
    first = Says()
    task = learning(first)
    assert len(first.asked) == 1

    def told(each: ActionsTask, skip: int = 0) -> list[float]:
        return [
            (batch.targets.double().sum() + batch.inputs["features"].nan_to_num().double().sum()).item()
            for batch in each.train_batches(2, skip)
        ]  # fmt: skip

    whole = told(task)
    assert told(task, 3) == whole[3:]
    second = Says()
    assert told(learning(second)) == whole
    assert second.asked == []


def test_unlabelled_batches_are_evenly_spread() -> None:
    spread = EvenlySpread.of(6, 0.25)
    places = [spread.place(number) for number in range(8)]
    assert [soft for soft, _ in places] == [False, False, False, True] * 2
    assert [n for soft, n in places if not soft] == list(range(6))
    assert [n for soft, n in places if soft] == [0, 1]


def test_what_cannot_be_is_told_in_one_line(data: Path, tmp_path: Path) -> None:
    found = open_data(EXPERIMENT, str(data), tmp_path, lambda *_: None)
    task = ActionsTask(EXPERIMENT, found.prepared, found.sexes, CPU, 1)
    with pytest.raises(ConfigError, match="takes a run of the same task"):
        task.learn_pseudo_labels(object(), "k", asked(data), tmp_path, lambda *_: None)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"synthetic data: .* there is none"):
        task.learn_pseudo_labels(Says(), "k", asked(None), tmp_path, lambda *_: None)  # type: ignore[arg-type]
