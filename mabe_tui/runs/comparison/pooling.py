"""What a version came to over all folds: the rows of each fold together, every unit once."""

from collections.abc import Sequence

from core.errors import DataError
from core.run.request import pooled_source
from mabe_tui.runs.comparison.judgement import WhichEpoch
from mabe_tui.runs.comparison.version_tables import Table, read_table
from mabe_tui.runs.listing.fold_metrics import metrics_of
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.tasks import spec_of


def table_of(runs: Sequence[RunEntry], epoch: WhichEpoch) -> Table:
    """Return where the rows of an epoch are, of one run or of those of all folds."""
    tables = tuple(entry.run.evaluation_of(epoch) for entry in runs)
    return tables[0] if len(tables) == 1 else tables


def source_of(runs: Sequence[RunEntry]) -> str | None:
    """Return what is the same only for the same validation units; ``None`` where that is not known."""
    found = [entry.require_request().resolved for entry in runs]
    return pooled_source([each.validation_source if each else None for each in found])


def pooled_metrics(runs: Sequence[RunEntry], epoch: WhichEpoch) -> dict[str, float]:
    """Return the metrics over the units of all folds, each scored by the model that has not seen it.

    These are the ones that follow from rows. Empty where a run kept none.
    """
    try:
        rows = read_table(table_of(runs, epoch))
    except DataError:
        return {}
    spec = spec_of(runs[0].require_request().experiment)
    return metrics_of(rows.pooled.tolist(), spec, rows.labels)
