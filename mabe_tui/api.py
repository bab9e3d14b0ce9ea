"""Runs in a notebook: ``from mabe_tui.api import run, runs``. Reads only, and gives pandas.

Everything here has the numbers of the command with the same name and ``--json``. Missing values are NaN,
``None`` or NaT, whichever the column's type has. docs/api.md has examples.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec
import pandas as pd

from core.config.experiment import flatten
from core.errors import RunError
from core.evaluation.rows import COLUMNS
from core.evaluation.table import read_rows
from core.run.events import READINGS
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.curves.curves import curve, curve_names, curves_named
from mabe_tui.runs.curves.panels import RunNumbers
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.fields import Value
from mabe_tui.runs.listing.table import arranged
from mabe_tui.runs.listing.view_state import SavedView
from mabe_tui.runs.reading.points import OF_EPOCHS, OF_STEPS, PLACE, Table
from mabe_tui.runs.session import Session
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.run_summary import summary_of

__all__ = ["Run", "run", "runs"]

X = Literal["epoch", "step", "time", "dollars"]
SUPERSEDED = "superseded"


def runs(
    where: str = "", sort: str | None = None, *, home: str | Path | None = None
) -> pd.DataFrame:
    """Return all runs, newest first, one row each; the index is the id.

    The columns are the keys of ``mabe runs --where``: ``state``, ``best_score``, ``f1_macro``,
    ``best.f1_macro``, ``training.batch_size``, … Nothing is asked of a rented machine: its run has the
    state of the last ``mabe runs`` or ``sync``.

    Args:
        where: only runs that pass this filter, as in ``mabe runs --where``.
        sort: a key to sort by, largest (or A) first.
        home: the home folder; by default, that of the command line.

    Raises:
        RunError: the home has no runs.
        UserError: the filter or the key is invalid; says where.
    """
    store = _store(home)
    records = Catalog(store).records()
    if not records:
        raise RunError(f"{store.folder}: no runs yet; `mabe run VERSION` starts one")
    table = arranged(records, SavedView(query=where, sort=sort))
    rows = [[_plain(row.get(key)) for key in table.fields.keys] for row in table.rows]
    return pd.DataFrame(rows, columns=list(table.fields.keys)).set_index("id")


def run(name: str = "last", *, home: str | Path | None = None) -> "Run":
    """Find one run, by its id, a unique prefix or its last four characters, a version, or ``last``.

    Args:
        name: as for ``mabe status``.
        home: the home folder; by default, that of the command line.

    Raises:
        RunError: there is no such run, several, or none at all.
    """
    return Run(_store(home).find(name))


class Run:
    """One run. What it has is read when first asked for, and then kept: make another to read again."""

    def __init__(self, entry: RunEntry) -> None:
        self._entry = entry

    def __repr__(self) -> str:
        return f"Run({self.id!r})"

    @property
    def id(self) -> str:
        """The run's id."""
        return self._entry.id

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self._entry.run.path

    @cached_property
    def summary(self) -> dict[str, Any]:
        """State, best epoch, metrics of the last one, time, cost, …: what ``mabe status --json`` says."""
        found: dict[str, Any] = msgspec.to_builtins(summary_of(self._entry), builtin_types=())
        return found

    @cached_property
    def settings(self) -> dict[str, Any]:
        """All settings by dotted key, such as ``training.batch_size``.

        Raises:
            RunError: the run cannot be read.
        """
        return dict(flatten(self._entry.require_request().experiment))

    @property
    def curves(self) -> list[str]:
        """Names of the curves that :meth:`curve` takes."""
        return curve_names(self._numbers.points)

    def curve(self, name: str, x: X = "epoch", superseded: bool = False) -> pd.Series:
        """Return one curve, as ``mabe curves --json`` has it.

        Args:
            name: one of :attr:`curves`.
            x: quantity in the index: epochs, optimiser steps, seconds or USD.
            superseded: whether to include points that a resume has superseded.

        Raises:
            RunError: there is no such curve, or dollars are asked for and the price is not known.
        """
        numbers = self._numbers
        if [name] != curves_named(numbers.points, name):
            raise RunError(f"{name!r} is no single curve; `curves` has {', '.join(self.curves)}")
        found = curve(numbers.points, numbers.history, name, Axis(x), numbers.limits)
        xs, ys = (found.x, found.y) if superseded else found.counted
        return pd.Series(ys.copy(), index=pd.Index(xs.copy(), name=x), name=name)

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """One row for each completed epoch, which is the index: metrics, losses, learning rate, seconds."""
        columns = (*OF_EPOCHS, *self._numbers.points.metrics)
        return self._frame(self._numbers.points.epochs, columns).set_index("epoch")

    @cached_property
    def steps(self) -> pd.DataFrame:
        """Progress inside epochs, about once a second; the index is the step, ``epoch`` a fraction."""
        return self._frame(self._numbers.points.steps, OF_STEPS).set_index("step")

    @cached_property
    def machine(self) -> pd.DataFrame:
        """Load of the machine by time: CPU, memory, GPU."""
        return self._frame(self._numbers.points.system, READINGS).set_index("time")

    @cached_property
    def free(self) -> pd.DataFrame:
        """Metrics that the run's own code reported (:func:`core.run.free_metrics.log_metrics`), one row each.

        Columns ``name``, ``step``, ``value`` and ``time``.
        """
        columns = ("step", "value")
        frames = [
            self._frame(table, columns).assign(name=name)
            for name, table in sorted(self._numbers.points.free.items())
        ]
        if not frames:
            return pd.DataFrame(columns=["name", *columns, "time"])
        return pd.concat(frames, ignore_index=True)[["name", *columns, "time"]]

    def evaluation(self, epoch: Literal["best", "last"] = "best") -> pd.DataFrame:
        """Return the additive counts behind the metrics, one row for each unit and label.

        Args:
            epoch: of the best epoch, or of the last complete one.

        Raises:
            DataError: no checkpoint was evaluated, or the file is damaged.
        """
        rows = read_rows(self._entry.run.evaluation_of(epoch))
        index = pd.MultiIndex.from_product([rows.units, rows.labels], names=["unit", "label"])
        return pd.DataFrame(rows.counts.reshape(len(index), -1), index=index, columns=[*COLUMNS])

    @cached_property
    def _numbers(self) -> RunNumbers:
        return RunNumbers.read(self._entry, self._entry.short)

    def _frame(self, table: Table, columns: tuple[str, ...]) -> pd.DataFrame:
        """Return the rows that count; ``time`` is in UTC."""
        counted = self._numbers.points.counts(table, self._numbers.history.counted)
        found: Mapping[str, Any] = {name: table[name][counted] for name in columns}
        frame = pd.DataFrame(found)
        whole = ("epoch", "step") if table is self._numbers.points.epochs else ("step",)
        frame = frame.astype({name: "int64" for name in whole if name in columns})
        frame["time"] = pd.to_datetime(table[PLACE[-1]][counted], unit="s", utc=True)
        return frame


def _store(home: str | Path | None) -> RunStore:
    return RunStore(Path(home).expanduser().resolve() if home is not None else Session().home)


def _plain(value: Value) -> Any:
    return " ".join(map(str, value)) if isinstance(value, tuple) else value
