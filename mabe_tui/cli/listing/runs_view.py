"""The contents of one ``mabe runs``, which can be read repeatedly."""

import itertools
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from core.errors import RunError
from core.run import places
from mabe_tui.cli.session import Session
from mabe_tui.cli.terminal.output import say
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.comparison.told_apart import Distinctions
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.fields import TOLD_APART, Row
from mabe_tui.runs.listing.measured import Measured, measured_name, measured_run
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.listing.row_cache import RowCache
from mabe_tui.runs.listing.table import Arranged, arranged
from mabe_tui.runs.listing.view_state import SavedView, ViewState
from mabe_tui.runs.store import RunStore


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The options that are not part of the query."""

    states: frozenset[RunState] = frozenset()
    """``None`` for all."""
    version: str | None = None
    tag: str | None = None

    def passes(self, row: Row, record: RunRecord) -> bool:
        """Return whether a run is shown."""
        summary = record.summary
        return (
            (not self.states or summary.state in self.states)
            and self.version in (None, row["version"])
            and (self.tag is None or self.tag in summary.tags)
        )


@dataclass
class Listing:
    """The runs of a session, filtered and sorted."""

    session: Session
    view: SavedView
    narrowed: Narrowed = Narrowed()
    baseline: str | None = None
    """As typed by the user; ``None`` for the saved baseline, if any."""
    limit: int = 0
    """0 for all."""
    reverse: bool = False
    catalog: Catalog = field(init=False)

    def __post_init__(self) -> None:
        store = RunStore(self.session.home)
        self.catalog = Catalog(store)
        self._cache = RowCache()
        self._distinctions = Distinctions(places.runs(self.session.home))
        kept = ViewState(self.session.home).read()
        self._pinned = kept.pinned
        stated = self.baseline is not None
        self._baseline = baseline_name(store, self.baseline) if stated else kept.baseline
        self._may_be_gone = not stated

    def read(self) -> tuple[Arranged, Mapping[str, RunRecord]]:
        """Return the current table, and all records by id.

        Raises:
            UserError: the query or a key is invalid, or the baseline does not exist.
        """
        records = self.catalog.records()
        by_id = {record.id: record for record in records}
        table = self._arranged(records, self.view)
        if self.reverse:
            turned = msgspec.structs.replace(self.view, descending=not table.descending)
            table = self._arranged(records, turned)
        passing = (row for row in table.rows if self.narrowed.passes(row, by_id[str(row["id"])]))
        shown = list(itertools.islice(passing, min(self.limit, sys.maxsize) or None))
        return replace(table, rows=self._with_told_apart(shown, by_id)), by_id

    def _with_told_apart(self, rows: list[Row], by_id: Mapping[str, RunRecord]) -> list[Row]:
        """Return the rows, with the significance of their differences if there is a baseline."""
        records = [*by_id.values()]
        held = self._held_against(records)
        if held is None:
            return rows
        self._distinctions.find(
            (measured_run(by_id[str(row["id"])]) for row in rows), held, records
        )
        return [{**row, TOLD_APART: self._distinctions.known(str(row["id"]), held)} for row in rows]

    def _arranged(self, records: list[RunRecord], view: SavedView) -> Arranged:
        held = self._held_against(records)
        return arranged(records, view, baseline=held, pinned=self._pinned, cache=self._cache)

    def _held_against(self, records: list[RunRecord]) -> Measured | None:
        if self._baseline is None:
            return None
        try:
            return measured_name(self._baseline, records)
        except RunError as error:
            if not self._may_be_gone:
                raise
            say(f"mabe: no Δ against the pinned baseline: {error}")
            self._baseline = None
            return None


def nothing_listed(records: Mapping[str, RunRecord]) -> str:
    """Return why a table of runs is empty: no runs exist, or none matches the filter."""
    if not records:
        return "no runs yet; `mabe run VERSION` starts one"
    return "no run here passes the filter; `mabe runs` lists all"


def baseline_name(store: RunStore, name: str | None) -> str | None:
    """Return the version or run id that a name refers to.

    Raises:
        RunError: no such version or run exists.
    """
    if name is None or any(entry.version == name for entry in store.entries()):
        return name
    return store.find(name).id
