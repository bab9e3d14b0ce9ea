"""Only differences beyond the variance of videos and seeds count as significant."""

from pathlib import Path

import pytest

from mabe_tui.runs.comparison import version_tables
from mabe_tui.runs.comparison.told_apart import Distinctions, repeats_of
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.cells import spell_delta
from mabe_tui.runs.listing.measured import measured_run, measured_version
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.store import RunStore
from tests.recorded import Recording, write


def runs(version: str, skills: dict[int, float]) -> list[Recording]:
    return [
        Recording(
            version=version, name=f"{version}a{seed}", seed=seed, skill=skill, steps=1, hours=seed
        )
        for seed, skill in skills.items()
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """v6 is no better than v5; v7 is."""
    home = tmp_path_factory.mktemp("home")
    for recording in (
        *runs("v5", {1: 0.72, 2: 0.78, 3: 0.75}),
        *runs("v6", {1: 0.73, 2: 0.77, 3: 0.76}),
        *runs("v7", {1: 0.91, 2: 0.95, 3: 0.93}),
    ):
        write(home, recording)
    return home


@pytest.fixture(scope="module")
def records(home: Path) -> list[RunRecord]:
    return Catalog(RunStore(home)).records()


def test_a_version_is_told_apart_only_where_it_differs(
    home: Path, records: list[RunRecord]
) -> None:
    distinctions = Distinctions(home / "runs")
    v5, v6, _ = every = [measured_version(name, records) for name in ("v5", "v6", "v7")]
    assert distinctions.known("v7", v5) is None
    assert distinctions.find(every, v5, records)
    assert distinctions.known("v7", v5) is True
    assert distinctions.known("v6", v5) is False
    assert distinctions.known("v5", v5) is None  # itself
    assert not distinctions.find(every, v5, records)  # nothing new
    assert distinctions.known("v7", v6) is None  # another baseline


def test_of_single_runs_without_a_known_spread_nothing_is_said(
    home: Path, records: list[RunRecord]
) -> None:
    v5 = measured_run(next(r for r in records if r.summary.version == "v5"))
    v7 = measured_run(next(r for r in records if r.summary.version == "v7"))
    alone = [record for record in records if record.id in (v5.name, v7.name)]
    distinctions = Distinctions(home / "runs")
    assert not distinctions.find([v7], v5, alone)
    assert distinctions.known(v7.name, v5) is None
    # The other seeds of both show how far seeds spread.
    again = Distinctions(home / "runs")
    assert again.find([v7], v5, records)
    assert again.known(v7.name, v5) is True


def test_a_run_is_repeated_by_other_seeds_of_the_same_settings(records: list[RunRecord]) -> None:
    repeats = repeats_of(records)
    v5 = [record.id for record in records if record.summary.version == "v5"]
    assert [sorted(repeats[run]) for run in v5] == [sorted(v5)] * 3


def test_a_table_that_is_gone_tells_nothing(
    home: Path, records: list[RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    v5, v7 = measured_version("v5", records), measured_version("v7", records)
    distinctions = Distinctions(home / "elsewhere")
    assert not distinctions.find([v7], v5, records)
    assert distinctions.known("v7", v5) is None


def test_tables_are_read_once(
    home: Path, records: list[RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    v5, v7 = measured_version("v5", records), measured_version("v7", records)
    distinctions = Distinctions(home / "runs")
    distinctions.find([v7], v5, records)
    monkeypatch.setattr(version_tables, "compare_tables_of_versions", None)  # called: an error
    assert not distinctions.find([v7], v5, records)


@pytest.mark.parametrize(
    ("delta", "told_apart", "spelled"),
    [
        (0.0123, True, "+0.0123"),
        (-0.0123, True, "−0.0123"),
        (0.0123, False, "~+0.0123"),
        (0.0123, None, "~+0.0123"),
        (0.0, None, "+0.0000"),
        (None, None, None),
    ],
)
def test_a_difference_that_may_be_luck_has_a_mark(
    delta: float | None, told_apart: bool | None, spelled: str | None
) -> None:
    assert spell_delta(delta, told_apart) == spelled
