"""A table of runs: filtered, sorted, compared with a baseline."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from core.errors import UserError
from mabe_tui.runs.listing.fields import (
    Fields,
    Row,
    UnknownFieldError,
    largest_first,
    sort_rows,
)
from mabe_tui.runs.listing.measured import Measured
from mabe_tui.runs.listing.query import QueryError, parse
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.listing.row_cache import RowCache
from mabe_tui.runs.listing.view_state import SavedView


@dataclass(frozen=True, slots=True)
class Arranged:
    """A table of runs."""

    rows: list[Row]
    fields: Fields
    """All known keys, also those of rows that the query filtered out."""
    columns: tuple[str, ...]
    """Keys of the view's columns; empty: the default ones."""
    sort: str | None
    """The key that the rows are sorted by; ``None``: newest first."""
    descending: bool


def arranged(
    records: Sequence[RunRecord],
    view: SavedView,
    *,
    baseline: Measured | None = None,
    pinned: Collection[str] = (),
    cache: RowCache | None = None,
) -> Arranged:
    """Filter and sort runs as a view says.

    Args:
        records: newest first, as :meth:`mabe_tui.runs.listing.catalog.Catalog.records` returns them.
        view: query, sorting, columns.
        baseline: the other side of ``delta``.
        pinned: ids of runs for which ``pinned`` is true.
        cache: keeps rows for the next call, for a screen that is redrawn often.

    Raises:
        UserError: the query is invalid, or a key is unknown; says which part of the view, and where.
    """
    cache = cache or RowCache()
    rows = cache.rows(records, baseline, pinned)
    fields = cache.fields
    sort = _resolve(fields, view.sort, "sort") if view.sort else None
    columns = tuple(_resolve(fields, name, "columns") for name in view.columns)
    try:
        rows = parse(view.query, fields).filter(rows)
    except QueryError as error:
        raise UserError(f"{view.query}: {error}") from None
    falls = view.descending
    if sort is not None:
        falls = largest_first(rows, sort) if falls is None else falls
        rows = sort_rows(rows, sort, falls)
    elif falls is False:
        rows.reverse()
    return Arranged(rows, fields, columns, sort, descending=True if falls is None else falls)


def _resolve(fields: Fields, name: str, what: str) -> str:
    try:
        return fields.resolve(name)
    except UnknownFieldError as error:
        raise UserError(f"{what}: {error}") from None
