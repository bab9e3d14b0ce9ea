"""Writing whole files so that a reader meets either the old one or the new one, never a half."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from core.errors import UserError


@contextmanager
def replace_atomically(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary file beside ``path``; on success flush it to disk and rename it over ``path``.

    On any exception the temporary file is removed and ``path`` is left as it was.

    Raises:
        UserError: the folder cannot be written, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    encoding = None if "b" in mode else "utf-8"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open(mode, encoding=encoding) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):  # where even this fails, nothing was written
            temporary.unlink()
        reason = error.strerror or str(error)
        raise UserError(
            f"{path}: cannot be written ({reason}); free some space or check the folder's permissions"
        ) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes_atomically(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` in one step; see :func:`replace_atomically` for what is raised."""
    with replace_atomically(path) as file:
        file.write(data)
