"""The lines of a followed run without a terminal."""

import io
from collections.abc import Callable

import pytest

from core.run.rundir import RunDir
from mabe_tui.cli.following.display import display, newest
from mabe_tui.cli.terminal.output import NO_BREAK, say
from mabe_tui.runs.following.mirror import TextItem


class Screen(io.StringIO):
    """Says that it is a terminal."""

    def isatty(self) -> bool:
        return True


WORDS = b"seventy words " * 9


def test_a_terminal_gets_lines_broken_between_words(
    make_run: Callable[..., RunDir], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    screen, pipe = Screen(), io.StringIO()
    for to in (screen, pipe):
        with display(make_run(), to, bar=False) as show:
            show([TextItem("0001-aaaa", WORDS)])
    whole = WORDS.decode().strip()
    assert pipe.getvalue() == whole + "\n"
    first, second = screen.getvalue().splitlines()
    assert len(first) <= 80
    assert second.startswith("    ")
    assert f"{first} {second.strip()}" == whole


def test_a_run_that_cannot_be_read_is_shown_all_the_same(make_run: Callable[..., RunDir]) -> None:
    run, pipe = make_run(), io.StringIO()
    (run.path / "run.toml").write_text("format =")
    with display(run, pipe) as show:
        show([TextItem("0001-aaaa", b"one"), TextItem("0001-aaaa", b"two")], last=1)
    assert pipe.getvalue() == "two\n"


def test_an_error_is_broken_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setattr("sys.stderr", screen := Screen())
    say(f"mabe: a file is missing: f1{NO_BREAK}0.5 is not known\n  mabe logs -f v6")
    assert screen.getvalue() == (
        "mabe: a file is missing:\n  f1 0.5 is not known\n  mabe logs -f v6\n"
    )


def test_newest() -> None:
    assert [newest(["a", "b"], count) for count in (None, 0, 1, 9)] == [
        ["a", "b"], [], ["b"], ["a", "b"],
    ]  # fmt: skip
