"""Rows of all runs, built once and rebuilt only after a change."""

from collections.abc import Collection, Sequence

from mabe_tui.runs.listing.fields import DELTA, PINNED, SCORE_DELTA, Fields, Row, row_of
from mabe_tui.runs.listing.measured import Measured, delta, measured_run, score_delta
from mabe_tui.runs.listing.record import RunRecord


class RowCache:
    """The rows that :func:`mabe_tui.runs.listing.table.arranged` filters and sorts."""

    def __init__(self) -> None:
        self._asked: object = None
        self._baseline: Measured | None = None
        self._kept: dict[str, tuple[RunRecord, Measured | None, Row]] = {}
        self._rows: list[Row] = []
        self._fields = Fields()

    def rows(
        self,
        records: Sequence[RunRecord],
        baseline: Measured | None = None,
        pinned: Collection[str] = (),
    ) -> list[Row]:
        """Return the row of each record, in the same order; callers must not change the list.

        Args:
            records: a row is built once per object.
            baseline: the other side of ``delta`` and ``score_delta``.
            pinned: ids of runs for which ``pinned`` is true.
        """
        asked = (tuple(records), baseline, tuple(pinned))
        if asked != self._asked:
            self._asked = asked
            # An equal baseline keeps the object that the rows were built with.
            if baseline != self._baseline:
                self._baseline = baseline
            self._rows = self._made(records, frozenset(pinned))
            self._fields = Fields(self._rows)
        return self._rows

    @property
    def latest(self) -> Sequence[Row]:
        """The rows that were returned last."""
        return self._rows

    @property
    def fields(self) -> Fields:
        """The keys of those rows."""
        return self._fields

    def _made(self, records: Sequence[RunRecord], pinned: Collection[str]) -> list[Row]:
        known, self._kept = self._kept, {}
        for record in records:
            row = self._row(record, known.get(record.id), record.id in pinned)
            self._kept[record.id] = record, self._baseline, row
        return [row for _, _, row in self._kept.values()]

    def _row(
        self,
        record: RunRecord,
        kept: tuple[RunRecord, Measured | None, Row] | None,
        is_pinned: bool,
    ) -> Row:
        of_record = kept[2] if kept is not None and kept[0] is record else None
        if kept and of_record and kept[1] is self._baseline and of_record[PINNED] is is_pinned:
            return of_record
        held = self._baseline
        return {
            **(of_record or row_of(record)),
            **_differences(record, held),
            PINNED: is_pinned,
        }


def _differences(record: RunRecord, held: Measured | None) -> dict[str, float | None]:
    if held is None:
        return {DELTA: None, SCORE_DELTA: None}
    one = measured_run(record)
    return {DELTA: delta(one, held), SCORE_DELTA: score_delta(one, held)}
