"""The screen of the validation examples that a run got most wrong: a list, and the images of one."""

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static

from core.run.rundir import RunDir
from mabe_tui.plotting.half_blocks import Image
from mabe_tui.runs.examples.worst import WorstExample, images_of, worst_examples
from mabe_tui.runs.store import RunEntry
from mabe_tui.tui.keys import bindings
from mabe_tui.tui.screens.base import MabeScreen
from mabe_tui.tui.screens.dialogs.entry import EntryScreen
from mabe_tui.tui.screens.examples.pictures import ExampleImages
from mabe_tui.tui.widgets.columns import Column, TableRow
from mabe_tui.tui.widgets.table import RowTable

MOST = 300
"""Number of examples that are listed."""
COLUMNS = (
    Column("unit", "example"),
    Column("truth", "truth"),
    Column("prediction", "predicted"),
    Column("probability", "p(truth)", align="right"),
)


class ExamplesScreen(MabeScreen):
    """A list of examples, the worst first, beside the images of the selected one.

    Args:
        run_id: the run.
    """

    PLACES: ClassVar[tuple[str, ...]] = ("examples", "table", "screen")
    BINDINGS: ClassVar[list[BindingType]] = bindings("examples", "screen")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 - as Textual declares it
    CSS = """
    ExamplesScreen #list { width: 50; }
    ExamplesScreen #images { padding: 0 1; }
    ExamplesScreen ExampleImages { height: 1fr; }
    ExamplesScreen.-narrow Horizontal { layout: vertical; }
    ExamplesScreen.-narrow #list { width: 1fr; height: 8; }
    """

    class Listed(Message):
        """The examples have been read; their images are still missing."""

        def __init__(self, examples: list[WorstExample]) -> None:
            super().__init__()
            self.examples = examples

    class Seen(Message):
        """The images have been read."""

        def __init__(self, images: list[tuple[Image, ...]]) -> None:
            super().__init__()
            self.images = images

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self.is_open = False
        self._examples: list[WorstExample] = []
        self._images: dict[str, tuple[Image, ...]] = {}
        self._data: Path | None = None

    # ── layout ────────────────────────────────────────────────────────────────────────────────

    def body(self) -> ComposeResult:
        """Lay out the list and the images."""
        with Horizontal():
            with Vertical(id="list", classes="panel") as pane:
                pane.border_title = "worst examples"
                yield RowTable(COLUMNS, empty="reading …", id="examples")
            with Vertical(id="images", classes="panel"):
                yield Static("", id="about", markup=False)
                yield ExampleImages(id="picture")

    def heading(self) -> str:
        """Return the run's name."""
        return f"mabe  {self.run_id}  worst examples"

    def on_mount(self) -> None:
        """Read the list."""
        self.table.focus()
        self.ask(lambda: self.Listed(worst_examples(self._entry, MOST)), "list")

    @property
    def table(self) -> RowTable:
        """The table of examples."""
        return self.query_one("#examples", RowTable)

    @property
    def _entry(self) -> RunEntry:
        return RunEntry(RunDir(self.mabe.store.folder / self.run_id))

    # ── reading ───────────────────────────────────────────────────────────────────────────────

    @on(Listed)
    def _list(self, message: Listed) -> None:
        self._examples, self.is_open = message.examples, True
        self.table.empty = "no example"
        self.table.show([_row(example) for example in message.examples])
        self._look()

    def _look(self) -> None:
        units, data = [example.unit for example in self._examples], self._data
        self.query_one("#about", Static).update("reading images …")
        self.ask(lambda: self.Seen(images_of(self._entry, units, data)), "images")

    @on(Seen)
    def _show_images(self, message: Seen) -> None:
        units = [example.unit for example in self._examples]
        self._images = dict(zip(units, message.images, strict=True))
        self._show_selected()

    @on(RowTable.Moved)
    def _show_selected(self) -> None:
        example = next((one for one in self._examples if one.unit == self.table.selected), None)
        if example is None or example.unit not in self._images:
            return
        self.query_one("#about", Static).update(_words(example))
        self.query_one(ExampleImages).show(self._images[example.unit])

    def action_data(self) -> None:
        """Ask for the folder with the data, and read the images from there."""

        def typed(text: str | None) -> None:
            if text is not None:
                self._data = Path(text).expanduser() if text.strip() else None
                self._look()

        hint = "a folder with the run's data; nothing: where the run found them"
        self.app.push_screen(EntryScreen("data", str(self._data or ""), hint), typed)


def _row(example: WorstExample) -> TableRow:
    wrong = "" if example.is_right else "error"
    cells = (example.unit, example.truth, example.prediction, f"{example.probability:.4f}")
    return TableRow(example.unit, cells, ("", "", wrong, ""))


def _words(example: WorstExample) -> str:
    return (
        f"{example.unit}: {example.truth}, predicted {example.prediction}; probability of"
        f" {example.truth} {example.probability:.4f}"
    )
