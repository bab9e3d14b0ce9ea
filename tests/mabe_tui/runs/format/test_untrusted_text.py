"""Untrusted lines as shown on a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mabe_tui.runs.format.untrusted_text import plain


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b[1;31mred\x1b[0m words", "red words"),
        (b"\x1b]0;a new title\x07after", "after"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"10%\r50%\r100%\r", "100%"),
        (b"[bold]kept[/bold] [0, 1]", "[bold]kept[/bold] [0, 1]"),
        (b"tab\tto four", "tab to four"),
        (b"\xff\xfebroken", "\ufffd\ufffdbroken"),
        ("right\u202eto left".encode(), "rightto left"),
        (b"torn \x1b[3", "torn"),
        (b"", ""),
    ],
)
def test_lines(raw: bytes, shown: str) -> None:
    assert plain(raw) == shown


@given(st.binary(max_size=60))
def test_nothing_unprintable_is_left(raw: bytes) -> None:
    assert plain(raw).isprintable()
