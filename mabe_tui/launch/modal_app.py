"""The Modal function that runs one attempt of a run, from claim to ending.

Imports only modal, the standard library, core and the files of :data:`SOURCES`: the image holds nothing
else.
"""

import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import modal
import msgspec

from core.config.experiment import MODAL_TIMEOUT_LIMIT
from core.errors import RunError
from core.run.request import decode_request
from core.run.rundir import RunDir
from mabe_tui.launch.modal_attempt import Attempt
from mabe_tui.launch.modal_claims import (
    OutdatedError,
    claim,
    commit_if_newest,
    giving_way,
    newest_on,
)
from mabe_tui.launch.modal_commits import commit, pauses, reason_of, within
from mabe_tui.launch.requirements import pinned

RUNS_VOLUME = "mabe-runs"
DATA_VOLUME = "mabe-data"
RUNS_MOUNT = "/runs"
DATA_MOUNT = "/vol"
MOUNT_ROOT = Path(os.environ.get("MABE_MOUNT_ROOT", "/"))
"""Folder below which the volumes are mounted; a container that may not mount at the root uses another one."""
SOURCES = (
    "__init__.py", "modal_app.py", "modal_attempt.py", "modal_claims.py", "modal_commits.py",
    "requirements.py",
)  # fmt: skip
"""Files of ``mabe_tui`` that the container needs to import this module."""
IDLE_SECONDS = 2
"""Modal keeps, and bills, an idle container for a minute by default."""
RELOAD_TRIES, RELOAD_SECONDS = 6, 120.0
LEAST_LEFT_SECONDS = 5.0
"""Part of Modal's time-out that the container reserves for itself."""


def is_left_out(path: Path) -> bool:
    """Return whether a file of ``mabe_tui`` is left out of the image: all that this module does not need."""
    return path.suffix != ".py" or path.name not in SOURCES


def image_with(
    requirements: Iterable[str],
    is_left_out: Callable[[Path], bool] = is_left_out,
    modules: Iterable[str] = (),
    system_packages: Iterable[str] = (),
) -> modal.Image:
    """Describe a function's image: packages pinned as installed here, ``core``, and parts of ``mabe_tui``.

    Args:
        requirements: names of packages.
        is_left_out: returns whether a file of ``mabe_tui`` is left out.
        modules: top-level modules and packages of an external task.
        system_packages: names of Debian packages.
    """
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        modal.Image.debian_slim(python_version=python)
        .apt_install(*system_packages)
        .uv_pip_install(*(pinned(name) for name in requirements))
        .add_local_python_source("core", *modules)
        .add_local_python_source("mabe_tui", ignore=is_left_out)
    )


runs_volume = modal.Volume.from_name(RUNS_VOLUME, create_if_missing=True)
data_volume = modal.Volume.from_name(DATA_VOLUME, create_if_missing=True)


def train(request: str, attempt: str, volume: modal.Volume) -> str:
    """Run one attempt and return the kind of its last event, or "" if it emitted none.

    This is a plain function: each launch declares it on an app of its own with that launch's resources
    (``launch/modal/spawn.py``), and the container finds it by its name in this module. Nothing in this
    module is connected to Modal there, so the volume is passed as an argument.

    Args:
        request: the run's ``run.toml``.
        attempt: the name that the launcher claimed; if it is already used (Modal restarts the same input
            after a preemption), the next one is claimed.
        volume: the volume of runs, mounted at :data:`RUNS_MOUNT`.
    """
    began = time.monotonic()
    reload(volume)  # the mount shows the volume as of the container's start
    try:
        runs, call = MOUNT_ROOT / RUNS_MOUNT.lstrip("/"), modal.current_function_call_id() or ""
        run, name = open_run(runs, request, attempt, call)
    except OutdatedError as error:
        print(f"mabe: {error}; this call ends", flush=True)
        return ""
    hardware = run.read_request().experiment.hardware
    timeout = (hardware.timeout_seconds or MODAL_TIMEOUT_LIMIT) - LEAST_LEFT_SECONDS

    def newest() -> str:
        return newest_on(volume, run.id)

    with giving_way(newest, run, name):
        return Attempt(
            run,
            name,
            lambda: commit_if_newest(newest, run, name, lambda: commit(volume)),
            environment={"MABE_CACHE": str(MOUNT_ROOT / DATA_MOUNT.lstrip("/") / "cache")},
            seconds=timeout - (time.monotonic() - began),
        ).see_through()


def reload(volume: modal.Volume) -> None:
    """Reload what other containers have committed, retrying on failure.

    Raises:
        Exception: the error of the last try.
    """
    for number, pause in enumerate(pauses(), start=1):
        try:
            within(RELOAD_SECONDS, volume.reload.aio)
            return
        except Exception as error:
            if number == RELOAD_TRIES:
                raise
            print(
                f"mabe: the volume could not be read ({reason_of(error)}); trying again", flush=True
            )
        time.sleep(pause)


def open_run(runs: Path, request: str, attempt: str, call: str = "") -> tuple[RunDir, str]:
    """Claim an attempt in the run's folder on the volume, then write its request.

    What the job resolved about its data is kept; limits may have changed for a resume.

    Args:
        runs: the folder of runs.
        request: the run's ``run.toml``.
        attempt: the name that the launcher chose for the call.
        call: the id of the call.

    Returns:
        The run and the claimed attempt.

    Raises:
        OutdatedError: a later call owns the folder; nothing was changed there.
    """
    asked = decode_request(request)
    run = RunDir(runs / asked.run)
    name = claim(run, attempt, call)
    data = str(MOUNT_ROOT / asked.data.lstrip("/")) if asked.data is not None else None
    try:
        resolved = run.read_request().resolved
    except RunError:
        resolved = asked.resolved
    run.write_request(msgspec.structs.replace(asked, data=data, resolved=resolved))
    return run, name
