"""Wheels of packages that Kaggle's machines may lack, for their Python and platform."""

import hashlib
import importlib.metadata
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from core.errors import UserError
from core.system.lock import locked

PACKAGES = ("filelock", "msgspec", "platformdirs", "psutil", "tomli-w", "tomlkit")
"""What ``core`` needs, except for what every deep-learning image has: numpy, pandas, pyarrow, torch."""
PYTHONS = ("3.11", "3.12")
"""Versions of Python in Kaggle's recent images. There is a wheel for each, and the notebook picks its own."""
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")
SECONDS = 600.0
OWN = "put the wheels into a folder, and name it with --wheels"


def wheels_of(packages: Sequence[str], pythons: Sequence[str], cache: Path) -> list[Path]:
    """Return wheels of packages, in the versions installed here; pip downloads those that are not cached.

    Args:
        packages: names of packages; their dependencies are not added.
        pythons: versions of Python, such as ``3.11``.
        cache: folder to keep the wheels in.

    Raises:
        UserError: pip is missing, or a package has no such wheel; the message says which.
    """
    wanted = sorted({pinned(name) for name in packages})
    key = hashlib.sha256(" ".join([*wanted, *pythons, *PLATFORMS]).encode()).hexdigest()[:12]
    kept = cache / "wheels" / key
    with locked(kept, seconds=SECONDS):
        if not kept.is_dir():
            part = kept.with_name(f".{key}.part")
            shutil.rmtree(part, ignore_errors=True)
            for python in pythons:
                _download(wanted, python, part)
            part.replace(kept)
    return ready_wheels(kept)


def ready_wheels(folder: Path) -> list[Path]:
    """Return the wheels in a folder.

    Raises:
        UserError: there are none.
    """
    found = sorted(folder.glob("*.whl"))
    if not found:
        raise UserError(f"{folder}: has no wheels (*.whl)")
    return found


def pinned(name: str) -> str:
    """Return a requirement for the version installed here, or for any version if none is installed."""
    try:
        return f"{name}=={importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return name


def _download(requirements: Sequence[str], python: str, into: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--only-binary", ":all:", "--no-deps", "--python-version", python]
    command += [f"--platform={name}" for name in PLATFORMS]
    command += ["--dest", str(into), *requirements]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"wheels for Kaggle cannot be downloaded ({error}); {OWN}") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["pip says nothing"]
        raise UserError(f"wheels for Kaggle cannot be downloaded ({lines[-1]}); {OWN}")
