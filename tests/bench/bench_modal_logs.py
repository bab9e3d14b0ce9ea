"""Reliability of following a Modal log: the ``modal`` command, the client's log API, ``mabe logs -f``.

Each follows the same kind of run on the stand-in of ``tests/loopback``, from its first line to its last,
while something happens to the connection. Reported: how many of the run's own lines arrived, how many
repeatedly, and how the follower ended. The last rows are CPU and memory at 1,000 lines a second.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil

from core.run.rundir import RunDir
from mabe_tui.launch.launcher import launcher_named
from mabe_tui.runs.launching.start import start_run
from tests.loopback.conftest import FAKE_JOB
from tests.loopback.helpers import fake_request
from tests.loopback.server import LoopbackServer

EPOCHS, STEPS, CHATTER, STEP_SECONDS = 25, 4, 10, 0.08
LINES = EPOCHS * STEPS * CHATTER
PATIENCE_SECONDS = 60.0
API = """
import modal, sys
for entry in modal.FunctionCall.from_id(sys.argv[1]).logs.stream():
    sys.stdout.write(entry.message)
"""


def commands(run: RunDir) -> dict[str, list[str]]:
    handle = run.read_handle()
    assert handle is not None
    app, call = str(handle.reference["app_id"]), str(handle.reference["call_id"])
    mabe = "from mabe_tui.cli.main import run; run()"
    return {
        "modal app logs -f": [sys.executable, "-m", "modal", "app", "logs", app, "-f"],
        "FunctionCall.logs": [sys.executable, "-c", API, call],
        "mabe logs -f": [sys.executable, "-c", mabe, "logs", "-f", "--raw", run.id],
    }


def undisturbed(_: LoopbackServer) -> None:
    """Let it be."""


def cut(server: LoopbackServer) -> None:
    """Break the stream twenty times."""
    for _ in range(20):
        time.sleep(0.4)
        server.cut_streams()


def away_for(seconds: float) -> Callable[[LoopbackServer], None]:
    def trouble(server: LoopbackServer) -> None:
        time.sleep(2)
        server.go_down()
        time.sleep(seconds)
        server.come_back()

    return trouble


TROUBLES = {
    "undisturbed": undisturbed,
    "20 cuts": cut,
    "away for 3 s": away_for(3),
    "away for 15 s": away_for(15),
}


def followed(
    server: LoopbackServer, home: Path, reader: str, trouble: Callable[[LoopbackServer], None]
) -> str:
    """Launch a run, follow it through trouble, and say what came of that."""
    plan = {"chatter": CHATTER, "seconds": STEP_SECONDS}
    run = launched(home, EPOCHS, plan)
    with tempfile.TemporaryFile() as output:
        process = follow(run, reader, output.fileno())
        disturber = threading.Thread(target=trouble, args=(server,))
        disturber.start()
        try:
            ended = f"rc {process.wait(PATIENCE_SECONDS)}"
        except subprocess.TimeoutExpired:
            process.kill()
            ended = "never ended"
        disturber.join()
        output.seek(0)
        lines = Counter(line for line in output.read().splitlines() if line.startswith(b"step "))
    again = sum(lines.values()) - len(lines)
    return f"{len(lines):>5} of {LINES} lines, {again:>4} again, {ended}"


def launched(home: Path, epochs: int, plan: dict[str, object]) -> RunDir:
    launcher = launcher_named("modal")
    return start_run(home, launcher.prepare(fake_request(epochs, **plan)), launcher)


def follow(run: RunDir, reader: str, output: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(commands(run)[reader], stdout=output, stderr=subprocess.DEVNULL)


def cost_of_following(home: Path, reader: str) -> str:
    """Return the CPU share over ten seconds, and the memory after them."""
    run = launched(home, 1000, {"chatter": 100, "seconds": 0.1})
    process = follow(run, reader, subprocess.DEVNULL)
    measured = psutil.Process(process.pid)
    time.sleep(5)  # for it to begin, and to have caught up
    before, began = busy(measured), time.monotonic()
    time.sleep(10)
    used, seconds = busy(measured) - before, time.monotonic() - began
    memory = measured.memory_info().rss / 2**20
    process.kill()
    process.wait()
    launcher_named("modal").stop(run, 5)
    return f"{used / seconds:.0%} of a core, {memory:.0f} MiB"


def busy(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        LoopbackServer(Path(folder), {"core/job.py": FAKE_JOB}) as server,
    ):
        home = Path(folder) / "home"
        os.environ |= server.client_environment() | {"MABE_HOME": str(home)}
        readers = ("modal app logs -f", "FunctionCall.logs", "mabe logs -f")
        for name, trouble in TROUBLES.items():
            for reader in readers:
                print(
                    f"{name:<14} {reader:<18} {followed(server, home, reader, trouble)}", flush=True
                )
                server.reset()
        for reader in readers:
            print(
                f"{'1,000 lines/s':<14} {reader:<18} {cost_of_following(home, reader)}", flush=True
            )
            server.reset()


if __name__ == "__main__":
    main()
