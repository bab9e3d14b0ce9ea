"""What an error for a person must be."""

from core.errors import UserError


def require_one_line(error: UserError) -> str:
    """Fail unless the message is one line that a terminal can show; return it."""
    text = str(error)
    assert text.strip()
    assert "\n" not in text
    assert "\x1b" not in text
    return text
