import pytest

from core.data.synthetic import SyntheticSettings, synthesise
from core.errors import DataError
from core.tasks.behaviour.build import open_data
from core.tasks.behaviour.settings import BehaviourDataConfig, BehaviourExperiment

SMALL = BehaviourExperiment(
    name="v1", data=BehaviourDataConfig(synthetic_videos=2, synthetic_frames=200)
)


def test_synthetic_data_are_made_once(tmp_path):
    told = []

    def progress(*seen):
        told.append(seen)

    first = open_data(SMALL, None, tmp_path, progress)
    assert {what for _, _, what in told} == {"videos simulated", "videos prepared"}
    told.clear()
    second = open_data(SMALL, None, tmp_path, progress)
    assert "videos simulated" not in {what for _, _, what in told}
    assert first.fingerprint == second.fingerprint
    assert [video.frames for video in second.videos] == [200, 200]


def test_other_settings_make_other_data(tmp_path):
    longer = BehaviourExperiment(
        name="v1", data=BehaviourDataConfig(synthetic_videos=2, synthetic_frames=210)
    )
    prints = {open_data(e, None, tmp_path, lambda *_: None).fingerprint for e in (SMALL, longer)}
    assert len(prints) == 2


def test_a_data_folder_is_taken_whatever_the_source(tmp_path):
    synthesise(tmp_path / "data", SyntheticSettings(videos=3, frames=120), workers=1)
    data = open_data(SMALL, str(tmp_path / "data"), tmp_path / "cache", lambda *_: None)
    assert [video.frames for video in data.videos] == [120] * 3
    assert not list((tmp_path / "cache").glob("synthetic-*"))


def test_competition_data_must_be_named(tmp_path):
    experiment = BehaviourExperiment(name="v5", data=BehaviourDataConfig(source="competition"))
    with pytest.raises(DataError, match=r"v5 .*--data"):
        open_data(experiment, None, tmp_path, lambda *_: None)


def test_a_cache_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(DataError, match="MABE_CACHE"):
        open_data(SMALL, None, tmp_path / "cache", lambda *_: None)
