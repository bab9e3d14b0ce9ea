"""What a run may use: time, and money at the price of the GPU that each of its attempts was given."""

import msgspec

from core.config.gpus import match_device
from core.run.history import History

HOUR = 3600
"""Seconds."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run may use, counted over all its attempts; the job itself keeps to it."""

    seconds: float | None = None
    attempt_seconds: float | None = None
    """For one attempt: a launcher's own time-out, less what a checkpoint needs."""
    cost_usd: float | None = None
    usd_per_hour: float | None = None
    """Of the machine, with the most expensive GPU that it may have; ``None`` where nobody charges, or a
    price is not known."""
    gpu_usd_per_hour: dict[str, float] = {}
    """Where one of several GPUs is taken, the machine's price with each, by the name it was asked for by."""
    unpriced: tuple[str, ...] = ()
    """GPUs whose price is not known here."""

    @property
    def is_rented(self) -> bool:
        """Whether somebody charges for the machine, known price or not."""
        return self.usd_per_hour is not None or bool(self.unpriced)

    @property
    def least_usd_per_hour(self) -> float | None:
        """The price with the cheapest GPU that the machine may have; ``None`` where one is not known."""
        if self.usd_per_hour is None:
            return None
        return min(self.gpu_usd_per_hour.values(), default=self.usd_per_hour)

    def price_on(self, device_name: str | None) -> float | None:
        """Return the dollars an hour on a device; on one that is not known yet, the most it may be."""
        gpus = (*self.gpu_usd_per_hour, *self.unpriced)
        found = match_device(device_name, gpus) if self.gpu_usd_per_hour else None
        return self.usd_per_hour if found is None else self.gpu_usd_per_hour.get(found)

    def cost_of(self, seconds: float | None, device_name: str | None = None) -> float | None:
        """Return the dollars that a time costs; ``None`` where nobody charges or it is not known."""
        price = self.price_on(device_name)
        return None if price is None or seconds is None else price * seconds / HOUR

    def spent(self, history: History, further: float = 0.0) -> float | None:
        """Return the dollars of all attempts, each at the price of the GPU it reported.

        Args:
            history: what the run said.
            further: seconds that the newest attempt has gone on, or will go on, since its last event.
        """
        newest = history.attempts[-1] if history.attempts else ""
        parts = [
            self.cost_of(seconds, history.device_names.get(attempt))
            for attempt, seconds in history.attempt_seconds.items()
        ]
        parts.append(self.cost_of(further, history.device_names.get(newest)))
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None


NO_LIMITS = Limits()
