"""One key binding: its action and how it is displayed."""

from dataclasses import dataclass

from textual.binding import Binding

SIGNS = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "exclamation_mark": "!",
    "escape": "esc",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "comma": ",",
    "full_stop": ".",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}
"""Textual's key names → how people write them."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key, or several keys with the same action."""

    keys: str
    """Key names as in Textual, separated by commas; the first is the one shown."""
    action: str
    label: str
    """Two words for the footer and the palette."""
    help: str
    """A sentence for the help screen, without its full stop."""
    changes: bool = False
    """Whether it changes anything but the view; disabled by ``--readonly``."""
    footer: bool = True
    shown: str | None = None
    """How the key is displayed if its name is not suitable."""

    @property
    def spellings(self) -> list[str]:
        """Display names of all keys with this action."""
        return [
            SIGNS.get(name, name.replace("ctrl+", "^").replace("_sign", ""))
            for name in self.keys.split(",")
        ]

    @property
    def spelled(self) -> str:
        """The key as displayed: ``?``, ``esc``, ``+``."""
        return self.shown or self.spellings[0]

    @property
    def binding(self) -> Binding:
        """The binding in Textual's own type."""
        return Binding(
            self.keys,
            self.action,
            self.label,
            show=self.footer,
            key_display=self.shown,
            tooltip=self.help,
        )
