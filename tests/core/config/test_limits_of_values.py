"""Every number of an experiment has a range, checked before anything is launched or rented."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import msgspec
import pytest

from core.config.overrides import parse_override
from core.config.registry import Registry, load
from core.config.strict import field_type, struct_of, without_none
from core.data.synthetic import SyntheticSettings
from core.errors import ConfigError
from core.tasks.behaviour.settings import BehaviourExperiment

NOT_SET = ("reported", "tune")


def numbers(kind: type[msgspec.Struct], prefix: str = "") -> Iterator[str]:
    """Name the key paths of all settings that are numbers, or arrays of them."""
    for field in msgspec.structs.fields(kind):
        path = f"{prefix}{field.name}"
        if (inner := struct_of(field.type)) is not None and path not in NOT_SET:
            yield from numbers(inner, f"{path}.")
        elif base_of(item_of(path)) in (int, float):
            yield path


def item_of(path: str) -> Any:
    kind = without_none(field_type(BehaviourExperiment, path))
    return get_args(kind)[0] if get_origin(kind) is tuple else kind


def base_of(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


NUMBERS = sorted(numbers(BehaviourExperiment))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    path = tmp_path_factory.mktemp("registry") / "experiments.toml"
    path.write_text("[experiments.a]\n")
    return load(path)


def test_every_number_has_a_lowest_and_a_highest_value() -> None:
    assert len(NUMBERS) > 40
    for path in NUMBERS:
        marks = get_args(item_of(path))[1:]
        names = ("ge", "gt", "le", "lt")
        bounds = {name for mark in marks for name in names if getattr(mark, name) is not None}
        assert bounds & {"ge", "gt"}, path
        assert bounds & {"le", "lt"}, path


@pytest.mark.parametrize("path", NUMBERS)
def test_no_number_beyond_its_range_gets_through(registry: Registry, path: str) -> None:
    array = get_origin(without_none(field_type(BehaviourExperiment, path))) is tuple
    for value in ("-1", "1e12", "1000000000000000000000", "nan", "inf", "-inf", "1e999"):
        if path.endswith("seed") and value == "1e12":
            continue
        text = f"{path}=[{value}]" if array else f"{path}={value}"
        with pytest.raises(ConfigError, match=path.replace(".", r"\.")) as caught:
            registry.experiment("a", [text])
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [(".001", 0.001), ("1.", 1.0), ("+.5", 0.5), ("1.e-3", 0.001), ("2e-3", 0.002), (" 3 ", 3)],
)
def test_numbers_are_read_as_most_languages_spell_them(text: str, value: float) -> None:
    key = "training.learning_rate"
    assert parse_override(f"{key}={text}", BehaviourExperiment) == (
        key,
        {"training": {"learning_rate": value}},
    )


def test_spellings_in_arrays_and_ranges_are_read_too() -> None:
    assert parse_override("a.b=[.1, 1., 2]", BehaviourExperiment) == (
        "a.b",
        {"a": {"b": [0.1, 1.0, 2]}},
    )
    assert parse_override("a={low=.1, high=1.}", BehaviourExperiment) == (
        "a",
        {"a": {"low": 0.1, "high": 1.0}},
    )


@pytest.mark.parametrize("text", ["v1.", "a.5", "f1.x", "1.2.3", "x\ny = 1"])
def test_texts_stay_texts(text: str) -> None:
    assert parse_override(f"a={text}", BehaviourExperiment) == ("a", {"a": text})


@pytest.mark.parametrize("path", ["title", "notes.why"])
def test_texts_have_a_length(tmp_path: Path, path: str) -> None:
    file = tmp_path / "experiments.toml"
    file.write_text(f"[experiments.a]\n{path} = '{'x' * 5000}'\n")
    with pytest.raises(
        ConfigError, match=r"toml:2: .*…? is not a text of up to \d+ char"
    ) as caught:
        load(file).experiment("a")
    assert len(str(caught.value)) < 200 + len(str(file))


def test_what_the_simulator_refuses_is_refused_before_a_run(registry: Registry) -> None:
    with pytest.raises(
        ConfigError, match=r"^--set data\.mice: synthetic videos have 2 mice at least"
    ):
        registry.experiment("a", ["data.mice=1"])
    assert registry.experiment("a", ["data.mice=1", "data.source=competition"]).data.mice == 1
    for edge in ("synthetic_videos", "synthetic_frames", "frames_per_second"):
        for mark in get_args(item_of(f"data.{edge}"))[1:]:
            for bound in filter(None, (mark.ge, mark.le)):
                data = registry.experiment("a", [f"data.{edge}={bound}"]).data
                SyntheticSettings(
                    videos=data.synthetic_videos,
                    frames=data.synthetic_frames,
                    mice=data.mice,
                    keypoints=data.keypoints,
                    fps=data.frames_per_second,
                )
