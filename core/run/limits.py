"""Limits of a run: time, and money at the price of the GPU that each of its attempts got."""

import msgspec

from core.config.gpus import match_device
from core.run.history import History

HOUR = 3600
"""In seconds."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of a run over all its attempts; the job itself enforces them."""

    seconds: float | None = None
    attempt_seconds: float | None = None
    """Limit of one attempt: a launcher's own time-out, less the time that a checkpoint needs."""
    cost_usd: float | None = None
    usd_per_hour: float | None = None
    """Price of the machine with the most expensive GPU that it may get; ``None`` if nothing is charged or a
    price is unknown."""
    gpu_usd_per_hour: dict[str, float] = {}
    """If one of several GPUs is taken: the machine's price with each, by the name it was requested by."""
    unpriced: tuple[str, ...] = ()
    """GPUs whose price is unknown here."""

    @property
    def is_rented(self) -> bool:
        """Whether the machine is charged for, at a known price or not."""
        return self.usd_per_hour is not None or bool(self.unpriced)

    @property
    def least_usd_per_hour(self) -> float | None:
        """Price with the cheapest GPU that the machine may get; ``None`` if a price is unknown."""
        if self.usd_per_hour is None:
            return None
        return min(self.gpu_usd_per_hour.values(), default=self.usd_per_hour)

    def price_on(self, device_name: str | None) -> float | None:
        """Return the price in USD per hour on a device; the maximum if the device is not yet known."""
        gpus = (*self.gpu_usd_per_hour, *self.unpriced)
        found = match_device(device_name, gpus) if self.gpu_usd_per_hour else None
        return self.usd_per_hour if found is None else self.gpu_usd_per_hour.get(found)

    def cost_of(self, seconds: float | None, device_name: str | None = None) -> float | None:
        """Return the cost in USD of a duration; ``None`` if nothing is charged or the price is unknown."""
        price = self.price_on(device_name)
        return None if price is None or seconds is None else price * seconds / HOUR

    def spent(self, history: History, further: float = 0.0) -> float | None:
        """Return the cost in USD of all attempts, each at the price of the GPU it reported.

        Args:
            history: the run's events.
            further: seconds that the newest attempt has run, or will run, since its last event.
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
