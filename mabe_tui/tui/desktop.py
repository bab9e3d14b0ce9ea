"""A notice outside the terminal: the words that ask a terminal to have the desktop show one.

There is no standard. OSC 9 is iTerm2's and understood by kitty, WezTerm, Ghostty, Konsole and Windows'
terminals; OSC 777 is rxvt-unicode's, and foot's. Others pass over what they do not know.
"""

from collections.abc import Mapping

from mabe_tui.runs.format.untrusted_text import clean

OF_OSC_777 = ("rxvt", "foot")
"""How ``$TERM`` begins in terminals that are to be asked by OSC 777."""
TITLE = "mabe"
LONGEST = 200


def desktop_notice(text: str, environment: Mapping[str, str]) -> str:
    """Return the sequence that asks for a notice.

    Args:
        text: what a stranger may have written: control characters, which could end the sequence and
            begin another, become spaces; semicolons, which part its fields, commas.
        environment: of this process. Inside tmux the sequence is wrapped, for tmux to hand it on
            (``set -g allow-passthrough on``).
    """
    words = clean(text).replace(";", ",")[:LONGEST]
    by_title = environment.get("TERM", "").startswith(OF_OSC_777)
    sequence = f"\x1b]777;notify;{TITLE};{words}\a" if by_title else f"\x1b]9;{words}\a"
    if "TMUX" in environment:
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}\x1b\\"
    return sequence
