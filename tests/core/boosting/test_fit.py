"""A run of boosted models: one job after another, stopped and resumed, and what it leaves."""

import msgspec
import numpy as np
import pytest

from core.boosting.models import BoostedModels
from core.boosting.plan import BoostPlan
from core.boosting.reading import VideoReader
from core.boosting.sampling import Strides
from core.data.actions import ACTIONS
from core.data.competition import LabeledBehavior, read_videos
from core.evaluation.predictions import mean_of, read_predictions
from core.evaluation.stored_predictions import StoredPredictions
from core.evaluation.table import read_rows
from core.inference.predictor import load_predictor
from core.job import main
from core.run import places
from core.run.events import DataReady, Epoch, Finished, Resumed, Stopped
from core.tasks.actions.pair_rows import PairRows
from core.tasks.actions.predictions import kept_videos
from core.tasks.actions.rules import problems
from core.tasks.actions.scoring import score
from core.tasks.actions.settings import ActionsExperiment
from core.training.checkpoint import CheckpointStore
from tests.core.tasks.actions.walking_mice import MadeVideo, made

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def boosted(new_run, monkeypatch):
    """Create a run of a few small trees on a few short synthetic videos."""

    monkeypatch.setattr("core.boosting.plan.MOST_PARTS", 2)

    def make(name):
        table = {
            "name": "boosted",
            "task": "actions",
            "hardware": {"device": "cpu"},
            "data": {
                "source": "synthetic",
                "synthetic_videos": 3,
                "synthetic_frames": 300,
                "synthetic_labs": 1,
            },
            "model": {"name": "boost", "rounds": 4, "column_share": 0.05, "leaf_examples": 5},
            "training": {"epochs": 1, "warmup_epochs": 0, "keep_predictions": True},
        }
        return new_run(name, experiment=msgspec.convert(table, ActionsExperiment))

    return make


def result(run):
    """Return what must be equal between identical runs."""
    content = CheckpointStore(run).load("last").content
    return content["model"], content["input_spec"], read_rows(run.evaluation_of("last")).counts


def test_a_stopped_run_goes_on_with_the_next_model_and_ends_the_same(boosted, stop_after):
    whole, cut = boosted("whole"), boosted("cut")
    stop_after(10**9)
    assert main([str(whole.path)]) == 0
    models = whole.history().last(DataReady).steps_per_epoch
    stop_after(35)
    assert main([str(cut.path)]) == 0
    stopped = cut.history().last(Stopped).step
    assert 0 < stopped < models
    stop_after(10**9)
    assert main([str(cut.path)]) == 0
    assert cut.history().last(Resumed).step == stopped
    assert cut.history().last(Finished).step == models
    (texts, inputs, counts), (same_texts, same_inputs, same_counts) = result(whole), result(cut)
    assert len(texts) == models
    assert texts == same_texts
    assert inputs == same_inputs
    np.testing.assert_array_equal(counts, same_counts)
    assert cut.read_pointer("best") == cut.read_pointer("last")


def test_a_checkpoint_predicts_what_the_run_has_kept(boosted):
    run = boosted("predicted")
    assert main([str(run.path)]) == 0
    (kept,) = kept_videos(StoredPredictions([run.predictions]))
    values = kept.probabilities.values
    assert values.shape[1:] == (300, len(ACTIONS))
    np.testing.assert_array_equal(np.isnan(values), kept.labels < 0)
    assert np.nanmax(values) > 0.02

    predictor = load_predictor(run)
    cache = places.cache_of_run(run.path)
    (table,) = cache.glob("synthetic-*/train.csv")
    (video,) = [v for v in read_videos(table.parent) if v.video_id == kept.probabilities.video_id]
    found = predictor.pair_probabilities(video)
    np.testing.assert_array_equal(found.agents, kept.probabilities.agents)
    np.testing.assert_allclose(found.values, values, atol=1e-6)
    mirrored = predictor.pair_probabilities(video, tta=True).values
    assert 0 < np.nanmax(np.abs(mirrored - values)) < 0.5
    again = predictor.validate(run.read_request(), cache, lambda *_: None)
    metrics = run.history().last(Epoch).metrics
    assert again.metrics == metrics
    both = mean_of([read_predictions(run.predictions)] * 2, ["one", "other"])
    assert score(run.read_request().experiment, both).metrics() == pytest.approx(metrics)


def test_a_loss_cannot_be_monitored_because_none_is_measured() -> None:
    table = {"name": "x", "task": "actions", "model": {"name": "boost"}}
    assert not problems(msgspec.convert(table, ActionsExperiment))
    table["training"] = {"monitor": "loss"}
    ((key, sentence),) = problems(msgspec.convert(table, ActionsExperiment))
    assert key == "training.monitor"
    assert "no loss" in sentence


# ── what is fitted, and on what ───────────────────────────────────────────────────────────────


def test_rare_frames_are_taken_more_often_and_weights_sum_to_all_frames() -> None:
    rng = np.random.default_rng(0)
    labels = np.zeros((40_000, 3), np.bool_)
    labels[rng.random(len(labels)) < 0.4, 0] = True
    labels[1000:1060, 1] = True
    strides = Strides.of(labels.sum(axis=0), len(labels), most=3000, spacing=6)
    assert strides.of_action[0] > 6
    assert strides.of_action[1] == 1
    taken, weights = strides.frames(labels, phase=0.3)
    assert len(taken) < 3300
    assert labels[taken, 1].sum() == 60
    assert weights.sum() == pytest.approx(len(labels), rel=0.02)
    assert weights[labels[taken, 0]].sum() == pytest.approx(labels[:, 0].sum(), rel=0.05)


def test_a_lab_has_a_model_for_each_action_that_occurs_and_sees_what_it_tracks() -> None:
    listed = (
        LabeledBehavior(1, 2, "sniff"),
        LabeledBehavior(1, 1, "rear"),
        LabeledBehavior(1, 2, "mount"),
    )
    bouts = ((1, 2, "sniff", 10, 60), (1, 1, "rear", 70, 90), (1, 2, "mount", 60, 63))
    data = made([MadeVideo(120, bouts, behaviors=listed), MadeVideo(90, bouts, lab="other")])
    data.positions[:, :, 2:9] = np.nan
    rows = PairRows.of(data, (0, 1), ACTIONS)
    plan = BoostPlan(data, rows, ("lab",), rate=30.0)
    labels = {plan.label(table, action) for table in plan.tables for action in table.actions}
    assert labels == {"lab/sniff", "lab/rear"}  # 3 frames of mount are too few
    assert plan.models == 2
    assert plan.parts["lab"][:2] == ("nose", "tail_base")
    assert not {"ear_right", "neck", "hip_left"} & set(plan.parts["lab"])
    pairs = next(table for table in plan.tables if table.is_pair)
    table = plan.read(pairs, most=1000, seed=0)
    assert table.features.shape == (len(table.weights), len(plan.features(pairs).names))
    assert table.weights.sum() == pytest.approx(120, rel=0.1)
    assert table.labels[:, ACTIONS.index("sniff")].any()
    data.positions[:] = np.nan
    assert BoostPlan(data, rows, ("lab",), rate=30.0).models == 0  # nothing is tracked


def test_positions_are_read_in_cm_at_the_models_rate_with_the_agent_first() -> None:
    positions = np.arange(10, dtype=np.float32)[:, None, None, None] + np.zeros((1, 4, 18, 2))
    positions += np.arange(4)[None, :, None, None] * 100
    video = VideoReader(positions.astype(np.float32), mice=3, pixels_per_cm=2.0, ratio=2.0)
    assert video.frames == 5
    pair = video.row(1, 0)(1, 3)[:, :, 0, 0]
    np.testing.assert_allclose(pair, [[51, 1], [52, 2]])
    alone = video.row(1, 1)(0, 1)[0, :, 0, 0]
    np.testing.assert_allclose(alone, [50, 0, 100])


def test_an_action_without_a_model_has_probability_0() -> None:
    models = BoostedModels({}, {"lab": ("nose", "tail_base")}, ACTIONS, 30.0)
    asked = np.ones(len(ACTIONS), np.bool_)
    read = VideoReader(np.zeros((5, 4, 18, 2), np.float32), 2, 10.0, 1.0).row(0, 1)
    assert not models.answers("lab", True, asked, read, 5).any()
    again = BoostedModels.of_checkpoint(models.input_table(), {})
    assert again.input_table() == models.input_table()
