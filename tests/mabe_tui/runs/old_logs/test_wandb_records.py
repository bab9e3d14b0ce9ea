"""The records of a ``.wandb`` file, which need no package to be found."""

import struct
import zlib
from pathlib import Path

import pytest

from core.errors import DataError
from mabe_tui.runs.old_logs.wandb_log import BLOCK_BYTES, _records

HEAD = struct.Struct("<IHB")


def written(path: Path, contents: list[bytes]) -> Path:
    """Write records as LevelDB's log writer does."""
    file = bytearray(b":W&B\xe1\xbe\x00")
    for content in contents:
        first, rest = True, content
        while first or rest:
            left = BLOCK_BYTES - len(file) % BLOCK_BYTES
            if left < HEAD.size:
                file += bytes(left)
                left = BLOCK_BYTES
            part, rest = rest[: left - HEAD.size], rest[left - HEAD.size :]
            kind = (1 if first else 4) if not rest else (2 if first else 3)
            check = zlib.crc32(part, zlib.crc32(bytes([kind])))
            file += HEAD.pack(check, len(part), kind) + part
            first = False
    path.write_bytes(file)
    return path


CONTENTS = [b"a", b"b" * 100, b"c" * (3 * BLOCK_BYTES), b"", b"d" * (BLOCK_BYTES - 20), b"e" * 50]


def test_records_over_several_blocks_are_joined(tmp_path: Path) -> None:
    assert [*_records(written(tmp_path / "x.wandb", CONTENTS))] == CONTENTS


def test_an_incomplete_record_at_the_end_is_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "x.wandb", CONTENTS)
    path.write_bytes(path.read_bytes()[:-1])
    assert [*_records(path)] == CONTENTS[:-1]


def test_damage_is_told_with_its_place(tmp_path: Path) -> None:
    path = written(tmp_path / "x.wandb", CONTENTS)
    content = bytearray(path.read_bytes())
    content[30] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.wandb: damaged at byte \d+"):
        [*_records(path)]
    path.write_bytes(b"something else")
    with pytest.raises(DataError, match="not a file of Weights & Biases"):
        [*_records(path)]
