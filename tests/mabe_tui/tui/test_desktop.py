"""Desktop notifications are sent only if enabled, and contain only plain text."""

import pytest

from mabe_tui.tui.desktop import LONGEST, desktop_notice
from mabe_tui.tui.notices import Notice


@pytest.mark.parametrize(
    ("environment", "sequence"),
    [
        ({}, "\x1b]9;v6 failed\a"),
        ({"TERM": "xterm-kitty"}, "\x1b]9;v6 failed\a"),
        ({"TERM": "foot-extra"}, "\x1b]777;notify;mabe;v6 failed\a"),
        ({"TERM": "rxvt-unicode-256color"}, "\x1b]777;notify;mabe;v6 failed\a"),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/x"}, "\x1bPtmux;\x1b\x1b]9;v6 failed\a\x1b\\"),
    ],
)
def test_terminals_are_asked_as_they_understand(environment: dict[str, str], sequence: str) -> None:
    assert desktop_notice("v6 failed", environment) == sequence


@pytest.mark.parametrize("term", ["xterm", "foot"])
def test_a_strangers_words_cannot_end_the_sequence(term: str) -> None:
    evil = "no\a\x1b]52;c;ZXZpbA==\x07\x9c\x1b\\\n;4;3;100" + "x" * 999
    found = desktop_notice(evil, {"TERM": term})
    start = "\x1b]9;" if term == "xterm" else "\x1b]777;notify;mabe;"
    words = found.removeprefix(start).removesuffix("\a")
    assert len(found) == len(start) + len(words) + 1
    assert words.isprintable()
    assert ";" not in words
    assert len(words) == LONGEST


@pytest.mark.parametrize("asked", [True, False])
async def test_a_notice_of_a_run_is_shown_on_the_desktop_if_asked_for(
    make_app, monkeypatch, asked: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("TMUX", raising=False)
    app, written = make_app(desktop=asked), list[str]()
    async with app.run_test() as pilot:
        monkeypatch.setattr(app, "to_terminal", written.append)
        app.tell(Notice("v6-20261120T130000-cc42", "cc42 failed: no; memory", "error"))
        await pilot.pause()
    assert written == (["\x1b]9;cc42 failed: no, memory\a"] if asked else [])
