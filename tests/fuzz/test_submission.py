"""Random model outputs of random videos become submissions that the metric accepts."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.submission.random_videos import write_and_score


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "submission.csv"


@settings(settings.get_profile("fuzz"))
@given(st.integers(1_000, 2**32))
def test_a_random_output_is_never_rejected(path: Path, seed: int) -> None:
    write_and_score(seed, path)
