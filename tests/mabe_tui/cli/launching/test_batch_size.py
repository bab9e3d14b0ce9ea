"""The report of ``mabe batch-size`` on given probe results."""

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

from core.errors import ConfigError
from core.training.batch_size import Reading
from mabe_tui.cli.launching import batch_size

Mabe = Callable[..., Result]
GIB = 2**30


class PretendProbe:
    """A device on which 100 windows fit."""

    memory = 4 * GIB

    def __call__(self, size: int) -> Reading:
        fits = size <= 100
        problem = None if fits else "out of memory"
        return Reading(size=size, fits=fits, peak_bytes=size * 2**20, seconds=0.5, problem=problem)


@pytest.fixture
def pretend(invoke: Mabe, monkeypatch: pytest.MonkeyPatch) -> Mabe:
    monkeypatch.setattr(batch_size, "_probe", lambda *_: PretendProbe())
    return invoke


def test_gives_what_to_set_to_keep_the_effective_batch(pretend: Mabe) -> None:
    result = pretend("batch-size", "v6")
    assert result.stdout.splitlines() == [
        "largest batch: 96",
        "v6 updates on 384 windows: 4 × 96",
        "--set training.batch_size=96 --set training.accumulation_steps=4",
    ]
    assert "within 4.0 GiB (its own hardware is H100 with 80 GB)" in result.stderr
    assert "   128  does not fit: out of memory" in result.stderr


def test_what_is_given_can_be_set(pretend: Mabe) -> None:
    given = json.loads(pretend("batch-size", "v6", "--json").stdout)
    assert (given["largest"], given["effective"]) == (96, 384)
    words = [word for setting in given["settings"] for word in ("--set", setting)]
    again = json.loads(pretend("batch-size", "v6", *words, "--json").stdout)
    assert (again["effective"], again["settings"]) == (384, [])
    assert [reading["size"] for reading in given["readings"][:3]] == [8, 16, 32]


def test_what_fits_is_left_as_it_is(pretend: Mabe) -> None:
    lines = pretend("batch-size", "v2", "--most", "64").stdout.splitlines()
    assert lines == [
        "largest batch: 64 (the most that was to be tried)",
        "v2 updates on 64 windows, and that fits as it is",
    ]


def test_nothing_fits(pretend: Mabe, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: PretendProbe, size: int) -> Reading:
        return Reading(size=size, fits=False, problem="out of memory")

    monkeypatch.setattr(PretendProbe, "__call__", refuse)
    with pytest.raises(ConfigError, match=r"not even a batch of 8 fits in 4\.0 GiB"):
        pretend("batch-size", "v6")
