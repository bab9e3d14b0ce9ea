"""Read the history of a Weights & Biases run from its local file, ``run-….wandb``.

The file is a log in LevelDB's form: a head of seven bytes, then blocks of 32 KiB with records of checksum
(4 bytes), length (2) and type (1: whole, 2: first, 3: middle, 4: last), each a protocol buffer ``Record``.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import DataError, RunError
from mabe_tui.runs.old_logs.series import MetricSeries, SeriesCollector

SUFFIX = ".wandb"
MAGIC = b":W&B"
HEAD_BYTES, BLOCK_BYTES = 7, 1 << 15
_HEAD = struct.Struct("<IHB")
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4
INTERNAL = "_wandb"


def read_wandb(path: Path) -> list[MetricSeries]:
    """Read what was logged, from a ``.wandb`` file or the folder of a run.

    An incomplete record at the end, which may still be written, is left out.

    Raises:
        DataError: it is not such a file, is damaged, or has no numbers.
        RunError: wandb is not installed.
    """
    file = _file(path)
    record_type, collector = _record_type(), SeriesCollector(path)
    number = 0
    for content in _records(file):
        try:
            record = record_type.FromString(content)
        except Exception as error:  # protobuf's own, which is not declared as part of its API
            raise DataError(f"{file}: damaged: a record cannot be read ({error})") from error
        if record.WhichOneof("record_type") == "history":
            collector.add_row(_numbers(record.history.item), number)
            number += 1
    return collector.found()


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    files = sorted(path.glob(f"*{SUFFIX}"))
    if len(files) != 1:
        raise DataError(f"{path}: has {len(files)} files *{SUFFIX}, not one; name the run's folder")
    return files[0]


def _record_type() -> Any:
    try:
        from wandb.proto.wandb_internal_pb2 import Record
    except ImportError as error:
        raise RunError(
            "files of Weights & Biases need its package wandb, which is not installed;"
            " `pip install 'mabe[wandb]'`"
        ) from error
    return Record


def _records(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as source:
            if not source.read(HEAD_BYTES).startswith(MAGIC):
                raise DataError(f"{file}: not a file of Weights & Biases")
            joined = b""
            while True:
                left = BLOCK_BYTES - source.tell() % BLOCK_BYTES
                if left < _HEAD.size:
                    source.read(left)
                head = source.read(_HEAD.size)
                if len(head) < _HEAD.size:
                    return
                check, length, kind = _HEAD.unpack(head)
                content = source.read(length)
                if len(content) < length:
                    return
                if kind not in (WHOLE, FIRST, MIDDLE, LAST) or not _is_sound(content, kind, check):
                    raise DataError(f"{file}: damaged at byte {source.tell() - length}")
                joined = content if kind in (WHOLE, FIRST) else joined + content
                if kind in (WHOLE, LAST):
                    yield joined
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror or error})") from error


def _is_sound(content: bytes, kind: int, check: int) -> bool:
    return zlib.crc32(content, zlib.crc32(bytes([kind]))) == check


def _numbers(items: Any) -> Iterator[tuple[str, float]]:
    for item in items:
        name = item.key or ".".join(item.nested_key)
        if name.startswith(INTERNAL):
            continue
        try:
            value = json.loads(item.value_json)
        except ValueError:
            continue
        if isinstance(value, str) and value in ("NaN", "Infinity", "-Infinity"):
            value = float(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield name, float(value)
