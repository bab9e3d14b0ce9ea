"""Reading all runs again and again, in threads, as often as it is cheap."""

import datetime as dt
import time
from collections.abc import Callable, Collection, Sequence

import msgspec
from textual.message import Message

from mabe_tui.runs.comparison.told_apart import Distinctions
from mabe_tui.runs.listing.catalog import Catalog, Told
from mabe_tui.runs.listing.measured import Measured, measured_run, measured_version
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.listing.view_state import Arrangement, ViewState

FASTEST_SECONDS, SHARE = 1.0, 50
"""The runs that are alive are looked at after a second, or after so many times what that took."""
THOROUGH_SECONDS, THOROUGH_SHARE = 10.0, 300
"""The same of all runs, those that have ended too."""
UNSEEN = 5
"""So many times as seldom while another screen is in front: for notices alone."""


class Readings(Message):
    """The runs as they are, and what a person has arranged."""

    def __init__(
        self,
        records: list[RunRecord],
        arrangement: Arrangement,
        seconds: float,
    ) -> None:
        super().__init__()
        self.records, self.arrangement = records, arrangement
        self._seconds = seconds

    def pause(self, is_seen: bool) -> float:
        """Say how many seconds later to look again."""
        return max(FASTEST_SECONDS, SHARE * self._seconds) * (1 if is_seen else UNSEEN)


class Underway(Message):
    """All runs are being read; those that have been."""

    def __init__(self, records: list[RunRecord], total: int) -> None:
        super().__init__()
        self.records, self.total = records, total


class Unheard(Message):
    """Runs elsewhere were asked; why some could not be heard."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__()
        self.problems = problems


class ToldApart(Message):
    """Differences from the baseline were held against luck."""

    def __init__(self, is_news: bool) -> None:
        super().__init__()
        self.is_news = is_news
        """Whether any row looks otherwise now."""


class Reader:
    """What is done in threads; nothing here touches a widget.

    Args:
        catalog: of all runs.
        state: what a person has arranged.
        now: the clock of running times.
        distinctions: takes in which differences from the baseline are more than luck.
    """

    def __init__(
        self,
        catalog: Catalog,
        state: ViewState,
        now: Callable[[], dt.datetime],
        distinctions: Distinctions,
    ) -> None:
        self._catalog, self._state, self._now = catalog, state, now
        self._distinctions = distinctions
        self._thorough_at = 0.0
        self._last = 0.0

    def read(self, thorough: bool, told: Told | None = None) -> Readings:
        """Read what may have changed.

        Args:
            thorough: look at runs that have ended as well; otherwise that is done when it is time.
            told: of the runs that have been read, where reading all takes long.

        Raises:
            RunError: the folder of runs cannot be listed.
        """
        began = time.monotonic()
        if thorough or began >= self._thorough_at:
            records = self._catalog.records(self._now(), told)
            seconds = time.monotonic() - began
            self._thorough_at = began + max(THOROUGH_SECONDS, THOROUGH_SHARE * seconds)
        else:
            records = self._catalog.glance(self._now())
            self._last = time.monotonic() - began
        # Where screens were left is no news: each key typed in a filter would have all drawn again.
        arrangement = msgspec.structs.replace(self._state.read(), screens={})
        return Readings(records, arrangement, self._last)

    def tell_apart(
        self, baseline: Measured, records: Sequence[RunRecord], versions: Collection[str]
    ) -> ToldApart:
        """Hold every run and version against the baseline, as `mabe compare` would."""
        ones = [measured_version(version, records) for version in versions]
        ones += [measured_run(record) for record in records]
        return ToldApart(self._distinctions.find(ones, baseline, records))

    def ask_elsewhere(self) -> Unheard:
        """Hear what runs elsewhere say, over the network."""
        return Unheard(self._catalog.refresh())
