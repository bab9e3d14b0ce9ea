"""The line of keys at the bottom, made anew only where it would say something else."""

from textual.screen import Screen
from textual.widgets import Footer


class KeyFooter(Footer):
    """Textual's footer, at a fraction of its cost.

    That one (8.2.8) mounts all its keys anew, and has the screen laid out, at each change of focus and of
    screen: four times while a screen is opened, 20 ms each.
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._written: object = None
        self._is_due = False

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Look soon, once, whether anything is to be written."""
        self._bindings_ready = True
        if screen.app.app_focus and self.is_attached and screen is self.screen and not self._is_due:
            self._is_due = True
            self.call_after_refresh(self._write)

    def on_resize(self) -> None:
        """Look whether the keys stand in another order: see ``MabeScreen.active_bindings``."""
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
