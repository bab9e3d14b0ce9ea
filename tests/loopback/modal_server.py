"""A local Modal for experiments: ``python -m tests.loopback.modal_server`` serves until Ctrl-C.

Prints the variables to export, so that ``mabe`` and ``modal`` in another terminal connect to it. With
``--demo`` it runs the whole path by itself: launch, follow through a disconnect, a preemption, the end, a
pull. The job is the real one; ``--fake`` uses a simulated job that takes seconds.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.loopback.server import LoopbackServer

FAKE_JOB = Path(__file__).parent / "fake_job.py"
SMALL = (
    "data.synthetic_videos=4", "data.synthetic_frames=1500", "data.window=50",
    "training.epochs=60", "training.batch_size=8", "hardware.gpu=H100",
)  # fmt: skip
SECONDS_BETWEEN_CUTS = 2.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.loopback.modal_server")
    parser.add_argument("--fake", action="store_true", help="a job that only pretends to learn")
    parser.add_argument("--demo", action="store_true", help="show the whole path, then end")
    options = parser.parse_args()
    overlay = {"core/job.py": FAKE_JOB} if options.fake else {}
    with (
        tempfile.TemporaryDirectory(prefix="loopback-") as folder,
        LoopbackServer(Path(folder), overlay) as server,
    ):
        if options.demo:
            return demo(server, Path(folder))
        for name, value in server.client_environment().items():
            print(f"export {name}={value}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    return 0


def demo(server: LoopbackServer, folder: Path) -> int:
    environment = os.environ | server.client_environment() | {"MABE_HOME": str(folder / "home")}

    def mabe(*arguments: str) -> int:
        print(f"\n$ mabe {' '.join(arguments)}", flush=True)
        return subprocess.call(
            [sys.executable, "-c", "from mabe_tui.cli.main import run; run()", *arguments],
            env=environment,
        )

    settings = [word for setting in SMALL for word in ("--set", setting)]
    code = mabe("run", "v1", "--on", "modal", "-d", "--budget", "5", *settings)
    trouble = threading.Thread(target=make_trouble, args=(server,), daemon=True)
    trouble.start()
    for command in (
        ["logs", "-f"], ["status"], ["checkpoints"], ["pull", "last", "best"],
        ["checkpoints", "--verify"], ["ps"],
    ):  # fmt: skip
        code = code or mabe(*command)
    return code


def make_trouble(server: LoopbackServer) -> None:
    """Cut the log stream again and again, and take the machine away once something was saved."""
    preempted = False
    while True:
        time.sleep(SECONDS_BETWEEN_CUTS)
        server.cut_streams()
        saved = list((server.root / "volumes").rglob("last.json"))
        if saved and not preempted and server.running():
            preempted = True
            print("(the log stream is cut, and the machine is taken away)", flush=True)
            server.preempt()


if __name__ == "__main__":
    sys.exit(main())
