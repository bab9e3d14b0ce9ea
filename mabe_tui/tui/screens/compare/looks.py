"""The view of a comparison: which panes are shown, and how curves and classes are drawn."""

from dataclasses import replace

from textual import events, on
from textual.message import Message

from mabe_tui.runs.comparison.class_list import has_many_classes
from mabe_tui.runs.comparison.side_by_side import SideBySide
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.curves.overlay import LineNumbers, axes_of, metrics_of, overlay
from mabe_tui.runs.tasks import lacking_view
from mabe_tui.tui.screens.base import MabeScreen
from mabe_tui.tui.screens.compare.messages import Drawn
from mabe_tui.tui.screens.compare.panes import ComparePanes
from mabe_tui.tui.screens.compare.view import PANES, CompareView
from mabe_tui.tui.screens.dialogs.pick import PickScreen
from mabe_tui.tui.widgets.chart import Axes
from mabe_tui.tui.widgets.tabs import TabLine

CLASSES = "classes"
OF_CLASSES = ("cells", "worst")
"""Actions of the classes pane."""
FRAMES = "frames"
"""The action that shows the frames of a confusion."""
ROOM_FOR_ALL = (120, 36)
"""Minimum width and height for showing all panes side by side."""


class ComparisonLooks(MabeScreen):
    """A screen with the panes of a comparison, and the keys that control how they are drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.found: SideBySide | None = None
        self.shown: tuple[str, ...] = ()
        """The names of the compared sides."""
        self.compare_view = CompareView()
        self._lines = LineNumbers()
        self._alone: str | None = None
        """The pane maximised by a second press of its key, if all panes fit."""

    # ── panes ─────────────────────────────────────────────────────────────────────────────────

    def on_resize(self, event: events.Resize) -> None:
        """Show one pane or all, depending on the size."""
        self.set_class(event.size.height < ROOM_FOR_ALL[1], "-low")
        self._arrange()

    def look_as_before(self) -> None:
        """Restore the saved view."""
        self.compare_view = CompareView.read(self.mabe.view_state)
        self._arrange()
        self._panes.focus_on(self.compare_view.pane)

    @property
    def line_numbers(self) -> list[int]:
        """The line number of each side, unchanged as others are added or removed."""
        return self._lines.of(self.shown)

    @property
    def _panes(self) -> ComparePanes:
        return self.query_one(ComparePanes)

    @property
    def _is_roomy(self) -> bool:
        return self.size.width >= ROOM_FOR_ALL[0] and self.size.height >= ROOM_FOR_ALL[1]

    @property
    def _offered(self) -> dict[str, str]:
        """Key and label of the panes that the sides' task supports."""
        lacks = self.found is not None and lacking_view(CLASSES, self.found.comparison.by.task)
        return {key: label for key, label in PANES if not (lacks and key == CLASSES)}

    def lacks(self, action: str) -> str | None:
        """Return why the sides' task does not support the keys of a pane; ``None`` if it does."""
        if action not in (*OF_CLASSES, FRAMES) or self.found is None:
            return None
        view = "video" if action == FRAMES else CLASSES
        return lacking_view(view, self.found.comparison.by.task)

    def _arrange(self) -> None:
        offered = self._offered
        pane = self.compare_view.pane if self.compare_view.pane in offered else PANES[0][0]
        self._panes.show_only(self._alone if self._is_roomy else pane, offered)
        self.query_one(TabLine).show([*offered.items()], pane, self._words())

    def _words(self) -> str:
        view = self.compare_view
        parts = [f"{self._metric or ''} over {self._axis.value}"]
        parts += ["log y"] if view.log_y else []
        parts += [f"smooth {view.smooth:g}"] if view.smooth else []
        return " · ".join(parts)

    def action_pane(self, key: str) -> None:
        """Show a pane, or focus it; at a second press, maximise it."""
        if key not in self._offered:
            self.notify(self.lacks(OF_CLASSES[0]) or "", severity="warning", markup=False)
            return
        again = self._panes.has_focus_in(key)
        self._alone = key if self._is_roomy and again and self._alone is None else None
        self._change(replace(self.compare_view, pane=key))
        self._panes.focus_on(key)

    # ── curves ────────────────────────────────────────────────────────────────────────────────

    @property
    def _metrics(self) -> list[str]:
        return metrics_of(self.found.numbers) if self.found is not None else []

    @property
    def _metric(self) -> str | None:
        if self.found is None:
            return None
        leading = self.found.comparison.by.metric.name
        wished, known = self.compare_view.metric, self._metrics
        return next((name for name in (wished, leading, *known) if name in known), None)

    @property
    def _axis(self) -> Axis:
        axes = axes_of(self.found.numbers if self.found is not None else ())
        return self.compare_view.axis if self.compare_view.axis in axes else axes[0]

    def _draw(self) -> None:
        found, metric = self.found, self._metric
        self._arrange()
        if found is None or metric is None:
            return
        view, axis, lines = self.compare_view, self._axis, self.line_numbers

        def work() -> Message:
            smooth, log_y = view.smooth, view.log_y
            panel = overlay(found.numbers, lines, metric, axis, smooth=smooth, log_y=log_y)
            return Drawn(panel)

        self.ask(work, "curves")

    @on(Drawn)
    def _show_curves(self, message: Drawn) -> None:
        panel = message.panel
        axes = Axes(
            title=panel.title,
            x_label=panel.x_label,
            x_kind=panel.x_kind,
            y_kind=panel.y_kind,
            log_y=panel.log_y,
        )
        self._panes.chart.show(panel.series, axes, panel.lines)

    def _show_classes(self) -> None:
        assert self.found is not None
        classes, cells = self.found.classes, self.compare_view.cells
        self._panes.class_view.show(classes, self.line_numbers, cells, self._listed)

    @property
    def _listed(self) -> bool:
        """Whether classes are shown as lists."""
        wished = self.compare_view.listed
        return (
            has_many_classes(self.found.classes if self.found else ()) if wished is None else wished
        )

    # ── view settings ─────────────────────────────────────────────────────────────────────────

    def _change(self, view: CompareView) -> None:
        self.compare_view = view

        def keep() -> None:
            view.keep(self.mabe.view_state)

        self.ask(keep, "keep")
        self._arrange()

    def action_metric(self) -> None:
        """Choose the metric of the curves."""

        def chosen(metric: str | None) -> None:
            if metric is not None:
                self._change(replace(self.compare_view, metric=metric))
                self._draw()

        self.app.push_screen(PickScreen("draw", self._metrics), chosen)

    def action_axis(self) -> None:
        """Switch to the next x axis."""
        axes = axes_of(self.found.numbers if self.found is not None else ())
        self._panes.chart.action_reset()
        self._change(self.compare_view.next_axis(axes))
        self._draw()

    def action_log_y(self) -> None:
        """Toggle the logarithmic axis."""
        self._change(replace(self.compare_view, log_y=not self.compare_view.log_y))
        self._draw()

    def action_smooth(self) -> None:
        """Increase smoothing, or turn it off after the most."""
        self._change(self.compare_view.next_smoothing())
        self._draw()

    def action_cells(self) -> None:
        """Switch the numbers in the confusion matrices."""
        self._change(self.compare_view.next_cells())
        if self.found is not None:
            self._show_classes()

    def action_worst(self) -> None:
        """Show classes as lists, worst first, or as matrices."""
        self._change(replace(self.compare_view, listed=not self._listed))
        if self.found is not None:
            self._show_classes()
