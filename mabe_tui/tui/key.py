"""One key: what it does, and how it is written."""

from dataclasses import dataclass

from textual.binding import Binding

SIGNS = {
    "question_mark": "?",
    "slash": "/",
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
"""Textual's names of keys → how people write them."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key, or several that do the same."""

    keys: str
    """As Textual names them, separated by commas; the first is the one shown."""
    action: str
    label: str
    """Two words for the footer and the palette."""
    help: str
    """A sentence for the help, without its full stop."""
    changes: bool = False
    """Whether it changes anything but the view: ``--readonly`` takes it away."""
    footer: bool = True
    shown: str | None = None
    """How the key is written, where its name would not do."""

    @property
    def spellings(self) -> list[str]:
        """Every key that does the same, as people write it."""
        return [
            SIGNS.get(name, name.replace("ctrl+", "^").replace("_sign", ""))
            for name in self.keys.split(",")
        ]

    @property
    def spelled(self) -> str:
        """The key as people write it: ``?``, ``esc``, ``+``."""
        return self.shown or self.spellings[0]

    @property
    def binding(self) -> Binding:
        """The same for Textual."""
        return Binding(
            self.keys,
            self.action,
            self.label,
            show=self.footer,
            key_display=self.shown,
            tooltip=self.help,
        )
