"""Desktop notifications: the escape sequences that ask a terminal to show one.

There is no standard. OSC 9 comes from iTerm2 and is understood by kitty, WezTerm, Ghostty, Konsole and
Windows Terminal; OSC 777 by rxvt-unicode and foot. Other terminals ignore unknown sequences.
"""

from collections.abc import Mapping

from mabe_tui.runs.format.untrusted_text import clean

OF_OSC_777 = ("rxvt", "foot")
"""Prefixes of ``$TERM`` for terminals that use OSC 777."""
TITLE = "mabe"
LONGEST = 200


def desktop_notice(text: str, environment: Mapping[str, str]) -> str:
    """Return the escape sequence for a notification.

    Args:
        text: untrusted text. Control characters, which could end the sequence and begin another, become
            spaces; semicolons, which separate its fields, become commas.
        environment: of this process. Inside tmux the sequence is wrapped so that tmux passes it on
            (requires ``set -g allow-passthrough on``).
    """
    words = clean(text).replace(";", ",")[:LONGEST]
    by_title = environment.get("TERM", "").startswith(OF_OSC_777)
    sequence = f"\x1b]777;notify;{TITLE};{words}\a" if by_title else f"\x1b]9;{words}\a"
    if "TMUX" in environment:
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}\x1b\\"
    return sequence
