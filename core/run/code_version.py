"""Hash of the code that a run is trained with."""

import hashlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import core

LENGTH = 12
"""Number of hex digits of the short form."""


def code_version(folder: Path | None = None) -> str:
    """Return a short sha256 of all sources of ``core``, so that a resume can detect changed code.

    Front ends are left out: how a run is watched does not change it.

    Args:
        folder: the folder of a package; ``None`` means that of ``core``.
    """
    root = folder if folder is not None else Path(core.__file__).parent
    return version_of((p.relative_to(root).as_posix(), p.read_bytes()) for p in root.rglob("*.py"))


def version_of(sources: Iterable[tuple[str, bytes]]) -> str:
    """Return the version of sources that need not be in a folder, such as those of an old commit.

    Args:
        sources: pairs of path below the package, with slashes, and content, in any order.
    """
    digest = hashlib.sha256()
    for path, content in sorted(sources, key=lambda source: PurePosixPath(source[0])):
        text = content.replace(b"\r\n", b"\n")
        digest.update(f"{path}|{len(text)}|".encode())
        digest.update(text)
    return digest.hexdigest()[:LENGTH]
