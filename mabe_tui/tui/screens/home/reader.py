"""Read all runs repeatedly in threads, as often as is cheap."""

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
"""Live runs are read every second, or after this multiple of the time that reading took."""
THOROUGH_SECONDS, THOROUGH_SHARE = 10.0, 300
"""The same for all runs, including those that have ended."""
UNSEEN = 5
"""Factor by which reading slows down, for notices only, while another screen is in front."""


class Readings(Message):
    """The current runs and the user's arrangement."""

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
        """Return the seconds until the next reading."""
        return max(FASTEST_SECONDS, SHARE * self._seconds) * (1 if is_seen else UNSEEN)


class Underway(Message):
    """The runs read so far; reading continues."""

    def __init__(self, records: list[RunRecord], total: int) -> None:
        super().__init__()
        self.records, self.total = records, total


class Unanswered(Message):
    """Remote runs were queried; the reasons why some did not answer."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__()
        self.problems = problems


class ToldApart(Message):
    """Which differences from the baseline are significant."""

    def __init__(self, is_news: bool) -> None:
        super().__init__()
        self.is_news = is_news
        """Whether any row changes its display."""


class Reader:
    """The work done in threads; nothing here touches a widget.

    Args:
        catalog: the catalog of all runs.
        state: the user's arrangement.
        now: the clock for running times.
        distinctions: stores which differences from the baseline are significant.
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
        """Read the runs that may have changed.

        Args:
            thorough: also read runs that have ended; otherwise this happens only when it is due.
            told: called with the runs read so far if reading all takes long.

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
        # View state of screens is left out: each key typed in a filter would cause a redraw.
        arrangement = msgspec.structs.replace(self._state.read(), screens={})
        return Readings(records, arrangement, self._last)

    def tell_apart(
        self, baseline: Measured, records: Sequence[RunRecord], versions: Collection[str]
    ) -> ToldApart:
        """Compare every run and version with the baseline, as `mabe compare` would."""
        ones = [measured_version(version, records) for version in versions]
        ones += [measured_run(record) for record in records]
        return ToldApart(self._distinctions.find(ones, baseline, records))

    def ask_elsewhere(self) -> Unanswered:
        """Query the remote runs over the network."""
        return Unanswered(self._catalog.refresh())
