"""Loading what predicts a submission."""

import datetime as dt
from pathlib import Path

import pytest

from core.errors import ConfigError
from core.inference import pair_predictor
from core.inference.pair_predictor import load_pair_predictor
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment


def test_a_task_that_says_nothing_of_pairs_makes_no_submission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDir(tmp_path / "v6-20261201T000000-aaaa")
    now = dt.datetime.now(dt.UTC)
    experiment = BehaviourExperiment(name="v6")
    run.write_request(
        RunRequest(run=run.id, created=now, launcher="local", seed=1, experiment=experiment)
    )
    monkeypatch.setattr(pair_predictor, "load_predictor", lambda *_: object())
    with pytest.raises(ConfigError, match="its task 'behaviour' does not predict pairs of animals"):
        load_pair_predictor(run)
