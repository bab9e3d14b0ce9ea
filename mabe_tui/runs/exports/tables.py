"""Curves as one long table: CSV or Parquet."""

import csv
from collections.abc import Sequence
from pathlib import Path

from core.system.files import replace_atomically
from mabe_tui.runs.exports.exported import ExportedCurve, iso_time

COLUMNS = ("name", "step", "epoch", "time", "value")
"""One row a point; ``time`` is in UTC."""


def write_csv(curves: Sequence[ExportedCurve], path: Path) -> None:
    """Write a table as CSV; NaN and infinities are ``nan``, ``inf`` and ``-inf``.

    Raises:
        UserError: it cannot be written.
    """
    with replace_atomically(path, "w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for each in curves:
            for point in each.points():
                time = iso_time(point.time)
                writer.writerow((point.name, point.step, point.epoch, time, point.value))


def write_parquet(curves: Sequence[ExportedCurve], path: Path) -> None:
    """Write a table as Parquet; ``time`` is a timestamp in microseconds.

    Raises:
        UserError: it cannot be written.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [name for each in curves for name in [each.name] * len(each.value)]
    microseconds = np.rint(np.concatenate([each.time for each in curves]) * 1e6).astype(np.int64)
    table = pa.table(
        {
            "name": pa.array(names).dictionary_encode(),
            "step": np.concatenate([each.step for each in curves]),
            "epoch": np.concatenate([each.epoch for each in curves]),
            "time": pa.array(microseconds, pa.timestamp("us", tz="UTC")),
            "value": np.concatenate([each.value for each in curves]),
        }
    )
    with replace_atomically(path) as file:
        pq.write_table(table, file)
