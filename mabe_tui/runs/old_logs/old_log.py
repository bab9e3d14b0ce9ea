"""Logs of the earlier training scripts: parse epochs from their human-readable output.

Two forms are known, an epoch on several lines and an epoch on one::

    Epoch 1/100 (Warmup): lr=0.000133
      Loss: 0.4234, F1: 0.2356, Acc: 0.9768
      Time: 52s

    Epoch 22: Loss: 0.1987, F1: 0.4332, Acc: 0.9823  ← BEST
"""

import datetime as dt
import math
import re
from collections.abc import Iterable

import msgspec

from core.errors import DataError
from mabe_tui.launch.line_buffer import TimedLine
from mabe_tui.runs.format.units import UNITS

EPOCH = re.compile(
    r"Epoch\s+(?P<epoch>[0-9]{1,6})(?![0-9])(?:\s*/\s*(?P<epochs>[0-9]{1,6})(?![0-9]))?[^:]*:(?P<rest>.*)"
)
NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|inf)"
FIGURES = {
    "validation_loss": re.compile(rf"\bVal(?:id(?:ation)?)?[ _]Loss:\s*{NUMBER}", re.IGNORECASE),
    "loss": re.compile(
        rf"(?<!val[ _])(?<!valid[ _])(?<!validation[ _])(?<![a-z])Loss:\s*{NUMBER}", re.IGNORECASE
    ),
    "f1_macro": re.compile(rf"\bF1:\s*{NUMBER}", re.IGNORECASE),
    "accuracy": re.compile(rf"\bAcc(?:uracy)?:\s*{NUMBER}", re.IGNORECASE),
    "learning_rate": re.compile(rf"\blr\s*[=:]\s*{NUMBER}", re.IGNORECASE),
    "seconds": re.compile(rf"\bTime:\s*{NUMBER}\s*s\b", re.IGNORECASE),
}
BATCH = re.compile(r"^\s*Batch Size:\s*([0-9]{1,6})\b", re.IGNORECASE)
RATE = re.compile(rf"^\s*Learning Rate:\s*{NUMBER}", re.IGNORECASE)
WARMUP = re.compile(r"^\s*Learning Rate:.*\bwarm-?up:?\s*([0-9]{1,6}) epochs?", re.IGNORECASE)
DEVICE = re.compile(r"^\s*GPU:\s*(.+?)\s*$", re.IGNORECASE)
TOTAL = re.compile(r"^\s*Total (?:training )?time:\s*(\S.*?)\s*$", re.IGNORECASE)
DURATION_PART = re.compile(
    r"(\d+(?:\.\d+)?)\s*(hours?|hrs?|h|minutes?|mins?|min|m|seconds?|secs?|s)(?![a-z])[\s,]*",
    re.IGNORECASE,
)
CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d\d(?:\.\d+)?)")
EARLY = re.compile(r"Early stopping (?:triggered|at|after)|Stopped early", re.IGNORECASE)
BEST = re.compile(rf"^\s*Best F1:\s*{NUMBER}\s*\(Epoch\s+(\d+)\)", re.IGNORECASE)
DONE = re.compile(r"Training Complete", re.IGNORECASE)


class OldEpoch(msgspec.Struct, kw_only=True):
    """The values logged for one epoch; ``None``: missing. A malformed number is NaN."""

    epoch: int
    loss: float | None = None
    """Training loss: a log with a single loss is assumed to mean this one."""
    validation_loss: float | None = None
    f1_macro: float | None = None
    accuracy: float | None = None
    learning_rate: float | None = None
    seconds: float | None = None
    time: dt.datetime | None = None
    """Time of the line, if the log has it."""

    @property
    def measured(self) -> dict[str, float]:
        """The measurements at its end."""
        values = {
            "loss": self.validation_loss,
            "f1_macro": self.f1_macro,
            "accuracy": self.accuracy,
        }
        return {name: value for name, value in values.items() if value is not None}

    @property
    def words(self) -> str:
        """The main result, as in ``f1_macro 0.4332 at epoch 22``."""
        return f"f1_macro {_f1(self):.4f} at epoch {self.epoch}"


class OldLog(msgspec.Struct, kw_only=True):
    """The contents of a log."""

    epochs: list[OldEpoch] = []
    """Each once, in order. A run that continued from an earlier epoch replaces the epochs after it."""
    asked_epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    warmup_epochs: int | None = None
    device: str = ""
    complete: bool = False
    stopped_early: bool = False
    claimed_best: tuple[float, int] | None = None
    """F1 and epoch, from the log's own summary: if the log was shortened, it may lack that epoch."""
    total_seconds: float | None = None
    """Duration of the whole training, according to the log's summary."""

    @property
    def best(self) -> OldEpoch | None:
        """The epoch with the highest F1; the earliest of equal ones."""
        measured = [epoch for epoch in self.epochs if math.isfinite(_f1(epoch))]
        return max(measured, key=_f1, default=None)


Told = OldEpoch | str
"""An epoch, or a line that belongs to none."""


class OldLogReader:
    """Parses a log line by line, as it arrives.

    An epoch is returned as soon as it is known to be complete: with its line if that has the measurements,
    else with its ``Time: …``, or with the first line that does not belong to it.
    """

    def __init__(self) -> None:
        self.log = OldLog()
        self._epoch: OldEpoch | None = None
        self._held: list[str] = []
        """The lines of the unfinished epoch."""

    def feed(self, line: str, time: dt.datetime | None = None) -> list[Told]:
        """Parse a line; return the epochs completed by it, and lines that belong to none."""
        if (match := EPOCH.search(line)) is not None:
            return [*self.close(), *self._begin(match, line, time)]
        epoch, is_indented = self._epoch, line[:1].isspace()
        if epoch is not None and is_indented and _take_figures(epoch, line):
            if not self._held:  # it was returned already
                return [line]
            epoch.time = time
            self._held.append(line)
            return self._give() if epoch.seconds is not None else []
        _take_header(self.log, line)
        return [*(self._give() if is_indented else self.close()), line]

    def close(self) -> list[Told]:
        """Finish the open epoch, if there is one: nothing more will follow."""
        given = self._give()
        self._epoch = None
        return given

    def _begin(self, match: re.Match[str], line: str, time: dt.datetime | None) -> list[Told]:
        if match["epochs"]:
            self.log.asked_epochs = int(match["epochs"])
        self._epoch, self._held = OldEpoch(epoch=int(match["epoch"]), time=time), [line]
        _take_figures(self._epoch, match["rest"])
        is_whole = self._epoch.measured.keys() & {"f1_macro", "accuracy"}
        return self._give() if is_whole else []

    def _give(self) -> list[Told]:
        held, self._held = self._held, []
        epoch, epochs = self._epoch, self.log.epochs
        if not held or epoch is None or not (epoch.measured or epoch.loss is not None):
            return [*held]
        while epochs and epochs[-1].epoch >= epoch.epoch:
            epochs.pop()
        epochs.append(epoch)
        return [epoch]


def parse(lines: Iterable[TimedLine]) -> tuple[OldLog, list[Told]]:
    """Parse a log; skip whatever is not recognised.

    Returns:
        Its contents, and its epochs and other lines in the order of the log.

    Raises:
        DataError: there is no epoch in it.
    """
    reader = OldLogReader()
    told = [each for line, time in lines for each in reader.feed(line, time)]
    told += reader.close()
    if not reader.log.epochs:
        raise DataError("no line of it names an epoch, as in `Epoch 22: Loss: 0.1987, F1: 0.4332`")
    return reader.log, told


def _take_figures(epoch: OldEpoch, text: str) -> bool:
    """Add values that the epoch does not have yet; return whether there were any."""
    found = False
    for name, pattern in FIGURES.items():
        if getattr(epoch, name) is None and (match := pattern.search(text)) is not None:
            setattr(epoch, name, float(match[1]))
            found = True
    return found


def _take_header(log: OldLog, line: str) -> None:
    if (match := WARMUP.match(line)) is not None:
        log.warmup_epochs = int(match[1])
    if (match := BATCH.match(line)) is not None:
        log.batch_size = int(match[1])
    elif (match := RATE.match(line)) is not None:
        log.learning_rate = float(match[1])
    elif (match := DEVICE.match(line)) is not None:
        log.device = match[1]
    elif (match := TOTAL.match(line)) is not None:
        log.total_seconds = _seconds_in(match[1])
    elif (match := BEST.match(line)) is not None:
        log.claimed_best = float(match[1]), int(match[2])
    elif EARLY.search(line):
        log.stopped_early = True
    elif DONE.search(line):
        log.complete = True


def _seconds_in(text: str) -> float | None:
    """Parse ``1h 23min``, ``83.5 minutes``, ``4980s`` or ``1:23:00``; ``None`` if it is not a duration."""
    if (clock := CLOCK.fullmatch(text)) is not None:
        return int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3])
    parts = DURATION_PART.findall(text)
    if not parts or DURATION_PART.sub("", text):
        return None
    return sum(float(number) * UNITS[unit[0].lower()] for number, unit in parts)


def _f1(epoch: OldEpoch) -> float:
    return math.nan if epoch.f1_macro is None else epoch.f1_macro
