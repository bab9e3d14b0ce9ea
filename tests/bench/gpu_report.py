"""The measurements, projections and report of ``bench_gpu``."""

import msgspec
import numpy as np

from core.config.registry import default_path, load
from core.frames.windows import phased_windows, training_windows
from core.tasks.behaviour.settings import BehaviourExperiment
from tests.bench.profile_step import Profile, as_text

VIDEOS, FRAMES, WINDOW = 863, 18_000, 100
STRIDES = {"stride 25": 25, "stride 50": 50, "no overlap": WINDOW}
DOCUMENTS = "the documents, on an H100"
EXPECTED = (
    "conv_bilstm bf16 × 384: arithmetic floor 0.65 ms, expected 5 to 9 ms for the latency of its"
    " recurrence; the aim is at most 5 ms a batch, and 5 s an epoch at the best stride"
)


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured."""

    model: str
    precision: str
    compiled: bool
    batch: int
    workers: int

    def __str__(self) -> str:
        compiled = ", compiled" if self.compiled else ""
        return f"{self.model} {self.precision} × {self.batch}, {self.workers} workers{compiled}"

    @property
    def experiment(self) -> BehaviourExperiment:
        """v6 so changed; an architecture other than its own with that one's own widths."""
        overrides = [
            f"training.batch_size={self.batch}",
            f"training.mixed_precision={'none' if self.precision == 'fp32' else self.precision}",
            f"hardware.loader_workers={self.workers}",
        ]
        if self.model != "conv_bilstm":
            overrides += [f"model.name={self.model}", "model.channels=none"]
        return load(default_path()).experiment("v6", overrides)


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What was found; times are milliseconds."""

    setup: Setup
    problem: str | None
    """Why it could not be compiled."""
    step: float
    model: float
    batch: float
    epochs: dict[str, float]
    """Seconds of an epoch of all videos, by windows."""
    whole_epoch: float | None
    """Seconds of an epoch of the data at hand at stride 25."""
    gibibytes: float | None
    """Most that was held on the device."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything, for ``--json``."""

    device: str
    torch: str
    cuda: str | None
    cudnn: int | None
    frames: int
    measured: list[Measured]
    profile: Profile | None


def epochs(step_ms: float, batch: int) -> dict[str, float]:
    """Project the seconds of an epoch over all videos."""
    seconds = {}
    for name, stride in STRIDES.items():
        cut = phased_windows if stride == WINDOW else training_windows
        windows = VIDEOS * len(cut([0], np.array([FRAMES]), WINDOW, stride))
        seconds[name] = -(-windows // batch) * step_ms / 1000
    return seconds


def table(report: Report) -> str:
    """Lay the report out, its table last."""
    columns = "".join(f"{name:>12}" for name in STRIDES)
    full = f"{VIDEOS} videos × {FRAMES:,} frames"
    lines = [
        f"{report.device}, torch {report.torch}, CUDA {report.cuda}, cuDNN {report.cudnn}",
        f"{report.frames:,} frames to train on; milliseconds; right: seconds an epoch, {full}",
        f"{'':46}{'step':>9}{'model':>9}{'batch':>9}{'frames/s':>12}{columns}{'GiB':>7}",
    ]
    for each in report.measured:
        lines += _rows(each)
    lines += [f"{DOCUMENTS:46}{50:9.2f}{'':30}{'50 s an epoch':>24}", EXPECTED]
    if report.profile is not None:
        lines = [as_text(report.profile, report.measured[0].step), *lines]
    return "\n".join(lines)


def _rows(of: Measured) -> list[str]:
    rate = of.setup.batch * WINDOW / of.step * 1000
    seconds = "".join(f"{each:10.1f} s" for each in of.epochs.values())
    memory = "-" if of.gibibytes is None else f"{of.gibibytes:.1f}"
    times = f"{of.step:9.2f}{of.model:9.2f}{of.batch:9.2f}"
    rows = [f"{of.setup!s:46}{times}{rate:12,.0f}{seconds}{memory:>7}"]
    if of.problem:
        rows.append(f"    not compiled: {of.problem}")
    if of.whole_epoch is not None:
        rows.append(f"    a whole epoch of the data at hand: {of.whole_epoch:.1f} s")
    return rows
