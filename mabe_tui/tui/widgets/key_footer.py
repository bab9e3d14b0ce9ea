"""A footer that rebuilds its line of keys only if the text changes."""

from textual.screen import Screen
from textual.widgets import Footer


class KeyFooter(Footer):
    """A footer like Textual's at a fraction of the cost.

    Textual's own (8.2.8) remounts all its keys and triggers a layout at each change of focus and of
    screen: four times while a screen opens, 20 ms each.
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._written: object = None
        self._is_due = False

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Schedule one check for changes."""
        self._bindings_ready = True
        if screen.app.app_focus and self.is_attached and screen is self.screen and not self._is_due:
            self._is_due = True
            self.call_after_refresh(self._write)

    def on_resize(self) -> None:
        """Check for a changed order of keys; see ``MabeScreen.active_bindings``."""
        self.bindings_changed(self.screen)

    async def _write(self) -> None:
        self._is_due = False
        keys = [
            (
                self.app.get_key_display(one.binding),
                one.binding.description,
                one.binding.action,
                one.enabled,
            )
            for one in self.screen.active_bindings.values()
            if one.binding.show
        ]
        if keys != self._written:
            self._written = keys
            await self.recompose()
