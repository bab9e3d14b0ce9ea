"""The session of a command: made by the options that stand before it."""

import typer

from mabe_tui.runs.session import Session

__all__ = ["Session", "session_of"]


def session_of(context: typer.Context) -> Session:
    """Return the session that the main callback made."""
    session = context.find_object(Session)
    return session if session is not None else Session()
