"""The required form of user errors, after a front end has cleaned quoted text."""

from core.errors import UserError
from mabe_tui.runs.format.untrusted_text import clean


def require_one_line(error: UserError) -> str:
    """Check that the message is a single line that a terminal can show; return it."""
    text = clean(str(error))
    assert text.strip()
    assert text.isprintable()
    return text
