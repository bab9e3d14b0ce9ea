"""What an error for a person must be, once a front end has cleaned what it quotes."""

from core.errors import UserError
from mabe_tui.runs.format.untrusted_text import clean


def require_one_line(error: UserError) -> str:
    """Fail unless the message is one line that a terminal can show; return it."""
    text = clean(str(error))
    assert text.strip()
    assert text.isprintable()
    return text
