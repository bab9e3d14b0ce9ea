"""What an attempt ran with: git commit, uncommitted changes, installed packages.

Beside an attempt's events lie ``code.json`` (:class:`Code`), ``code.diff`` (the uncommitted changes of
tracked files, bounded, without what looks like a secret) and ``packages.txt`` (one ``name==version`` a
line). None of it changes what is trained.
"""

import contextlib
import os
import platform
import re
import sys
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

import core
from core.errors import UserError
from core.run.checkout import Checkout, checkouts
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.system.files import UNDECODABLE, write_bytes_atomically

VARIABLE = "MABE_PROVENANCE"
"""Environment variable: ``full``, ``names`` (no content of files) or ``off``."""
Amount = Literal["full", "names", "off"]
CODE, DIFF, PACKAGES = "code.json", "code.diff", "packages.txt"
"""Files in an attempt's folder."""
PARTS = ("core", "mabe_tui", "experiments.toml")
"""What is looked at in the checkout of this program."""


_INSTALLED = re.compile(
    r"(?P<name>[A-Za-z0-9_.]+(?:-[A-Za-z_.][A-Za-z0-9_.]*)*)-(?P<version>\d[^-]*)"
    r"(?:-py\d[\d.]*)?\.(?:dist|egg)-info"
)
_SEPARATORS = re.compile(r"[-_.]+")


class Code(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The checkouts that an attempt's code came from: this program's, then the task's and the registry's."""

    checkouts: tuple[Checkout, ...] = ()
    problem: str | None = None
    """Why there are none."""

    def __str__(self) -> str:
        return "; ".join(map(str, self.checkouts)) or self.problem or "unknown"


class Environment(NamedTuple):
    """What was installed."""

    python: str
    """Version and platform."""
    packages: dict[str, str]
    """Name in small letters → version."""


def amount() -> Amount:
    """Return how much is recorded, by ``$MABE_PROVENANCE``; everything unless it says less."""
    stated = os.environ.get(VARIABLE, "").strip().lower()
    if stated in ("off", "0", "no", "false"):
        return "off"
    return "names" if stated == "names" else "full"


def record(run: RunDir, request: RunRequest, attempt: str) -> None:
    """Record what the attempt runs with, where it runs. Never raises: a run does not depend on it."""
    if amount() == "off":
        return
    record_code(run, request, attempt)
    with contextlib.suppress(UserError):
        write_bytes_atomically(
            run.attempt_folder(attempt) / PACKAGES, packages_text(environment_now()).encode()
        )


def record_code(run: RunDir, request: RunRequest, attempt: str) -> None:
    """Record the state of the code alone, as where an attempt is started to run elsewhere. Never raises."""
    if (much := amount()) == "off":
        return
    folder = run.attempt_folder(attempt)
    code, diff = code_now(request, with_diff=much == "full")
    with contextlib.suppress(UserError):
        write_bytes_atomically(folder / CODE, msgspec.json.encode(code))
        if diff:
            write_bytes_atomically(folder / DIFF, diff.encode())


def code_now(request: RunRequest, with_diff: bool = True) -> tuple[Code, str]:
    """Return the state of the code that a run would be trained with, and the kept uncommitted changes.

    Args:
        request: names the folder of a task that is not ours, and the registry.
        with_diff: whether to read the changes themselves.
    """
    try:
        found = checkouts(_paths(request), with_diff)
    except FileNotFoundError:
        return Code(problem="git is not installed"), ""
    except OSError as error:
        return Code(problem=f"git could not be asked ({error.strerror or error})"), ""
    if not found:
        return Code(problem="not in a git repository"), ""
    return Code(checkouts=tuple(each.checkout for each in found)), "".join(e.diff for e in found)


def _paths(request: RunRequest) -> list[Path]:
    root = Path(core.__file__).resolve().parents[1]
    others = [Path(text) for text in (request.task_source, request.registry) if text]
    ours = [root / part for part in PARTS]
    return [*ours, *(path for path in others if path not in ours)]


def environment_now() -> Environment:
    """Return what is installed here.

    Goes by the names of the folders beside installed packages, which state name and version: a few
    milliseconds, where :mod:`importlib.metadata` parses a file for each package.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
            for entry in entries:
                if match := _INSTALLED.fullmatch(entry.name):
                    # The first on the search path is the one that is imported.
                    found.setdefault(_SEPARATORS.sub("-", match["name"]).lower(), match["version"])
    return Environment(f"{platform.python_version()} on {_platform()}", dict(sorted(found.items())))


def _platform() -> str:
    return f"{sys.platform} {platform.machine()}"


def packages_text(environment: Environment) -> str:
    """Return the lines of ``packages.txt``, which pip accepts as a list of requirements."""
    lines = [f"{name}=={version}" for name, version in environment.packages.items()]
    return "\n".join([f"# Python {environment.python}", *lines, ""])


def read_code(run: RunDir, attempt: str) -> Code | None:
    """Read the recorded state of an attempt's code; ``None`` if there is none that can be read."""
    try:
        content = (run.attempt_folder(attempt) / CODE).read_bytes()
        return msgspec.json.decode(content, type=Code)
    except (OSError, *UNDECODABLE):
        return None


def read_diff(run: RunDir, attempt: str) -> str:
    """Read the recorded uncommitted changes of an attempt; empty if there were none, or none were kept."""
    try:
        return (run.attempt_folder(attempt) / DIFF).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def read_environment(run: RunDir, attempt: str) -> Environment | None:
    """Read what was installed where an attempt ran; ``None`` if that was not recorded."""
    try:
        text = (run.attempt_folder(attempt) / PACKAGES).read_text(
            encoding="utf-8", errors="replace"
        )
    except OSError:
        return None
    lines = text.splitlines()
    python = lines[0].removeprefix("# Python ") if lines and lines[0].startswith("#") else "unknown"
    pairs = (line.partition("==") for line in lines if not line.startswith("#"))
    return Environment(python, {name: version for name, equal, version in pairs if equal})


def newest_recorded(run: RunDir, file: str) -> str | None:
    """Return the newest attempt that recorded :data:`CODE` or :data:`PACKAGES`.

    An attempt that a rented machine started by itself knows its packages and not its code.
    """
    attempts = reversed(run.attempts())
    return next((name for name in attempts if (run.attempt_folder(name) / file).exists()), None)
