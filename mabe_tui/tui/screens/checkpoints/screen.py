"""The screen that lists a run's checkpoints to verify, fetch, compare and evaluate them."""

from pathlib import Path
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from core.run.rundir import RunDir
from core.system.progress import Progress, sparing
from mabe_tui.runs.comparison.evaluate import AT, EvaluationReport, evaluate_run
from mabe_tui.runs.comparison.evaluations import epoch_metrics, keep_evaluation, kept_evaluations
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.checkpoints import (
    MARKED,
    CheckpointRow,
    checkpoint_rows,
    mark,
    none_words,
    unmark,
)
from mabe_tui.runs.tasks import spec_of
from mabe_tui.tui.actions import ACTING, RunActions
from mabe_tui.tui.keys import bindings
from mabe_tui.tui.messages import Progressed
from mabe_tui.tui.screens.checkpoints.rows import (
    CHECKPOINTS,
    checkpoint_row,
    metric_columns,
    metric_rows,
    name_of,
    verified_words,
)
from mabe_tui.tui.screens.dialogs.entry import EntryScreen
from mabe_tui.tui.widgets.side_table import SideTable
from mabe_tui.tui.widgets.table import RowTable
from mabe_tui.tui.work import SECONDS_BETWEEN

Measured = dict[str, tuple[dict[str, float], list[EvaluationReport]]]
"""File → metrics of its epoch, and its evaluations on other data."""


class CheckpointsScreen(RunActions):
    """A table of checkpoints above the metrics of the selected one."""

    PLACES: ClassVar[tuple[str, ...]] = ("checkpoints", ACTING, "table", "sides", "screen")
    BINDINGS: ClassVar[list[BindingType]] = bindings("checkpoints", ACTING, "screen")
    CSS = """
    CheckpointsScreen #list-pane { height: auto; max-height: 50%; min-height: 5; }
    CheckpointsScreen #list { height: auto; min-height: 2; }
    CheckpointsScreen #measured-pane { height: 1fr; }
    """

    class Listed(Message):
        """The checkpoints have been read."""

        def __init__(
            self, rows: list[CheckpointRow], measured: Measured, read_whole: bool, none: str
        ) -> None:
            super().__init__()
            self.rows, self.measured, self.read_whole = rows, measured, read_whole
            self.none = none
            """Why there are no checkpoints."""

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self.is_open = False
        self._rows: list[CheckpointRow] = []
        self._measured: Measured = {}
        self._chosen: dict[str, None] = {}
        self._read: dict[str, CheckpointRow] = {}
        """Results of verifying whole files, by sha256."""

    # ── layout ────────────────────────────────────────────────────────────────────────────────

    def body(self) -> ComposeResult:
        """Lay out the list and the metrics."""
        with Vertical(id="list-pane", classes="panel") as pane:
            pane.border_title = "checkpoints, the newest first"
            yield RowTable(CHECKPOINTS, empty="looking …", id="list")
        with Vertical(id="measured-pane", classes="panel"):
            yield SideTable(empty="its epoch measured nothing", id="measured")

    def heading(self) -> str:
        """Return the run's name."""
        return f"mabe  {self.run_id}  checkpoints"

    def on_mount(self) -> None:
        """Focus the list."""
        self._list.focus()

    def on_screen_resume(self) -> None:
        """Read the checkpoints, also after work on another screen."""
        self._load()

    def on_run_changed(self) -> None:
        """Read the checkpoints again."""
        self._load()

    @property
    def _list(self) -> RowTable:
        return self.query_one("#list", RowTable)

    @property
    def _run(self) -> RunDir:
        return RunDir(self.mabe.store.folder / self.run_id)

    @property
    def selected_run(self) -> str | None:
        """The run that the checkpoints belong to."""
        return self.run_id

    @property
    def selected_checkpoint(self) -> str:
        """The checkpoint under the cursor."""
        return self._list.selected or "best"

    @property
    def _row(self) -> CheckpointRow | None:
        return next((row for row in self._rows if name_of(row) == self._list.selected), None)

    def copyable(self) -> dict[str, str]:
        """Return the selected checkpoint's name, file and hash, and a command for it."""
        row = self._row
        name = f"{self.run_id}@{self.selected_checkpoint}"
        words = {"name": name, "command": f"mabe compare {name} {self.run_id}@best"}
        if row is not None and row.file:
            words |= {"file": str(self._run.checkpoints / row.file), "sha256": row.sha256}
        return words

    # ── reading ───────────────────────────────────────────────────────────────────────────────

    def _load(self) -> None:
        self.ask(lambda: self._listed(checkpoint_rows(self._run)), "list")

    def _listed(self, rows: list[CheckpointRow], read_whole: bool = False) -> Message:
        own, run, state = epoch_metrics(self._run), self._run, self.mabe.view_state
        measured = {
            row.file: (own.get(row.epoch, {}), kept_evaluations(run, row.file, state))
            for row in rows
        }
        return self.Listed(rows, measured, read_whole, "" if rows else none_words(run))

    @on(Listed)
    def _show(self, message: Listed) -> None:
        if message.read_whole:
            self._read = {row.sha256: row for row in message.rows if row.here}
        self._rows, self._measured, self.is_open = message.rows, message.measured, True
        self._list.empty = message.none
        self._draw()

    def _draw(self) -> None:
        rows = [checkpoint_row(self._known(row), self._chosen) for row in self._rows]
        self._list.show(rows)
        self._show_metrics()

    def _known(self, row: CheckpointRow) -> CheckpointRow:
        """Store the result of verifying a file."""
        read = self._read.get(row.sha256)
        if read is None or not row.here or row.problem is not None:
            return row
        return msgspec.structs.replace(row, verified=read.verified, problem=read.problem)

    @on(RowTable.Moved, "#list")
    def _show_metrics(self) -> None:
        row = self._row
        own, reports = self._measured.get(row.file if row else "", ({}, []))
        pane = self.query_one("#measured-pane")
        title = f"{name_of(row)}, epoch {row.epoch}" if row else "metrics"
        pane.border_title = Content(title)
        table = self.query_one("#measured", SideTable)
        table.show_sides(metric_columns(reports), metric_rows(own, reports))

    # ── actions ───────────────────────────────────────────────────────────────────────────────

    def action_pull_run(self) -> None:
        """Fetch checkpoints and discard the results of earlier checks."""
        self._read.clear()
        super().action_pull_run()

    def action_verify(self) -> None:
        """Verify all local checkpoints."""

        def work() -> str:
            rows = checkpoint_rows(self._run, verify=True, progress=self._teller_of("verifying"))
            self.post_message(self._listed(rows, read_whole=True))
            return verified_words(rows)

        self.mabe.do(work, self.run_id)

    def action_choose_one(self) -> None:
        """Mark the selected checkpoint for comparison."""
        name = self._list.selected
        if name is None:
            return
        if name in self._chosen:
            del self._chosen[name]
        else:
            self._chosen[name] = None
        self._draw()
        self._list.action_move(1)

    @on(RowTable.Chosen, "#list")
    def _compare_chosen(self) -> None:
        self.action_compare()

    def action_compare(self) -> None:
        """Compare the marked checkpoints, or the selected one with the best."""
        names = list(self._chosen)
        if len(names) < 2:
            best = next((name_of(row) for row in self._rows if "best" in row.pointers), None)
            names = [name for name in (best, self._list.selected) if name is not None]
        if len(set(names)) < 2:
            self.notify("mark two checkpoints with space", severity="warning")
            return
        self.mabe.open_comparison([f"{self.run_id}{AT}{name}" for name in names])

    def action_evaluate(self) -> None:
        """Ask for a data folder, and evaluate the selected checkpoint on it."""
        name = self._list.selected
        if name is None:
            return

        def typed(folder: str | None) -> None:
            if folder:
                self.mabe.do(lambda: self._evaluate(name, Path(folder).expanduser()), self.run_id)

        title = f"measure {name} on the data in"
        self.app.push_screen(EntryScreen(title, hint="a folder with train.csv"), typed)

    def _evaluate(self, name: str, folder: Path) -> str:
        tell = self._teller_of(f"measuring {name}")
        entry = RunEntry(self._run)
        report, _ = evaluate_run(entry, folder.resolve(), name, progress=tell)
        keep_evaluation(self._run, report, self.mabe.view_state)
        leading = spec_of(entry.require_request().experiment).leading(report.metrics)
        return f"{self.run_id}@{name}: {leading} {report.metrics[leading]:.4f} on {folder}"

    def action_keep(self) -> None:
        """Keep the selected checkpoint as ``marked``, or remove that mark."""
        row = self._row
        if row is None:
            return
        name, is_marked = name_of(row), MARKED in row.pointers

        def work() -> str:
            if is_marked:
                unmark(self._run)
                return f"{self.run_id}: nothing is marked now"
            mark(self._run, name)
            return f"{self.run_id}: {name} is kept as {MARKED}"

        self.mabe.do(work, self.run_id)

    def _teller_of(self, doing: str) -> Progress:
        def tell(done: int, total: int, what: str) -> None:
            share = f"{done / total:.0%}" if total else what
            self.app.post_message(Progressed(self.run_id, f"{doing}: {share}"))

        return sparing(tell, SECONDS_BETWEEN)
