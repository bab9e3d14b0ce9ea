"""The user's arrangement: baseline, pins, saved views, and the position on each screen.

Kept in the user's state folder, one file per home folder of runs. It survives a crash. A damaged file
counts as empty: its content is not worth refusing to start.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from core.config.strict import nearest
from core.errors import UserError
from core.run import places
from core.system.files import UNDECODABLE, write_bytes_atomically
from core.system.lock import locked

LOCK_SECONDS = 5.0
NAME_LENGTH = 40


class SavedView(msgspec.Struct, frozen=True, kw_only=True):
    """A saved table of runs."""

    query: str = ""
    sort: str | None = None
    """A key, as `mabe runs --sort` takes it; ``None``: newest first."""
    descending: bool | None = None
    """``None``: the column's own direction."""
    columns: tuple[str, ...] = ()
    """Keys; empty: the default ones."""
    charts: str = ""
    """The regular expression that chooses the curves on the home screen; empty: all."""


class Arrangement(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is kept for one home folder."""

    baseline: str | None = None
    """A version or a run's id."""
    pinned: tuple[str, ...] = ()
    """Versions and runs, in the order in which they were pinned."""
    views: dict[str, SavedView] = {}
    screens: dict[str, dict[str, Any]] = {}
    """State of each screen, which the screen defines: plain JSON values."""


class ViewState:
    """Reads and changes the arrangement of one home folder.

    Every change rereads the file and replaces it under a lock: of two programs that change the same
    key, the last one wins, and neither reverts the other's changes elsewhere.

    Args:
        home: the home folder of the runs.
    """

    def __init__(self, home: Path) -> None:
        name = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:16]
        self.path = places.state() / "views" / f"{name}.json"

    def read(self) -> Arrangement:
        """Return the stored state; empty if it is missing or damaged."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Arrangement)
        except (OSError, *UNDECODABLE):
            return Arrangement()

    def set_baseline(self, name: str | None) -> None:
        """Set the baseline to a version or a run, or remove it.

        Raises:
            UserError: the state folder cannot be written (as for every change).
        """
        self._change(lambda _: {"baseline": name})

    def pin(self, name: str) -> None:
        """Pin a version or a run."""
        self._change(lambda kept: {"pinned": tuple(dict.fromkeys((*kept.pinned, name)))})

    def unpin(self, name: str) -> None:
        """Unpin a version or a run, if it is pinned."""
        self._change(lambda kept: {"pinned": tuple(n for n in kept.pinned if n != name)})

    def view(self, name: str) -> SavedView:
        """Return a saved view.

        Raises:
            UserError: there is no view of that name; names the nearest.
        """
        views = self.read().views
        if name not in views:
            raise UserError(f"no view {name!r}{nearest(name, views)} (`mabe views` lists them)")
        return views[name]

    def save_view(self, name: str, view: SavedView) -> None:
        """Save a view under a name, replacing one of the same name.

        Raises:
            UserError: the name is empty, too long, or holds a control character.
        """
        if not name.strip() or not name.isprintable() or len(name) > NAME_LENGTH:
            raise UserError(
                f"{name[:NAME_LENGTH]!r} cannot be a view's name:"
                f" letters, digits and the like, {NAME_LENGTH} at most"
            )
        self._change(lambda kept: {"views": kept.views | {name: view}})

    def remove_view(self, name: str) -> None:
        """Delete a saved view.

        Raises:
            UserError: there is no view of that name.
        """
        self.view(name)
        self._change(lambda kept: {"views": {k: v for k, v in kept.views.items() if k != name}})

    def screen(self, name: str) -> dict[str, Any]:
        """Return the state that a screen saved; empty if none."""
        return self.read().screens.get(name, {})

    def keep(self, screen: str, **values: Any) -> None:
        """Save values for a screen; its other saved values stay.

        Args:
            screen: its name.
            values: plain JSON values: texts, numbers, booleans, lists, tables, ``None``.
        """
        self.change(screen, lambda _: values)

    def change(self, screen: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Save values, as :meth:`keep`, that depend on those saved before.

        Args:
            screen: its name.
            change: called under the lock with all saved values; returns the values to change.
        """

        def changed(kept: Arrangement) -> dict[str, Any]:
            before = kept.screens.get(screen, {})
            return {"screens": kept.screens | {screen: before | change(before)}}

        self._change(changed)

    def _change(self, change: Callable[[Arrangement], dict[str, Any]]) -> None:
        with locked(self.path, LOCK_SECONDS):
            kept = self.read()
            changed = msgspec.structs.replace(kept, **change(kept))
            write_bytes_atomically(self.path, msgspec.json.encode(changed))
