"""The space that files take."""

from pathlib import Path


def folder_size(path: Path) -> int:
    """Add up the bytes of a file, or of all files below a folder; a file that vanishes counts 0."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(_size(file) for file in files)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
