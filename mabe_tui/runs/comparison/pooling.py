"""The result of a version over all folds: the rows of all folds together, every unit once."""

from collections.abc import Sequence

from core.errors import DataError
from core.run.request import pooled_source
from mabe_tui.runs.comparison.judgement import WhichEpoch
from mabe_tui.runs.comparison.version_tables import Table, read_table
from mabe_tui.runs.listing.fold_metrics import metrics_of
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.tasks import spec_of


def table_of(runs: Sequence[RunEntry], epoch: WhichEpoch) -> Table:
    """Return where the rows of an epoch are kept, for one run or for those of all folds."""
    tables = tuple(entry.run.evaluation_of(epoch) for entry in runs)
    return tables[0] if len(tables) == 1 else tables


def source_of(runs: Sequence[RunEntry]) -> str | None:
    """Return a digest that only the same validation units share; ``None`` if they are unknown."""
    found = [entry.require_request().resolved for entry in runs]
    return pooled_source([each.validation_source if each else None for each in found])


def pooled_metrics(runs: Sequence[RunEntry], epoch: WhichEpoch) -> dict[str, float]:
    """Return the metrics over the units of all folds, each scored by the model that has not seen it.

    Only metrics that follow from rows are included. Empty if a run kept no rows.
    """
    try:
        rows = read_table(table_of(runs, epoch))
    except DataError:
        return {}
    spec = spec_of(runs[0].require_request().experiment)
    return metrics_of(rows.pooled.tolist(), spec, rows.labels)
