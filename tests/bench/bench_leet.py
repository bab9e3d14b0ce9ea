"""The dashboard against ``wandb leet`` on the same histories: first paint, loading, and a live run.

Both run in pseudo-terminals of 200 × 50 that answer what terminals are asked. wandb is installed into a
temporary environment with pip; without it, or with ``--alone``, only the dashboard is measured. Its histories
are written with its own logger, offline; no network is needed after the installation.

    python -m tests.bench.bench_leet [--steps 2000] [--wandb PYTHON] [--alone] [--seconds 15]

A screen is painted once 500 visible characters have been written, and loaded once nothing has been written
for two seconds. CPU seconds include the children of a process; on a busy machine they are what to compare.
"""

import argparse
import datetime as dt
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import textwrap
import threading
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from core.config import registry
from core.run.events import AnyEvent, DataReady, Epoch, Finished, RunStarted, Step, encode
from core.run.records import Handle
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.cli.dashboard import SELF
from tests.bench.bench_live import EVENTS_A_SECOND, SETTLING_SECONDS, LiveRun

SIZE = (200, 50)
RUNS, EPOCH_STEPS = 8, 100
PAINTED, QUIET_SECONDS, LONGEST_SECONDS = 500, 2.0, 90.0
ATTEMPT = "0001-aaaa"
METRICS = (
    "f1_macro",
    "loss",
    "accuracy",
    "recall_macro",
    "precision_macro",
    "f1/a",
    "f1/b",
    "f1/c",
)
ANSWERS = {
    rb"\x1b\[\?2026\$p": b"\x1b[?2026;2$y",
    rb"\x1b\[6n": b"\x1b[1;1R",
    rb"\x1b\[c": b"\x1b[?62;22c",
    rb"\x1b\]11;\?": b"\x1b]11;rgb:1212/1616/1c1c\x1b\\",
    rb"\x1b\]10;\?": b"\x1b]10;rgb:e0e0/e0e0/e0e0\x1b\\",
}
"""What a terminal is asked → what it says."""
CONTROL = re.compile(
    rb"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[PX^_].*?\x1b\\|[@-Z\\-_])|\s"
)
LOGGER = textwrap.dedent("""
    import json, os, sys, time
    os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_DIR": sys.argv[1]}
    import wandb
    for name in sys.argv[3:]:
        run = wandb.init(project="bench", name=name, reinit=True)
        for line in open(sys.argv[2]) if sys.argv[2] != "-" else sys.stdin:
            run.log(json.loads(line))
        run.finish()
""")


@dataclass
class Opened:
    """What opening a screen took; all in seconds but the last two."""

    painted: float
    painted_cpu: float
    loaded: float
    loaded_cpu: float
    mib: float
    kib: float


class Terminal:
    """A process in a pseudo-terminal."""

    def __init__(self, command: Sequence[str], changed: dict[str, str], folder: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | changed
        self.began = time.monotonic()
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            time.sleep(0.2)  # until the size is set
            os.execve(command[0], list(command), environment)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE[::-1], 0, 0))
        self.written = bytearray()

    def read(self, seconds: float) -> int:
        """Read for so long; return the number of bytes."""
        end, before = time.monotonic() + seconds, len(self.written)
        while (left := end - time.monotonic()) > 0:
            if not self._read_once(left):
                break
        return len(self.written) - before

    def _read_once(self, seconds: float) -> bool:
        if not select.select([self._terminal], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._terminal, 1 << 16)
        except OSError:  # it has ended
            return False
        self.written += data
        for asked, answer in ANSWERS.items():
            for _ in re.findall(asked, data):
                os.write(self._terminal, answer)
        return True

    def open(self) -> Opened:
        """Read until nothing more comes."""
        painted = painted_cpu = 0.0
        last = time.monotonic()
        while (now := time.monotonic()) - self.began < LONGEST_SECONDS:
            before = len(self.written)
            if not self._read_once(0.05):
                break
            if len(self.written) > before:
                last = time.monotonic()
            if not painted and len(CONTROL.sub(b"", bytes(self.written))) >= PAINTED:
                painted, painted_cpu = time.monotonic() - self.began, self.cpu_seconds
            if painted and now - last > QUIET_SECONDS:
                break
        return Opened(
            painted,
            painted_cpu,
            last - self.began,
            self.cpu_seconds,
            self.mib,
            len(self.written) / 1024,
        )

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of the process and its children so far."""
        return sum(_cpu(process) for process in self._family)

    @property
    def mib(self) -> float:
        """Memory of the process and its children (RSS)."""
        return sum(_memory(process) for process in self._family) / 2**20

    @property
    def _family(self) -> list[psutil.Process]:
        try:
            mine = psutil.Process(self.pid)
            return [mine, *mine.children(recursive=True)]
        except psutil.Error:
            return []

    def close(self) -> None:
        """End it."""
        for process in reversed(self._family):
            process.send_signal(signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._terminal)


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def history(run: int, steps: int) -> Iterator[dict[str, float]]:
    """Yield the values of each step: four of every step, and eight more at the end of an epoch."""
    for step in range(1, steps + 1):
        values = {
            "train_loss": 0.2 + 2.0 / (1 + step / 400) + 0.03 * ((step * 7919 + run) % 17),
            "learning_rate": 1e-3 * (1 - step / (steps + 1)),
            "gradient_norm": 1.0 + (step * 104_729 + run) % 13 / 7,
            "frames_per_second": 90_000.0 + (step * 1_299_709) % 2_003,
        }
        if step % EPOCH_STEPS == 0:
            epoch = step // EPOCH_STEPS
            values |= {name: 0.9 - (0.5 + place / 20) / epoch for place, name in enumerate(METRICS)}
        yield values


def write_runs(home: Path, steps: int) -> list[str]:
    """Write the histories as runs of this project; return their ids."""
    begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    ids = []
    for number in range(RUNS):
        run = RunDir(home / "runs" / f"v1-20260101T00000{number}-aaa{'abcdefgh'[number]}")
        ids.append(run.id)
        request = RunRequest(
            run=run.id, created=begin, launcher="local", seed=number,
            experiment=BehaviourExperiment(name="v1"),
        )  # fmt: skip
        run.write_request(request)
        run.attempt_folder(ATTEMPT).mkdir(parents=True)
        run.write_handle(Handle(launcher="local", attempt=ATTEMPT, reference={}))
        with run.events_path(ATTEMPT).open("wb") as file:
            for event in _events(run.id, number, steps, begin):
                file.write(encode(event) + b"\n")
    return ids


def _events(run: str, number: int, steps: int, begin: dt.datetime) -> Iterator[AnyEvent]:
    count = 0

    def at() -> dict[str, Any]:
        nonlocal count
        count += 1
        return {"attempt": ATTEMPT, "seq": count, "time": begin + dt.timedelta(seconds=count / 5)}

    yield RunStarted(
        run=run, experiment="v1", device="cpu", device_name="a CPU", torch="2", threads=1,
        code_version="c", pid=1, seed=number, **at(),
    )  # fmt: skip
    yield DataReady(
        fingerprint="f", train_units=8, validation_units=2, train_examples=9_000,
        validation_examples=900, train_samples=900, steps_per_epoch=EPOCH_STEPS, input_size=28,
        parameters=3_300, **at(),
    )  # fmt: skip
    for step, values in enumerate(history(number, steps), 1):
        epoch = (step - 1) // EPOCH_STEPS + 1
        rates: dict[str, Any] = {
            key: values[key] for key in ("learning_rate", "gradient_norm", "frames_per_second")
        }
        yield Step(
            epoch=epoch, step=step, epoch_step=(step - 1) % EPOCH_STEPS + 1, epoch_steps=EPOCH_STEPS,
            loss=values["train_loss"], **rates, **at(),
        )  # fmt: skip
        if step % EPOCH_STEPS == 0:
            metrics = {name: values[name] for name in METRICS}
            yield Epoch(
                epoch=epoch, step=step, seconds=20.0, train_loss=values["train_loss"],
                metrics=metrics, **rates, **at(),
            )  # fmt: skip
    yield Finished(
        epoch=steps // EPOCH_STEPS, step=steps, reason="epochs", best_epoch=steps // EPOCH_STEPS,
        best_metric=0.9, monitor="f1_macro", seconds=1.0, **at(),
    )  # fmt: skip


def wandb_python(folder: Path) -> str | None:
    """Install wandb into an environment of its own; return its interpreter, or None if that fails."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", "wandb"], capture_output=True)
    return python if done.returncode == 0 else None


def write_wandb(python: str, folder: Path, steps: int) -> list[Path]:
    """Write the histories with wandb's own logger, offline; return the runs' folders."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(RUNS):
        lines = folder / "lines.json"
        lines.write_text("".join(json.dumps(values) + "\n" for values in history(number, steps)))
        command = [python, "-c", LOGGER, str(folder), str(lines), f"run-{number}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        lines.unlink()
    return sorted((folder / "wandb").glob("offline-run-*"))


def _say(what: str, one: Opened) -> None:
    print(
        f"{what:<24} painted {one.painted:6.2f} s ({one.painted_cpu:5.2f} CPU)  loaded {one.loaded:6.2f} s"
        f" ({one.loaded_cpu:5.2f} CPU)  {one.mib:5.0f} MiB  {one.kib:6.0f} KiB written"
    )


def _opened(terminal: Terminal) -> Opened:
    try:
        return terminal.open()
    finally:
        terminal.close()


def _live(what: str, terminal: Terminal, seconds: float) -> None:
    """Print what following a live run takes, once it is loaded."""
    try:
        terminal.read(SETTLING_SECONDS)
        cpu, began = terminal.cpu_seconds, time.monotonic()
        count = terminal.read(seconds)
        wall = time.monotonic() - began
        share = (terminal.cpu_seconds - cpu) / wall
        print(
            f"{what:<24} {count / wall / 1e3:7.1f} kB/s  {share:6.1%} of a core  {terminal.mib:5.0f} MiB"
        )
    finally:
        terminal.close()


def _dashboard(home: Path, *arguments: str) -> Terminal:
    changed = {
        "MABE_HOME": str(home),
        "MABE_STATE": f"{home}-state",
        "MABE_REGISTRY": str(registry.default_path()),
    }
    return Terminal([sys.executable, "-c", SELF, *arguments], changed, Path.cwd())


def _leet(python: str, folder: Path) -> Terminal:
    wandb = str(Path(python).with_name("wandb"))
    changed = {
        "WANDB_MODE": "offline",
        "WANDB_ERROR_REPORTING": "false",
        "HOME": str(folder.parent),
    }
    return Terminal([wandb, "leet", str(folder)], changed, folder.parent)


@contextmanager
def _saying(say: Callable[[], None]) -> Iterator[None]:
    ended = threading.Event()

    def write() -> None:
        while not ended.wait(1 / EVENTS_A_SECOND):
            say()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        ended.set()
        writer.join()


def measure_dashboard(root: Path, steps: int, seconds: float) -> None:
    """Print what the dashboard takes."""
    ids = write_runs(root / "home", steps)
    _opened(_dashboard(root / "home"))  # the summaries are cached from now on
    _say("mabe-tui, home", _opened(_dashboard(root / "home")))
    _say("mabe-tui, a run", _opened(_dashboard(root / "home", ids[0])))
    live = LiveRun(root / "live")
    with _saying(live.say):
        _live("mabe-tui, home, live", _dashboard(root / "live"), seconds)
        _live("mabe-tui, a run, live", _dashboard(root / "live", live.run.id), seconds)


def measure_leet(python: str, root: Path, steps: int, seconds: float) -> None:
    """Print what LEET takes."""
    runs = write_wandb(python, root / "peer", steps)
    _say("wandb leet, all runs", _opened(_leet(python, root / "peer" / "wandb")))
    _say("wandb leet, a run", _opened(_leet(python, runs[0])))
    folder = root / "peer-live"
    folder.mkdir()
    command = [python, "-c", LOGGER, str(folder), "-", "live"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as logger:
        values = history(0, 1_000_000)
        assert logger.stdin is not None
        lines = logger.stdin

        def say() -> None:
            lines.write(json.dumps(next(values)) + "\n")
            lines.flush()

        for _ in range(2_000):
            say()
        with _saying(say):
            while not (found := sorted((folder / "wandb").glob("offline-run-*"))):
                time.sleep(0.2)
            _live("wandb leet, all, live", _leet(python, folder / "wandb"), seconds)
            _live("wandb leet, a run, live", _leet(python, found[0]), seconds)
        lines.close()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--wandb", help="the interpreter of an environment that has wandb")
    parser.add_argument("--alone", action="store_true", help="measure the dashboard only")
    chosen = parser.parse_args()
    print(
        f"{RUNS} runs of {chosen.steps:,} steps, {SIZE[0]} × {SIZE[1]}; load {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        measure_dashboard(root, chosen.steps, chosen.seconds)
        if chosen.alone:
            return
        python = chosen.wandb or wandb_python(root / "venv")
        if python is None:
            print("wandb could not be installed, so there is nothing to compare with")
            return
        measure_leet(python, root, chosen.steps, chosen.seconds)
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
