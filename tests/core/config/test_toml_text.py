"""TOML files as users save them: with byte-order marks, nested too deeply, too large."""

import codecs
from pathlib import Path

import pytest

from core.config.registry import load
from core.config.toml_text import DEEPEST, TomlError, decode_toml, parse_toml
from core.errors import ConfigError, RunError
from core.run.rundir import RunDir

SOUND = "[experiments.a]\ntitle = 'é'\n"


@pytest.mark.parametrize("text", [SOUND, SOUND.replace("\n", "\r\n")])
def test_a_byte_order_mark_is_passed_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "experiments.toml"
    path.write_bytes(codecs.BOM_UTF8 + text.encode())
    assert load(path).experiment("a").title == "é"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (SOUND.encode("utf-16"), r"toml: not valid TOML: it is UTF-16 text, and TOML is UTF-8"),
        (SOUND.encode("latin-1"), r"toml:2: not valid TOML: byte 0xe9 is not UTF-8"),
        (SOUND.encode() + b"x = " + b"[" * 2000 + b"]" * 2000, r"toml: .*nested too deeply"),
        (SOUND.encode() + b"x = " + b"[" * 90 + b"]" * 90, r"toml.*\.x.*nested too deeply"),
        (SOUND.encode() + b".".join([b"x"] * 3000) + b" = 1", r"nested too deeply"),
        (SOUND.encode() + b"x = " + b"9" * 9999, "Exceeds the limit"),
        (
            SOUND.encode() + b"training.seed = 18446744073709551616",
            r"toml:3: .*training\.seed: 18446744073709551616 is out of range; .* from -2⁶³ to 2⁶³ - 1$",
        ),
        (
            SOUND.encode() + b"x = [[1, -9223372036854775809]]",
            r"experiments\.a\.x\[0\]\[1\]: -9223",
        ),
        (SOUND.encode() + b"x = 0x" + b"f" * 2000, r"a number of 8000 bits is out of range"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_one_line(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "experiments.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=said) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300 + len(str(path))


def test_what_tells_nothing_wrong_is_read_as_it_is() -> None:
    deep = "x = " + "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1)
    assert parse_toml(deep)["x"] == parse_toml(deep)["x"] != []
    assert parse_toml("x = 9223372036854775807")["x"] == 2**63 - 1
    assert decode_toml(b"a = 1\r\n") == "a = 1\n"
    with pytest.raises(TomlError, match="the end, line 1"):
        parse_toml("x = ")


def test_a_run_that_holds_such_a_number_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text("format = 1\nseed = 18446744073709551616\n")
    with pytest.raises(RunError, match=r"run\.toml: cannot be read \(seed: 18446744073709551616"):
        RunDir(tmp_path).read_request()
