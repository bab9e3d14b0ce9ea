"""Results that the original documents report for a version: shown as ``reported``, never as measured."""

from typing import Annotated

import msgspec
from msgspec import Meta

from core.config.section import Positive, Section


class ReportedPoint(Section, frozen=True):
    """One epoch of a curve that an original document prints."""

    epoch: Positive
    loss: float
    f1_macro: float | None = None
    accuracy: float | None = None
    learning_rate: float | None = None


class Reported(Section, frozen=True):
    """Results in the original documents. Never measured here, and always shown as ``reported``."""

    source: str | None = None
    f1_macro: float | None = None
    best_epoch: Positive | None = None
    epochs: Positive | None = None
    accuracy: float | None = None
    f1: float | None = None
    """Of the positive label, where there are two."""
    precision: float | None = None
    recall: float | None = None
    f1_per_class: dict[str, float] = msgspec.field(default_factory=dict)
    class_shares: dict[str, float] = msgspec.field(default_factory=dict)
    parameters: Annotated[int, Meta(gt=0)] | None = None
    hours: float | None = None
    cost_usd: float | None = None
    seconds_per_epoch: float | None = None
    milliseconds_per_batch: float | None = None
    curve: tuple[ReportedPoint, ...] = ()
