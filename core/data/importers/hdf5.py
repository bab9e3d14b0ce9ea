"""Open HDF5 files of unknown origin."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import DataError, first_line

Group = Any
"""A group or file of h5py, which ships no types."""


@contextmanager
def hdf5(path: Path) -> Iterator[Group]:
    """Open a file for reading; errors of the library become one line.

    Raises:
        DataError: h5py is not installed, or the file is damaged or compressed in a way it cannot read.
    """
    try:
        import h5py
    except ImportError as error:
        raise DataError(
            f"{path}: reading HDF5 needs h5py; install it with pip install 'mabe[poses]'"
        ) from error
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError) as error:
        if "filter" in str(error):
            raise DataError(
                f"{path}: compressed with a filter that h5py lacks ({first_line(error)[:120]}); write it"
                " again without compression"
            ) from error
        raise DataError(f"{path}: cannot be read as HDF5 ({first_line(error)[:160]})") from error


def text(value: Any) -> str:
    """Return text stored as bytes, as a string, or as an array of one."""
    value = value[()] if hasattr(value, "shape") and hasattr(value, "file") else value
    if hasattr(value, "size") and not isinstance(value, bytes):
        value = value.item() if value.size == 1 else b""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def texts(dataset: Any) -> tuple[str, ...]:
    """Return a dataset of texts."""
    return tuple(text(value) for value in dataset[()])
