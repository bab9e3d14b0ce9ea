"""The parts of a comparison: beside one another where there is room, else one at a time."""

from collections.abc import Collection

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from mabe_tui.tui.screens.compare.view import PANES
from mabe_tui.tui.widgets.chart import ChartView
from mabe_tui.tui.widgets.class_view import ClassView
from mabe_tui.tui.widgets.side_table import SideTable

LEFT = ("curves", "classes")


class ComparePanes(Horizontal):
    """Five panes, each in a frame of its own."""

    def compose(self) -> ComposeResult:
        """Lay out two columns."""
        contents: dict[str, Widget] = {
            "curves": ChartView(id="curves"),
            "classes": ClassView(id="classes"),
            "settings": SideTable(id="settings", empty="no setting differs"),
            "figures": SideTable(id="figures"),
            "code": VerticalScroll(Static(id="code-text", markup=False), id="code"),
        }
        for column, own in (("left", LEFT), ("right", tuple(contents)[len(LEFT) :])):
            with Vertical(id=column):
                for key in own:
                    with Vertical(id=f"pane-{key}", classes="panel"):
                        yield contents[key]

    def on_mount(self) -> None:
        """Name the frames."""
        for key, label in PANES:
            self.query_one(f"#pane-{key}").border_title = label

    @property
    def chart(self) -> ChartView:
        """The curves."""
        return self.query_one("#curves", ChartView)

    @property
    def class_view(self) -> ClassView:
        """Bars and matrices."""
        return self.query_one("#classes", ClassView)

    def table(self, name: str) -> SideTable:
        """Return the table of settings or of figures."""
        return self.query_one(f"#{name}", SideTable)

    def write_code(self, text: str) -> None:
        """Say how the code differs."""
        self.query_one("#code-text", Static).update(text)

    def show_only(self, only: str | None, offered: Collection[str]) -> None:
        """Show one pane alone, or all that are offered (``None``)."""
        self.set_class(only is not None, "alone")
        for key, _ in PANES:
            self.query_one(f"#pane-{key}").display = key in offered and only in (None, key)
        self.query_one("#left").display = only is None or only in LEFT
        self.query_one("#right").display = only is None or only not in LEFT

    def focus_on(self, key: str) -> None:
        """Put the focus into a pane."""
        self.query_one(f"#{key}").focus()

    def has_focus_in(self, key: str) -> bool:
        """Return whether the focus is in a pane."""
        return self.query_one(f"#{key}").has_focus
