"""Any input or file gives an experiment, or one line that says why not."""

import json
import tomllib
from pathlib import Path

import msgspec
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import registry
from core.config.experiment import flatten, to_table
from core.errors import UserError
from core.tasks.behaviour.settings import BehaviourExperiment
from tests.fuzz.refusal import require_one_line

FUZZ = settings.get_profile("fuzz")
REGISTRY = registry.load(registry.default_path())
SHIPPED = REGISTRY.path.read_text(encoding="utf-8")
KEYS = sorted(flatten(REGISTRY.experiment("v6")))
SPELLINGS = st.one_of(
    st.text(max_size=20),
    st.integers().map(str),
    st.integers(min_value=-(2**70), max_value=2**70).map(str),
    st.floats().map(str),
    st.sampled_from([".5", "1.", "-0", "1e400", "true", "none", '"none"', "[", "[[[1]]]", "{a=1}"]),
    st.integers(min_value=500, max_value=5000).map(lambda depth: "[" * depth),
    st.lists(st.integers() | st.text(max_size=5), max_size=4).map(json.dumps),
)


@FUZZ
@given(key=st.sampled_from(KEYS) | st.text(max_size=30), value=SPELLINGS)
def test_an_override_is_taken_or_refused_in_a_line(key: str, value: str) -> None:
    try:
        experiment = REGISTRY.experiment("v6", [f"{key}={value}"])
    except UserError as error:
        require_one_line(error)
        return
    # Accepted values can be saved and read back: by run.toml, and by the cache of a listing.
    assert (
        msgspec.msgpack.decode(msgspec.msgpack.encode(experiment), type=BehaviourExperiment)
        == experiment
    )
    table = tomllib.loads(tomli_w.dumps(to_table(experiment)))
    assert msgspec.convert(table, BehaviourExperiment) == experiment


@FUZZ
@given(
    at=st.integers(0, len(SHIPPED)),
    cut=st.integers(0, 40),
    put=st.binary(max_size=30) | st.text(max_size=30).map(str.encode) | SPELLINGS.map(str.encode),
)
def test_a_damaged_registry_is_read_or_refused_in_a_line(
    tmp_path_factory: pytest.TempPathFactory, at: int, cut: int, put: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.toml"
    path.write_bytes(SHIPPED[:at].encode() + put + SHIPPED[at + cut :].encode())
    try:
        read = registry.load(path)
    except UserError as error:
        require_one_line(error)
        return
    for version in read.versions:
        try:
            msgspec.msgpack.encode(read.experiment(version))
        except UserError as error:
            require_one_line(error)


@FUZZ
@given(content=st.binary(max_size=200))
def test_any_bytes_are_a_registry_or_none(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "bytes.toml"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        registry.load(path)
    require_one_line(error.value)
