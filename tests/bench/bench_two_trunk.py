"""The two-trunk network: training steps and whole videos, against textbook networks of the same shape.

Run, from the root of the repository: ``python -m tests.bench.bench_two_trunk [--json]``. On a GPU:
``python -m tests.bench.bench_two_trunk --precision bf16 fp32 --compile off on --batch 64 256``. ``--small``
only tries the command out.

A batch holds as many pairs as single subjects, in windows of 512 frames. ``train`` is forward, loss, backward
and AdamW on a batch that is there; ``predict`` goes through a video of two ordered pairs and two single
subjects whose features are there. The reference has the same layers as torch's own modules, and no other
difference between rows: Conv1d instead of channels-last images, ``nn.GRU``, ``nn.TransformerEncoder``, Conv1d
with BatchNorm; it predicts windows that overlap by half. Both work in turns. A row-frame is one frame of one
row.

On a CPU with one thread, times are the process's CPU seconds, which other work on the machine disturbs
little; else they are wall seconds. The last columns are what 200 videos of 18,000 frames take one member,
four rows each: from the measured rate, and on a T4 by arithmetic alone (:class:`T4`).
"""

import argparse
import itertools
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import msgspec
import torch
from torch import Tensor, nn

from core.losses.multilabel import MultilabelLoss
from core.models.chunking import Chunking
from core.models.folding import folded
from core.models.overlap import Numbers, predict_rows
from core.models.trunks import DEFAULT_LAYERS
from core.models.two_trunk import TwoTrunk
from core.system.machine import choose_device, device_name
from tests.bench.two_trunk_reference import Reference

FEATURES, SELF_FEATURES, OUTPUTS, SELF_OUTPUTS, WINDOW = 156, 74, 37, 11, 512
IS_PAIR = torch.tensor([True, True, False, False])
DROPOUT = 0.1
VIDEOS, FRAMES = 200, 18_000
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
Work = Callable[[], None]


class T4(msgspec.Struct, frozen=True):
    """What is assumed of Kaggle's T4; nothing of it is measured."""

    teraflops: float = 8.1
    """Peak in float32, by its data sheet; in float16 it has 65."""
    share: float = 0.35
    """Of it that convolutions and matrix products of these widths reach."""
    step_microseconds: float = 20.0
    """One step of one direction of a recurrent layer takes no less, whatever the batch."""
    batch: int = 64

    def seconds(self, row_frames: float, flops: float, recurrent_layers: int) -> float:
        """Return what prediction takes; context that is read and dropped is among the row-frames."""
        arithmetic = row_frames * flops / (self.teraflops * 1e12 * self.share)
        steps = row_frames / self.batch * 2 * recurrent_layers
        return max(arithmetic, steps * self.step_microseconds / 1e6)


class Line(msgspec.Struct, frozen=True):
    """One set-up; rates are thousand row-frames a second, ratios how many times as fast as the reference."""

    trunk: str
    width: int
    parameters: int
    precision: str
    compiled: bool
    batch: int
    steps_a_second: float | None
    """None, as are the next two, where only prediction is measured."""
    train_rate: float | None
    train_ratio: float | None
    predict_rate: float
    predict_ratio: float
    megaflops: float
    """Of a forward pass, of one row-frame, the mean over both kinds of rows."""
    member_hours: float
    t4_minutes: float


class Result(msgspec.Struct, frozen=True):
    """What is printed."""

    device: str
    torch: str
    threads: int
    frames: int
    peak_gibibytes: float
    """Of the device on a GPU, else of the process, over all set-ups."""
    t4: T4
    lines: list[Line]


class Bench:
    """Measures set-ups on one device."""

    def __init__(self, options: argparse.Namespace, device: torch.device) -> None:
        self.options, self.device = options, device
        one_thread = device.type == "cpu" and torch.get_num_threads() == 1
        self.clock = time.process_time if one_thread else time.perf_counter

    def measure(self, kind: str, width: int, precision: str, compiled: bool, batch: int) -> Line:
        """Measure one set-up beside its reference."""
        torch.manual_seed(0)
        model = TwoTrunk(
            FEATURES, OUTPUTS, range(SELF_OUTPUTS), {"lab": 22, "sex": 3}, SELF_FEATURES,
            trunk=kind, width=width, heads=width // 32, dropout=DROPOUT,
        ).to(self.device)  # fmt: skip
        reference = Reference(kind, FEATURES, width, OUTPUTS, DROPOUT).to(self.device)
        steps: list[float] = []
        if self.options.parts != "predict":
            forward = torch.compile(model, dynamic=False) if compiled else model
            steps = self.in_turns(
                self.training(model, forward, precision, batch),
                self.training(reference, reference, precision, batch),
            )
        chunking = model.chunking(WINDOW)
        half = Chunking(WINDOW // 2, WINDOW // 4, batch=16)
        if self.device.type == "cuda":
            chunking, half = (replace(chunks, batch=T4().batch) for chunks in (chunking, half))
        videos = self.in_turns(
            self.predicting(folded(model).to(self.device), chunking, precision),
            self.predicting(reference, half, precision),
        )
        rate = len(IS_PAIR) * self.options.frames / videos[0]
        wanted = VIDEOS * FRAMES * len(IS_PAIR)
        flops = flops_a_frame(model, WINDOW)
        return Line(
            trunk=kind,
            width=width,
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            precision=precision,
            compiled=compiled,
            batch=batch,
            steps_a_second=1 / steps[0] if steps else None,
            train_rate=batch * WINDOW / steps[0] / 1000 if steps else None,
            train_ratio=steps[1] / steps[0] if steps else None,
            predict_rate=rate / 1000,
            predict_ratio=videos[1] / videos[0],
            megaflops=flops / 1e6,
            member_hours=wanted / rate / 3600,
            t4_minutes=T4().seconds(
                wanted * chunking.length / chunking.frames,
                flops,
                DEFAULT_LAYERS["bigru"] if kind == "bigru" else 0,
            )
            / 60,
        )

    def training(self, model: nn.Module, forward: nn.Module, precision: str, batch: int) -> Work:
        """Return what makes some steps."""
        inputs = rows_of(
            torch.randn(batch, WINDOW, FEATURES), torch.arange(batch) < batch // 2, self.device
        )
        targets = (torch.rand(batch, WINDOW, OUTPUTS) < 0.05).to(self.device)
        mask = (torch.rand(batch, OUTPUTS) < 0.4).to(self.device)
        weights = torch.ones(batch, WINDOW, device=self.device)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
        scaler = torch.amp.GradScaler(self.device.type, enabled=precision == "fp16")
        loss = MultilabelLoss()

        def step() -> None:
            model.train()
            optimizer.zero_grad(set_to_none=True)
            with self.autocast(precision):
                found = loss(forward(inputs), targets, mask, weights)
            torch.autograd.backward(scaler.scale(found.total / found.weight))
            scaler.step(optimizer)
            scaler.update()

        return step

    def predicting(self, model: nn.Module, chunking: Chunking, precision: str) -> Work:
        """Return what predicts a video."""
        frames = self.options.frames
        video = torch.randn(len(IS_PAIR), frames, FEATURES, device=self.device)

        def read(rows: Numbers, starts: Numbers, length: int) -> dict[str, Tensor]:
            places = zip(rows.tolist(), starts.tolist(), strict=True)
            windows = torch.stack([video[row, start : start + length] for row, start in places])
            return rows_of(windows, IS_PAIR[torch.from_numpy(rows)], self.device)

        def predict() -> None:
            with self.autocast(precision):
                predict_rows(model, read, len(IS_PAIR), frames, torch.sigmoid, chunking)

        return predict

    def autocast(self, precision: str) -> torch.autocast:
        """Return the context in which the model computes."""
        kind = PRECISIONS[precision]
        return torch.autocast(self.device.type, kind, enabled=kind != torch.float32)

    def in_turns(self, *works: Work) -> list[float]:
        """Return the median seconds of each."""
        for work in works:
            self.seconds(work)
        taken = [[self.seconds(work) for work in works] for _ in range(self.options.rounds)]
        return [statistics.median(found) for found in zip(*taken, strict=True)]

    def seconds(self, work: Work) -> float:
        """Return what one call takes, everything that the device does for it included."""
        self.wait()
        began = self.clock()
        work()
        self.wait()
        return self.clock() - began

    def wait(self) -> None:
        """Wait until the device has done all it was told to."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def peak(self) -> float:
        """Return the most memory that was in use, in GiB."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 2**30
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def rows_of(features: Tensor, is_pair: Tensor, device: torch.device) -> dict[str, Tensor]:
    """Return the inputs of rows of one lab."""
    ids = torch.zeros(len(is_pair), dtype=torch.int64)
    known = {"is_pair": is_pair, "lab": ids, "sex": ids, "fps": torch.full((len(ids),), 30.0)}
    return {"features": features.to(device), **{name: t.to(device) for name, t in known.items()}}


def flops_a_frame(model: TwoTrunk, window: int) -> float:
    """Return operations a row-frame, the mean of the two trunks.

    Each weight that is applied to frames multiplies and adds once; attention compares with every frame of
    the window and adds them up.
    """
    weights = sum(
        parameter.numel()
        for name, parameter in model.named_parameters()
        if parameter.dim() > 1 and "embeddings" not in name and "known" not in name
    )
    attention = sum(
        4 * window * part.query_key_value.in_features
        for part in model.modules()
        if hasattr(part, "query_key_value")
    )
    return (2 * weights + attention) / 2


def table(result: Result) -> str:
    """Lay a result out for people."""
    about = (
        f"{result.device}, torch {result.torch}, {result.threads} thread(s), a video of"
        f" {result.frames:,} frames; peak {result.peak_gibibytes:.1f} GiB; {result.t4}"
    )
    lines = [
        about,
        "",
        "| trunk | width | parameters | as | batch | steps/s | training | predicting | MFLOP | member | T4 |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for line in result.lines:
        way = f"{line.precision}{', compiled' if line.compiled else ''}"
        trained = "| |"
        if line.steps_a_second is not None:
            trained = (
                f"| {line.steps_a_second:.2f} | {line.train_rate:.1f} k/s ({line.train_ratio:.2f}×)"
            )
        lines.append(
            f"| {line.trunk} | {line.width} | {line.parameters:,} | {way} | {line.batch} {trained}"
            f" | {line.predict_rate:.1f} k/s ({line.predict_ratio:.2f}×) | {line.megaflops:.1f}"
            f" | {line.member_hours:.2f} h | {line.t4_minutes:.1f} min |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print a table or JSON."""
    options = _parser().parse_args(arguments)
    device = choose_device(options.device)
    torch.set_num_threads(options.threads)
    small = {"widths": [64], "batch": [2], "frames": 600, "rounds": 1}
    usual = {"widths": [64, 128, 256], "batch": [16], "frames": FRAMES // 3, "rounds": 2}
    for name, value in (small if options.small else usual).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    bench = Bench(options, device)
    setups = itertools.product(
        options.trunks, options.widths, options.precision, options.compile, options.batch
    )
    lines = []
    for trunk, width, precision, compiling, batch in setups:
        print(f"{trunk} {width} {precision} {batch} …", file=sys.stderr, flush=True)
        lines.append(bench.measure(trunk, width, precision, compiling == "on", batch))
    result = Result(
        device=device_name(device),
        torch=str(torch.__version__),
        threads=options.threads,
        frames=options.frames,
        peak_gibibytes=bench.peak(),
        t4=T4(),
        lines=lines,
    )
    print(msgspec.json.encode(result).decode() if options.json else table(result))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--trunks", nargs="+", choices=[*DEFAULT_LAYERS], default=[*DEFAULT_LAYERS])
    parser.add_argument("--widths", nargs="+", type=int)
    parser.add_argument("--precision", nargs="+", choices=[*PRECISIONS], default=["fp32"])
    parser.add_argument("--compile", nargs="+", choices=["off", "on"], default=["off"])
    parser.add_argument("--batch", nargs="+", type=int)
    parser.add_argument("--frames", type=int, help="of the video that is predicted")
    parser.add_argument("--parts", choices=["all", "predict"], default="all")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--small", action="store_true", help="see that it works")
    parser.add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    main()
