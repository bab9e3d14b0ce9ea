"""The package ``core``, as it is installed here, in one archive."""

import zipfile
from pathlib import Path

import core
from core.config.registry import FILE_NAME, default_path
from core.system.files import replace_atomically

DATE = (1980, 1, 1, 0, 0, 0)
"""The same for every file, so that the same code gives the same archive."""


def write_core_zip(path: Path) -> None:
    """Write the sources and data files of ``core``, and the registry that a wheel has inside it.

    Raises:
        UserError: the archive cannot be written.
    """
    package = Path(core.__file__).resolve().parent
    sources = {
        file.relative_to(package.parent).as_posix(): file
        for file in package.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    sources[f"{package.name}/{FILE_NAME}"] = default_path()
    with (
        replace_atomically(path) as target,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, source in sorted(sources.items()):
            about = zipfile.ZipInfo(name, DATE)
            about.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(about, source.read_bytes())
