"""Bytes sent to the terminal while a run is live, and the CPU time they take.

The dashboard runs as its command does, in a pseudo-terminal that answers as modern ones do. The run is
written by this process at five events a second, each also a line of its log, as a job writes them. Bytes
are exact whatever else the machine does; CPU time is that of the dashboard's process.

    python -m tests.bench.bench_live [SECONDS]

SECONDS is how long each size of the terminal is measured (30).
"""

import datetime as dt
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from core.config import registry
from core.run.events import AnyEvent, DataReady, Epoch, RunStarted, Step, System, encode
from core.run.records import Handle
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.cli.dashboard import SELF
from mabe_tui.launch import process

SIZES = ((200, 50), (80, 24))
EVENTS_A_SECOND, BEFORE = 5, 2_000
SETTLING_SECONDS = 8.0
MOST_KB_A_SECOND, MOST_SHARE = 10.0, 0.10
ATTEMPT = "0001-aaaa"
STEPS, EPOCHS = 100, 100
ASKED, ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
"""Whether the terminal can hold back an update until all of it has come, and that it can."""


class LiveRun:
    """A run that lives as long as this process, written by :meth:`say`."""

    def __init__(self, home: Path) -> None:
        self._start = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=BEFORE / EVENTS_A_SECOND)
        self.run = run = RunDir(home / "runs" / "v1-20260101T000000-abcd")
        run.write_request(
            RunRequest(
                run=run.id, created=self._start, launcher="local", seed=1,
                experiment=BehaviourExperiment(name="v1"),
            )
        )  # fmt: skip
        run.attempt_folder(ATTEMPT).mkdir(parents=True)
        me = process.reference_to(os.getpid())
        reference: dict[str, str | int | float] = {"pid": me.pid, "create_time": me.create_time}
        run.write_handle(Handle(launcher="local", attempt=ATTEMPT, reference=reference))
        self._seq = self._step = 0
        self._write(
            RunStarted, run=run.id, experiment="v1", device="cpu", device_name="a CPU", torch="2",
            threads=1, code_version="c", pid=os.getpid(), seed=1,
        )  # fmt: skip
        self._write(
            DataReady, fingerprint="f", train_units=8, validation_units=2, train_examples=9_000,
            validation_examples=900, train_samples=900, steps_per_epoch=STEPS, input_size=28,
            parameters=3_300,
        )  # fmt: skip
        for _ in range(BEFORE):
            self.say()

    def say(self) -> None:
        """Write the next event: a step, now and then a machine's figures or the end of an epoch."""
        number = self._seq
        if number % 25 == 0:
            self._write(System, cpu_percent=97.0 + number % 7, memory_mib=812.0 + number % 11)
            return
        self._step += 1
        epoch = (self._step - 1) // STEPS + 1
        loss = 0.2 + 2.0 / (1 + self._step / 400) + 0.03 * ((number * 7919) % 17)
        rates = {
            "learning_rate": 1e-3 * (1 - self._step / (STEPS * EPOCHS)),
            "gradient_norm": 1.0 + (number * 104_729) % 13 / 7,
            "frames_per_second": 90_000.0 + (number * 1_299_709) % 2_003,
        }
        at = (self._step - 1) % STEPS + 1
        self._write(
            Step, epoch=epoch, step=self._step, epoch_step=at, epoch_steps=STEPS, loss=loss, **rates
        )
        if at == STEPS:
            metrics = {
                "f1_macro": 0.7 - 0.5 / epoch,
                "loss": loss,
                "accuracy": 0.8,
                "f1/sniff": 0.6,
            }
            self._write(
                Epoch, epoch=epoch, step=self._step, seconds=20.0, train_loss=loss,
                metrics=metrics, **rates,
            )  # fmt: skip

    def _write(self, kind: Callable[..., AnyEvent], **fields: object) -> None:
        self._seq += 1
        time = self._start + dt.timedelta(seconds=self._seq / EVENTS_A_SECOND)
        line = encode(kind(attempt=ATTEMPT, seq=self._seq, time=time, **fields)) + b"\n"
        for path in (self.run.events_path(ATTEMPT), self.run.log_path(ATTEMPT)):
            with path.open("ab") as file:
                file.write(line)


class Dashboard:
    """The dashboard's process in a pseudo-terminal; counts what it writes."""

    def __init__(self, size: tuple[int, int], home: Path, *arguments: str) -> None:
        changed = {
            "MABE_HOME": str(home), "MABE_STATE": str(home / "state"), "TERM": "xterm-256color",
            "COLORTERM": "truecolor", "MABE_REGISTRY": str(registry.default_path()),
        }  # fmt: skip
        environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            command = [sys.executable, "-c", SELF, *arguments]
            time.sleep(0.2)  # until the size is set
            os.execve(sys.executable, command, environment | changed)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *size[::-1], 0, 0))
        self.written = bytearray()

    def read_for(self, seconds: float) -> int:
        """Read for so long; return the number of bytes."""
        end, before = time.monotonic() + seconds, len(self.written)
        while (left := end - time.monotonic()) > 0:
            if select.select([self._terminal], [], [], left)[0]:
                data = os.read(self._terminal, 1 << 16)
                self.written += data
                if ASKED in data:
                    os.write(self._terminal, ANSWER)
        return len(self.written) - before

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of the process so far."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def close(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._terminal)


def measure(size: tuple[int, int], seconds: float) -> None:
    """Print what one size of the terminal costs."""
    with tempfile.TemporaryDirectory() as folder:
        live, ended = LiveRun(Path(folder)), threading.Event()

        def write() -> None:
            while not ended.wait(1 / EVENTS_A_SECOND):
                live.say()

        writer = threading.Thread(target=write)
        writer.start()
        dashboard = Dashboard(size, Path(folder), live.run.id)
        try:
            first = dashboard.read_for(SETTLING_SECONDS)
            cpu, start = dashboard.cpu_seconds, time.monotonic()
            count = dashboard.read_for(seconds)
            wall = time.monotonic() - start
            share = (dashboard.cpu_seconds - cpu) / wall
        finally:
            ended.set()
            writer.join()
            dashboard.close()
    if path := os.environ.get("BENCH_LIVE_KEEP"):
        Path(f"{path}-{size[0]}").write_bytes(dashboard.written)
    print(
        f"{size[0]} × {size[1]}: {count / wall / 1e3:.1f} kB/s (at most {MOST_KB_A_SECOND:.0f}),"
        f" {share:.1%} of a core (at most {MOST_SHARE:.0%}); until then {first / 1e3:.0f} kB;"
        f" load {os.getloadavg()[0]:.1f}"
    )


def main() -> None:
    """Print the figures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    for size in SIZES:
        measure(size, seconds)


if __name__ == "__main__":
    main()
