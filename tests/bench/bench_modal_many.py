"""Fifty concurrent runs on the stand-in of ``tests/loopback``: launching and following all of them.

Each run says about two lines a second. Reported: the time of the launching command, then for each way to
follow the share of one core, the memory over some seconds, and how much of the output so far is in the
mirrors. ``--runs 10`` takes fewer.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from core.run.rundir import RunDir
from tests.bench.bench_modal_logs import busy
from tests.loopback.conftest import FAKE_JOB
from tests.loopback.helpers import wait_for
from tests.loopback.server import LoopbackServer

STEP_SECONDS = "1"
MABE = (sys.executable, "-c", "from mabe_tui.cli.main import run; run()")
SETTLE_SECONDS, MEASURED_SECONDS = 15.0, 30.0
FOLLOW_ALL = """
import sys, time
from contextlib import ExitStack
from pathlib import Path
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import launcher_named
with ExitStack() as followed:
    for folder in Path(sys.argv[1]).iterdir():
        followed.enter_context(launcher_named("modal").following(RunDir(folder)))
    while True:
        time.sleep(1)
"""


def launch(count: int) -> list[str]:
    seeds = ",".join(str(seed) for seed in range(count))
    command = [*MABE, "run", "v1", "--on", "modal", "--seeds", seeds, "-d"]
    settings = ["--set", "training.epochs=100000", "--set", "hardware.gpu=T4"]
    began = time.monotonic()
    told = subprocess.run([*command, *settings], check=True, capture_output=True, text=True)
    print(f"launching {count} runs: {time.monotonic() - began:.1f} s")
    return told.stdout.split()


def wait_for_all(server: LoopbackServer, count: int) -> None:
    """Wait until each has committed its first checkpoint."""
    began = time.monotonic()
    volume = server.cloud.volumes.named("mabe-runs")
    wait_for(lambda: len(list(volume.glob("*/checkpoints/last.json"))) == count, 600)
    print(f"until all run, on this computer: {time.monotonic() - began:.0f} s")


def said(server: LoopbackServer) -> int:
    """Count the events that the logs hold."""
    entries = [entry for app in server.cloud.apps.values() for entry in app.log.entries]
    return sum(entry.data.startswith('{"kind"') for entry in entries)


def mirrored(runs: list[RunDir]) -> int:
    return sum(1 for run in runs for _ in run.events())


def measure(name: str, command: list[str], server: LoopbackServer, runs: list[RunDir]) -> None:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    measured = psutil.Process(process.pid)
    time.sleep(SETTLE_SECONDS)
    if process.poll() is not None:
        raise SystemExit(f"{name}: ended with exit code {process.returncode}")
    before, began = busy(measured), time.monotonic()
    time.sleep(MEASURED_SECONDS)
    share = (busy(measured) - before) / (time.monotonic() - began)
    memory = measured.memory_info().rss / 2**20
    there, here = said(server), mirrored(runs)
    process.kill()
    process.wait()
    print(
        f"{name:<24} {share:.0%} of a core, {memory:.0f} MiB, {here} of {there} events", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=50)
    count = parser.parse_args().runs
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        LoopbackServer(Path(folder), {"core/job.py": FAKE_JOB}) as server,
    ):
        home = Path(folder) / "home"
        os.environ |= server.client_environment()
        os.environ |= {"MABE_HOME": str(home), "FAKE_STEP_SECONDS": STEP_SECONDS}
        server.faults.no_capacity = (
            True  # fifty containers that start here would be measured as well
        )
        runs = [RunDir(home / "runs" / name) for name in launch(count)]
        server.faults.no_capacity = False
        wait_for_all(server, count)
        follow_all = [sys.executable, "-c", FOLLOW_ALL, str(home / "runs")]
        measure("following all", follow_all, server, runs)
        began = time.monotonic()
        subprocess.run([*MABE, "runs", "-n", "0"], check=True, stdout=subprocess.DEVNULL)
        print(f"mabe runs, once: {time.monotonic() - began:.1f} s", flush=True)
        measure("mabe runs --watch", [*MABE, "runs", "--watch"], server, runs)


if __name__ == "__main__":
    main()
