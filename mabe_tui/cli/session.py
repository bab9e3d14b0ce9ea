"""The session of a command, created by the options that precede it."""

import typer

from mabe_tui.runs.session import Session

__all__ = ["Session", "session_of"]


def session_of(context: typer.Context) -> Session:
    """Return the session created by the main callback."""
    session = context.find_object(Session)
    return session if session is not None else Session()
