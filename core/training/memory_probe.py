"""Try a batch size on the CPU in a child process, whose memory is freed, or exhausted, with it.

``python -m core.training.memory_probe RUN_DIR CACHE SIZE STEPS`` runs the steps and prints its peak memory.
"""

import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import psutil

import core
from core.errors import RunError, UserError
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.system.progress import Progress
from core.training.batch_size import GIB, STEPS, Reading, is_out_of_memory, measure, small_request

POLL_SECONDS = 0.02
_SEARCHED = [str(Path(core.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
NOT_ENOUGH = 75
"""Exit code of a probe whose memory allocation failed."""


class SubprocessProbe:
    """Tries batch sizes in child processes, and kills one that exceeds its memory limit.

    Args:
        request: what would be trained.
        cache: folder of prepared data.
        progress: progress callback while data are prepared, once, before the first probe.
        memory: bytes that a process may use.
    """

    def __init__(self, request: RunRequest, cache: Path, progress: Progress, memory: int) -> None:
        from core.tasks.build import prepare_data

        self.memory, self.reserved = memory, 0  # data are memory-mapped from disk
        self._request, self._cache = request, cache.resolve()
        prepare_data(small_request(request), cache, progress)

    def __call__(self, size: int, steps: int = STEPS) -> Reading:
        """Try one size.

        Raises:
            RunError: the probe failed for a reason other than lack of memory.
        """
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as errors:
            run = RunDir(Path(folder) / self._request.run)
            run.write_request(self._request)
            numbers = [str(size), str(steps)]
            command = [sys.executable, "-m", __name__, str(run.path), str(self._cache), *numbers]
            child = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=folder,  # never the user's folder, whose files could shadow ours
                env=os.environ | {"PYTHONPATH": os.pathsep.join(_SEARCHED)},
            )
            try:
                exceeded = self._watch(child)
                output = child.communicate()[0]
            finally:
                child.kill()  # does nothing if it has already ended
            errors.seek(0)
            return self._reading(size, exceeded, child.returncode, output, errors.read())

    def _watch(self, child: "subprocess.Popen[bytes]") -> bool:
        """Wait for a probe to end; kill it, and report that, if it exceeds the limit."""
        process = psutil.Process(child.pid)
        while child.poll() is None:
            try:
                held = process.memory_info().rss
            except psutil.Error:  # it has just ended
                break
            if held > self.memory:
                child.kill()
                return True
            time.sleep(POLL_SECONDS)
        return False

    def _reading(
        self, size: int, exceeded: bool, code: int, output: bytes, errors: bytes
    ) -> Reading:
        limit = f"more than {self.memory / GIB:.1f} GiB"
        if exceeded:
            return Reading(size=size, fits=False, problem=limit)
        if code in (-signal.SIGKILL, NOT_ENOUGH):
            ended = "refused more memory" if code == NOT_ENOUGH else "killed by the system"
            return Reading(size=size, fits=False, problem=f"out of memory ({ended})")
        if code != 0:
            lines = errors.decode(errors="replace").strip().splitlines() or [f"exit code {code}"]
            raise RunError(f"a training step with a batch of {size} failed: {lines[-1]}")
        reading = msgspec.json.decode(output.splitlines()[-1], type=Reading)
        if (reading.peak_bytes or 0) > self.memory:  # exceeded between two polls
            return msgspec.structs.replace(reading, fits=False, problem=limit)
        return reading


def main(arguments: Sequence[str]) -> int:
    """Run the steps of one probe, and print the reading as JSON."""
    folder, cache = Path(arguments[0]), Path(arguments[1])
    size, steps = int(arguments[2]), int(arguments[3])
    import torch

    from core.tasks.build import build_task

    try:
        run = RunDir(folder)
        run.search_task()
        request, cpu = run.read_request(), torch.device("cpu")
        task = build_task(small_request(request), cache, cpu, lambda *_: None)
        seconds = measure(task, request.experiment, cpu, size, steps)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            return NOT_ENOUGH
        raise
    reading = Reading(size=size, fits=True, peak_bytes=_peak_bytes(), seconds=seconds)
    sys.stdout.buffer.write(msgspec.json.encode(reading) + b"\n")
    return 0


def _peak_bytes() -> int:
    """Return the peak memory of this process, in bytes."""
    # Linux starts a child's ru_maxrss at its parent's value; VmHWM starts afresh with a new program
    if (found := re.search(r"^VmHWM:\s+(\d+) kB", _own_status(), re.MULTILINE)) is not None:
        return int(found[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # in bytes there, in KiB elsewhere


def _own_status() -> str:
    try:
        return Path("/proc/self/status").read_text()
    except OSError:  # not Linux
        return ""


def default_memory() -> int:
    """Return four fifths of the memory that is free now, in bytes."""
    return psutil.virtual_memory().available * 4 // 5


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
