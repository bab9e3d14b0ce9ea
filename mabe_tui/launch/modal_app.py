"""What runs inside Modal: one function that sees one attempt of a run through, from claim to ending.

The same ``python -m core.job`` as everywhere runs as a child process. This function passes signals on to
it, writes its output to the attempt's log on the volume and to the container's output, and commits the
volume *before* it forwards an event after which somebody may rely on what is on disk. Only modal, the
standard library and core are imported, for that is all there is in the image.
"""

import importlib.metadata
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import IO

import modal
import msgspec
from modal.exception import InputCancellation

from core.errors import RunError
from core.events import (
    ENDINGS,
    AnyEvent,
    CheckpointSaved,
    Failed,
    Finished,
    Preempted,
    RunStarted,
    Stopped,
    decode,
)
from core.rundir import ATTEMPT, RunDir, RunRequest

RUNS_VOLUME = "mabe-runs"
DATA_VOLUME = "mabe-data"
RUNS_MOUNT = "/runs"
DATA_MOUNT = "/vol"
MOUNT_ROOT = Path(os.environ.get("MABE_MOUNT_ROOT", "/"))
"""Below which the volumes are mounted: where a container may not mount at the top, elsewhere."""
CORE_REQUIREMENTS = (
    "filelock",
    "msgspec",
    "numpy",
    "pandas",
    "platformdirs",
    "psutil",
    "pyarrow",
    "tomli-w",
    "torch",
)
"""What ``core`` imports. The image gets the very versions that are installed here."""
SOURCES = ("__init__.py", "modal_app.py")
"""Of ``mabe_tui``, what the container needs to import this module."""
IDLE_SECONDS = 2
"""Modal keeps, and charges for, an idle container a minute unless told otherwise."""
COMMITTED = (RunStarted, CheckpointSaved, Preempted, Stopped, Finished, Failed)
"""Events that are forwarded only once the volume holds what they speak of."""
WAYS_TO_END = (0, 1)
"""Exit codes of a job that has said what there is to say; it crashed with any other."""


def pinned(name: str) -> str:
    """Give the requirement for the version that is installed here; a build tag does not travel."""
    try:
        return f"{name}=={importlib.metadata.version(name).partition('+')[0]}"
    except importlib.metadata.PackageNotFoundError:
        return name


def is_left_out(path: Path) -> bool:
    """Tell which files of ``mabe_tui`` stay at home: all that this module does not need."""
    return path.suffix != ".py" or path.name not in SOURCES


def image_with(
    requirements: Iterable[str], is_left_out: Callable[[Path], bool] = is_left_out
) -> modal.Image:
    """Describe the image of a function: packages as they are installed here, ``core``, parts of ``mabe_tui``.

    Args:
        requirements: names of packages.
        is_left_out: tells which files of ``mabe_tui`` stay at home.
    """
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        modal.Image.debian_slim(python_version=python)
        .uv_pip_install(*(pinned(name) for name in requirements))
        .add_local_python_source("core")
        .add_local_python_source("mabe_tui", ignore=is_left_out)
    )


runs_volume = modal.Volume.from_name(RUNS_VOLUME, create_if_missing=True)
data_volume = modal.Volume.from_name(DATA_VOLUME, create_if_missing=True)


def train(request: str, attempt: str, volume: modal.Volume) -> str:
    """Run one attempt and return the kind of its last event, or "" if it had nothing to say.

    It is a plain function: each launch declares it on an app of its own with the resources of that launch
    (``launch/modal/spawn.py``), and the container finds it by its name in this module. Nothing in this
    module is connected to Modal there, so the volume comes as an argument.

    Args:
        request: the run's ``run.toml``.
        attempt: the name that the launcher claimed; where it has been used (Modal starts the same
            input again after a preemption), the next one is claimed.
        volume: the volume of runs, mounted at :data:`RUNS_MOUNT`.
    """
    volume.reload()  # the mount shows the volume as it was when the container was made
    run = open_run(MOUNT_ROOT / RUNS_MOUNT.lstrip("/"), request)
    return Attempt(run, claim(run, attempt), lambda: commit(volume)).see_through()


def open_run(runs: Path, request: str) -> RunDir:
    """Find the run's folder on the volume, or make it.

    What the job found out about its data stays; limits may have been changed for a resume.
    """
    asked = msgspec.toml.decode(request, type=RunRequest)
    run = RunDir(runs / asked.run)
    data = str(MOUNT_ROOT / asked.data.lstrip("/")) if asked.data is not None else None
    try:
        resolved = run.read_request().resolved
    except RunError:
        resolved = asked.resolved
    run.write_request(msgspec.structs.replace(asked, data=data, resolved=resolved))
    return run


def claim(run: RunDir, attempt: str) -> str:
    """Take the attempt's name, or the next free one where it or a later one is there already."""
    if not ATTEMPT.fullmatch(attempt):
        raise ValueError(f"not an attempt's name: {attempt!r}")
    if attempt.split("-")[0] > max((name.split("-")[0] for name in run.attempts()), default=""):
        run.attempt_folder(attempt).mkdir(parents=True)
        return attempt
    return run.claim_attempt()


def commit(volume: modal.Volume) -> None:
    """Make what is in a volume outlive this container."""
    try:
        volume.commit()
    except RuntimeError as error:
        # The client reloads after it has committed, which open files prevent, and ours are always
        # open: what was to be kept has been kept by then.
        if "open files" not in str(error):
            print(f"mabe: the volume could not be committed: {error}", flush=True)


class Attempt:
    """The child process, between its output and the signals that are meant for it."""

    def __init__(self, run: RunDir, name: str, commit: Callable[[], None]) -> None:
        self._run, self._name, self._commit = run, name, commit
        self._child: subprocess.Popen[bytes] | None = None
        self._signals: list[signal.Signals] = []
        self._last: AnyEvent | None = None

    def see_through(self) -> str:
        """Run the job to its end.

        Raises:
            KeyboardInterrupt: it was preempted; Modal starts the input again elsewhere.
            InputCancellation: it was cancelled, and has stopped with a checkpoint.
            RuntimeError: it died without a word; Modal may try again.
        """
        before = {
            number: signal.signal(number, self._pass_on)
            for number in (signal.SIGINT, signal.SIGUSR1)
        }
        try:
            code = self._run_child()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return self._outcome(code)

    def _run_child(self) -> int:
        container = os.environ.get("MODAL_TASK_ID", "")
        with (
            self._run.log_path(self._name).open("ab", buffering=0) as log,
            self._start() as child,
        ):
            self._child = child
            # Whoever reads the stream learns from it which attempt this container's lines belong to.
            self._forward(f"mabe: attempt {self._name} in container {container}\n".encode(), log)
            for number in self._signals:  # those that came before there was anybody to tell
                child.send_signal(number)
            assert child.stdout is not None
            for line in child.stdout:
                self._forward(line, log)
            code = child.wait()
        self._commit()
        return code

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "core.job", str(self._run.path), "--attempt", self._name]
        cache = MOUNT_ROOT / DATA_MOUNT.lstrip("/") / "cache"
        environment = os.environ | {"MABE_CACHE": str(cache), "PYTHONUNBUFFERED": "1"}
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
        )

    def _forward(self, line: bytes, log: IO[bytes]) -> None:
        log.write(line)
        event = decode(line)
        if event is not None:
            self._last = event
            if isinstance(event, COMMITTED):
                self._commit()
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(signal.Signals(number))
        if self._child is not None:
            self._child.send_signal(number)

    def _outcome(self, code: int) -> str:
        last = self._last if isinstance(self._last, ENDINGS) else None
        if isinstance(last, Preempted):
            raise KeyboardInterrupt
        if isinstance(last, Stopped) and signal.SIGUSR1 in self._signals:
            raise InputCancellation("stopped with a checkpoint, as it was asked to")
        if last is None and code not in WAYS_TO_END:
            raise RuntimeError(f"the job of {self._run.id} died without a word (exit code {code})")
        return str(last.__struct_config__.tag) if last is not None else ""
