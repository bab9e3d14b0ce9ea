"""Logs of the training scripts that came before: their epochs, read from what they printed for people.

Two forms are known, an epoch over several lines and an epoch on one::

    Epoch 1/100 (Warmup): lr=0.000133
      Loss: 0.4234, F1: 0.2356, Acc: 0.9768
      Time: 52s

    Epoch 22: Loss: 0.1987, F1: 0.4332, Acc: 0.9823  ← BEST
"""

import math
import re
from collections.abc import Iterable

import msgspec

from core.errors import DataError

EPOCH = re.compile(r"Epoch\s+(?P<epoch>\d+)(?:\s*/\s*(?P<epochs>\d+))?[^:]*:(?P<rest>.*)")
NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|inf)"
FIGURES = {
    "loss": re.compile(rf"\bLoss:\s*{NUMBER}", re.IGNORECASE),
    "f1_macro": re.compile(rf"\bF1:\s*{NUMBER}", re.IGNORECASE),
    "accuracy": re.compile(rf"\bAcc(?:uracy)?:\s*{NUMBER}", re.IGNORECASE),
    "learning_rate": re.compile(rf"\blr\s*[=:]\s*{NUMBER}", re.IGNORECASE),
    "seconds": re.compile(rf"\bTime:\s*{NUMBER}\s*s\b", re.IGNORECASE),
}
BATCH = re.compile(r"^\s*Batch Size:\s*(\d+)", re.IGNORECASE)
RATE = re.compile(rf"^\s*Learning Rate:\s*{NUMBER}", re.IGNORECASE)
DEVICE = re.compile(r"^\s*GPU:\s*(.+?)\s*$", re.IGNORECASE)
DONE = re.compile(r"Training Complete", re.IGNORECASE)


class OldEpoch(msgspec.Struct, kw_only=True):
    """What one epoch said of itself; NaN: nothing."""

    epoch: int
    loss: float = math.nan
    f1_macro: float = math.nan
    accuracy: float = math.nan
    learning_rate: float = math.nan
    seconds: float = math.nan


class OldLog(msgspec.Struct, kw_only=True):
    """What a log tells of its run."""

    epochs: list[OldEpoch] = []
    asked_epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    device: str = ""
    complete: bool = False

    @property
    def best(self) -> OldEpoch | None:
        """The epoch with the highest F1; the earliest where several tie."""
        measured = [epoch for epoch in self.epochs if math.isfinite(epoch.f1_macro)]
        return max(measured, key=lambda epoch: epoch.f1_macro, default=None)


def parse(lines: Iterable[str]) -> OldLog:
    """Read a log; whatever is not understood is passed over.

    Raises:
        DataError: there is no epoch in it.
    """
    log = OldLog()
    by_number: dict[int, OldEpoch] = {}
    current: OldEpoch | None = None
    for line in lines:
        if (match := EPOCH.search(line)) is not None:
            number = int(match["epoch"])
            current = by_number.setdefault(number, OldEpoch(epoch=number))
            if match["epochs"]:
                log.asked_epochs = int(match["epochs"])
            _take_figures(current, match["rest"])
        elif current is not None and line[:1].isspace():
            _take_figures(current, line)
        else:
            _take_header(log, line)
    log.epochs = [by_number[number] for number in sorted(by_number)]
    if not log.epochs:
        raise DataError("no line of it names an epoch, as in `Epoch 22: Loss: 0.1987, F1: 0.4332`")
    return log


def _take_figures(epoch: OldEpoch, text: str) -> None:
    for name, pattern in FIGURES.items():
        if (match := pattern.search(text)) is not None:
            setattr(epoch, name, float(match[1]))


def _take_header(log: OldLog, line: str) -> None:
    if (match := BATCH.match(line)) is not None:
        log.batch_size = int(match[1])
    elif (match := RATE.match(line)) is not None:
        log.learning_rate = float(match[1])
    elif (match := DEVICE.match(line)) is not None:
        log.device = match[1]
    elif DONE.search(line):
        log.complete = True
