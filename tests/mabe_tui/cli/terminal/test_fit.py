"""Fitting a table to a narrow terminal."""

import pytest

from mabe_tui.cli.terminal.fit import Column, fitted, room_beside, say_left_out

COLUMNS: list[Column] = [
    ("run", ["v6-20261121T031500-k3f9"]),
    ("device", ["cpu"]),
    ("tags", [None]),
    ("remarks", ["a long story of what went wrong here"]),
]


def on_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(columns))


def test_empty_columns_are_left_out_and_a_pipe_gets_the_rest_whole() -> None:
    assert fitted(COLUMNS, ["device"]) == [COLUMNS[0], COLUMNS[1], COLUMNS[3]]


@pytest.mark.parametrize("width", [46, 50, 60, 80])
def test_terminal_is_never_overrun(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    on_terminal(monkeypatch, width)
    shown = fitted(COLUMNS, ["device"])
    assert sum(max(len(head), len(str(cells[0]))) + 3 for head, cells in shown) - 3 <= width - 2
    assert shown[0] == COLUMNS[0]
    assert (shown[1][0] == "device") == (width >= 50)


def test_what_has_no_room_is_named_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    say_left_out(COLUMNS, [name for name, _ in fitted(COLUMNS, ["device"])])
    assert capsys.readouterr().err == ""  # nothing is left out in a pipe
    on_terminal(monkeypatch, 46)
    say_left_out(COLUMNS, [name for name, _ in fitted(COLUMNS, ["device"])])
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("left out for want of room: device; a wider terminal, --json")


def test_last_column_is_cut_with_a_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    on_terminal(monkeypatch, 50)
    assert fitted(COLUMNS, [])[-1] == ("remarks", ["a long story…"])


def test_columns_that_were_asked_for_stay_without_content() -> None:
    assert fitted(COLUMNS, [], asked=True) == COLUMNS


def test_a_picture_gets_what_a_terminal_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    beside: list[Column] = [("", ["v6-yzz4 (imported)"]), ("", ["train loss"]), ("", ["1 → 2"])]
    assert room_beside(beside) > 1000
    on_terminal(monkeypatch, 80)
    assert room_beside(beside) == 80 - 2 - (18 + 10 + 5) - 3 * 3
    on_terminal(monkeypatch, 40)
    assert room_beside(beside) == 12
