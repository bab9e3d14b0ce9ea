"""Which code a run was trained with."""

import hashlib
from pathlib import Path

LENGTH = 12
"""Hex digits of the short form."""


def code_version(folder: Path | None = None) -> str:
    """Give a short sha256 over all sources of ``core``, so that a resume can tell changed code.

    Front ends do not count: how a run is watched changes nothing in it.

    Args:
        folder: the package folder; none takes this one's.
    """
    root = folder if folder is not None else Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.relative_to(root).as_posix()}|{len(content)}|".encode())
        digest.update(content)
    return digest.hexdigest()[:LENGTH]
