"""Decode pickled plain values without running what a pickle may ask for."""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import DataError

NUMPY = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.numeric", "_frombuffer"),
    ("_codecs", "encode"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}
"""What a pickled array names: its class and its makers, which do no more than make arrays."""


class _PlainUnpickler(pickle.Unpickler):
    """Refuses every class but numpy's arrays and numbers."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in NUMPY:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module, name)


def plain_value(data: bytes, path: Path) -> Any:
    """Decode a pickle of plain values: numbers, texts, lists, tables and arrays.

    Raises:
        DataError: it is damaged, or asks for anything else.
    """
    try:
        return _PlainUnpickler(io.BytesIO(data)).load()
    except Exception as error:  # a damaged pickle raises whatever its bytes spell
        raise DataError(f"{path}: pickled values that cannot be read ({error})") from error


def numpy_object(path: Path) -> Any:
    """Read the one object in a ``.npy`` file of objects.

    Raises:
        DataError: it holds plain numbers instead, or cannot be read.
    """
    with path.open("rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0
            if version != (1, 0):
                read = np.lib.format.read_array_header_2_0
            _, _, dtype = read(file)
        except ValueError as error:
            raise DataError(f"{path}: not a whole .npy file ({error})") from error
        if not dtype.hasobject:
            raise DataError(
                f"{path}: an array of numbers without names; a table of sequences is needed"
            )
        value = plain_value(file.read(), path)
    return value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
