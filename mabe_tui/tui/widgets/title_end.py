"""The right end of the title line: what holds on every screen."""

from typing import cast

from rich.text import Text
from textual.widgets import Static

from mabe_tui.tui.dashboard import Dashboard


class TitleEnd(Static):
    """Says that nothing can be changed, that the registry is broken, and how many notices there were."""

    def __init__(self) -> None:
        super().__init__(markup=False, id="state-of-app")

    def on_mount(self) -> None:
        """Follow the app."""
        self.watch(self.app, "noticed", self._show)
        self.watch(self.app, "registry_problem", self._show)

    def _show(self) -> None:
        mabe = cast("Dashboard", self.app)
        parts: list[tuple[str, str]] = []
        if mabe.options.readonly:
            parts.append(("(read only)", ""))
        if mabe.registry_problem is not None:
            parts.append(("registry broken", mabe.theme_variables.get("error", "")))
        if mabe.noticed:
            noun = "notice" if mabe.noticed == 1 else "notices"
            parts.append((f"{mabe.noticed} {noun} !", ""))
        self.display = bool(parts)
        self.update(Text("  ").join(Text(*part) for part in parts))
