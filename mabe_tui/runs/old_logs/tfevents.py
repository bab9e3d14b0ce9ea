"""Read TensorBoard's event files: scalars, of any writer.

A file is a sequence of records: length (8 bytes), checksum of the length (4), an ``Event`` as a protocol
buffer, checksum of that (4); see TensorFlow's ``record_writer.h`` and ``event.proto``.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import DataError, RunError
from mabe_tui.runs.old_logs.series import MetricSeries, SeriesCollector

MARK = "tfevents"
_HEAD, _FOOT = struct.Struct("<QI"), struct.Struct("<I")
LARGEST = 256 << 20
"""Bytes of the largest record."""
CHECKED = 1 << 16
"""Records up to this size, which all scalars have, are checked against their checksum."""
_NUMBERS = ("float_val", "double_val", "half_val", "int_val", "int64_val")


def read_tfevents(path: Path) -> list[MetricSeries]:
    """Read the scalars of an event file, or of all event files of a folder in the order of their names.

    What a restarted training wrote again counts instead of what it had written from that step on. An
    incomplete record at the end of a file, which may still be written, is left out.

    Raises:
        DataError: a file is damaged, or there are no scalars; or a folder has those of several runs.
        RunError: tensorboardX is not installed.
    """
    event_type = _event_type()
    collector = SeriesCollector(path)
    for file in _files(path):
        for content in _records(file):
            try:
                event = event_type.FromString(content)
            except Exception as error:  # protobuf's own, which is not declared as part of its API
                raise DataError(f"{file}: damaged: a record is not an event ({error})") from error
            if event.HasField("session_log") and event.session_log.status == 1:  # START
                collector.drop_from(event.step)
            for value in event.summary.value:
                if (number := _number(value)) is not None:
                    collector.add(value.tag, event.step, event.wall_time, number)
    return collector.found()


def _event_type() -> Any:
    try:
        from tensorboardX.proto.event_pb2 import Event
    except ImportError as error:
        raise RunError(
            "TensorBoard's files need tensorboardX, which is not installed;"
            " `pip install 'mabe[tensorboard]'`"
        ) from error
    return Event


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.rglob(f"*{MARK}*") if file.is_file())
    folders = sorted({file.parent for file in files})
    if not files:
        raise DataError(f"{path}: has no event files (*{MARK}*)")
    if len(folders) > 1:
        shown = ", ".join(str(folder) for folder in folders[:3])
        raise DataError(f"{path}: has {len(folders)} runs ({shown}, …); name the folder of one")
    return files


def _records(file: Path) -> Iterator[bytes]:
    from tensorboardX.crc32c import crc32c

    def checksum(content: bytes) -> int:
        plain = int(crc32c(content))
        return ((plain >> 15 | plain << 17) + 0xA282EAD8) & 0xFFFFFFFF

    try:
        with file.open("rb") as source:
            while len(head := source.read(_HEAD.size)) == _HEAD.size:
                length, check = _HEAD.unpack(head)
                if length > LARGEST or checksum(head[:8]) != check:
                    raise DataError(
                        f"{file}: not an event file, or damaged at byte {source.tell() - len(head)}"
                    )
                content, foot = source.read(length), source.read(_FOOT.size)
                if len(content) < length or len(foot) < _FOOT.size:
                    return
                if length <= CHECKED and checksum(content) != _FOOT.unpack(foot)[0]:
                    raise DataError(f"{file}: damaged at byte {source.tell() - length}")
                yield content
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror or error})") from error


def _number(value: Any) -> float | None:
    """Return a summary's number, of TensorFlow 1 or 2; ``None`` if it is a text, a picture or the like."""
    if value.HasField("simple_value"):
        return float(value.simple_value)
    if not value.HasField("tensor"):
        return None
    tensor = value.tensor
    for field in _NUMBERS:
        numbers = getattr(tensor, field)
        if len(numbers) == 1:
            return float(numbers[0])
    form = {1: "<f", 2: "<d", 3: "<i", 9: "<q"}.get(tensor.dtype)
    if form is None or len(tensor.tensor_content) != struct.calcsize(form):
        return None
    return float(struct.unpack(form, tensor.tensor_content)[0])
