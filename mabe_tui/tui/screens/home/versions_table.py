"""The registry as a table: each version with its description and results."""

from collections.abc import Collection, Sequence

from textual import on
from textual.message import Message

from core.config.registry import Registry
from core.errors import UserError
from mabe_tui.runs.comparison.told_apart import Distinctions
from mabe_tui.runs.listing.experiments import (
    ExperimentCache,
    ExperimentRow,
    experiment_rows,
    shared_label,
)
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.tui.screens.home.rows import (
    EXPERIMENTS,
    FIGURES,
    experiment_columns,
    experiment_row,
    known_order,
    sorted_versions,
)
from mabe_tui.tui.widgets.table import RowTable


class VersionsTable(RowTable):
    """One row per version. Clicking a header sorts by it, then reverses, then restores the order."""

    class Sorted(Message):
        """The sort order changed; ``key`` is ``None`` for the registry's own order."""

        def __init__(self, key: str | None, descending: bool) -> None:
            super().__init__()
            self.key, self.descending = key, descending

    def __init__(
        self,
        sort: str | None,
        descending: bool,
        *,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(EXPERIMENTS, id=id, classes=classes)
        self.sorted_by, self.descending = known_order(sort), descending
        self.registry: Registry | None = None
        """The registry that is shown."""
        self._cache = ExperimentCache()
        self._versions: Sequence[ExperimentRow] = ()
        self._marked: Collection[str] = ()

    def show_versions(
        self,
        registry: Registry,
        records: Sequence[RunRecord],
        baseline: str | None,
        marked: Collection[str],
        distinctions: Distinctions,
    ) -> None:
        """Show the current registry and runs.

        Args:
            registry: the versions.
            records: all runs, newest first.
            baseline: the version or run to compare with; ignored if it no longer exists.
            marked: the marked versions.
            distinctions: tells which differences are significant.
        """
        try:
            rows = experiment_rows(registry, records, baseline, self._cache, distinctions)
        except UserError:  # the pinned run was removed
            rows = experiment_rows(registry, records, None, self._cache)
        self.registry, self._versions, self._marked = registry, rows, marked
        self._draw()

    def last_run(self, version: str | None) -> str | None:
        """Return the id of a version's latest run."""
        return next((row.last_run for row in self._versions if row.version == version), None)

    @on(RowTable.HeaderClicked)
    def _sort_by_header(self, message: RowTable.HeaderClicked) -> None:
        message.stop()
        largest_first = self._is_largest_first(message.column)
        if message.column != self.sorted_by:
            key: str | None = message.column
            falls = largest_first
        elif self.descending is largest_first:
            key, falls = message.column, not largest_first
        else:
            key, falls = None, False
        self.mark_sorted(key, falls)
        self._draw()
        self.post_message(self.Sorted(key, falls))

    def _is_largest_first(self, key: str) -> bool:
        """Return whether sorting by a column starts with the largest: figures, unless smaller is better."""
        is_figure = next(column.align == "right" for column in EXPERIMENTS if column.key == key)
        rises = any(row.metric_rises for row in self._versions)
        return is_figure and (rises or key not in FIGURES)

    def _draw(self) -> None:
        rows = self._versions
        label = shared_label(rows)
        self.head(experiment_columns(label))
        if self.sorted_by is not None:
            rows = sorted_versions(rows, self.sorted_by, self.descending)
        self.show([experiment_row(row, self._marked, label is None) for row in rows])
