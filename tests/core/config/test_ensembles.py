"""Versions that are ensembles, and groups of versions."""

from pathlib import Path

import pytest

from core.config.decode import experiment_from
from core.config.experiment import EnsembleConfig, flatten, identity, to_table
from core.config.registry import Registry, load
from core.errors import ConfigError

TEXT = """
format = 1
[experiments.a]
[experiments.b]
extends = "a"
group = "pairs"
[experiments.c]
task = "actions"
[experiments.both]
extends = "b"
[experiments.both.ensemble]
members = ["a", "b"]
how = "stack"
[experiments.both-mean]
extends = "both"
[experiments.both-mean.ensemble]
how = "mean"
"""


def registry_of(folder: Path, text: str) -> Registry:
    path = folder / "experiments.toml"
    path.write_text(text)
    return load(path)


def test_members_and_group_are_read_inherited_and_written(tmp_path: Path) -> None:
    registry = registry_of(tmp_path, TEXT)
    both, mean = registry.experiment("both"), registry.experiment("both-mean")
    assert both.ensemble == EnsembleConfig(members=("a", "b"), how="stack")
    assert mean.ensemble == EnsembleConfig(members=("a", "b"), how="mean")
    assert (mean.group, registry.experiment("a").group) == ("pairs", None)
    assert experiment_from(to_table(both), str) == both
    rank = registry.experiment("both", ["ensemble.how=rank"]).ensemble
    assert rank is not None
    assert rank.how == "rank"


def test_a_group_is_no_setting_and_an_ensemble_is_one(tmp_path: Path) -> None:
    registry = registry_of(tmp_path, TEXT)
    a, b, both = (registry.experiment(name) for name in ("a", "b", "both"))
    assert identity(a) == identity(b) != identity(both)
    assert "ensemble" in flatten(a)
    assert "group" not in flatten(b)
    with pytest.raises(ConfigError, match="'group' describes a version"):
        registry.experiment("a", ["group=x"])


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ('["a", "d"]', r"experiments.toml:12: experiments.both.ensemble.members: no version 'd'"),
        ('["both"]', "an ensemble is not a member of itself"),
        ('["a", "c"]', "c learns another task, 'actions'; members are of one task"),
        ("[]", r"ensemble.members: \[\] is not"),
    ],
)
def test_members_that_cannot_be_are_refused(tmp_path: Path, members: str, said: str) -> None:
    registry = registry_of(tmp_path, TEXT.replace('["a", "b"]', members))
    with pytest.raises(ConfigError, match=said):
        registry.experiment("both")
