"""The panes of a comparison, side by side if they fit, else one at a time."""

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
    """Five framed panes."""

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
        """Set the titles of the frames."""
        for key, label in PANES:
            self.query_one(f"#pane-{key}").border_title = label

    @property
    def chart(self) -> ChartView:
        """The chart of curves."""
        return self.query_one("#curves", ChartView)

    @property
    def class_view(self) -> ClassView:
        """The bars and matrices."""
        return self.query_one("#classes", ClassView)

    def table(self, name: str) -> SideTable:
        """Return the table of settings or of figures."""
        return self.query_one(f"#{name}", SideTable)

    def write_code(self, text: str) -> None:
        """Show the differences in code."""
        self.query_one("#code-text", Static).update(text)

    def show_only(self, only: str | None, offered: Collection[str]) -> None:
        """Show one pane alone, or all available ones (``None``)."""
        self.set_class(only is not None, "alone")
        for key, _ in PANES:
            self.query_one(f"#pane-{key}").display = key in offered and only in (None, key)
        self.query_one("#left").display = only is None or only in LEFT
        self.query_one("#right").display = only is None or only not in LEFT

    def focus_on(self, key: str) -> None:
        """Focus a pane."""
        self.query_one(f"#{key}").focus()

    def has_focus_in(self, key: str) -> bool:
        """Return whether a pane has the focus."""
        return self.query_one(f"#{key}").has_focus
