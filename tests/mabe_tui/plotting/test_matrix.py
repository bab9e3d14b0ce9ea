import numpy as np
import pytest

from mabe_tui.plotting.grid import ALERT, Row, beside
from mabe_tui.plotting.matrix import render_confusion, render_f1_bars

NAMES = ("other", "social", "mating", "aggressive")
COUNTS = np.array([[61_234, 3000, 3, 400], [300, 1700, 0, 0], [0, 0, 0, 0], [0, 0, 1, 999]])


def cells(row: Row) -> list[str]:
    return row.text.split()


def test_shares_are_of_the_true_class() -> None:
    rows = render_confusion(COUNTS, NAMES, 39)
    assert cells(rows[2]) == ["other", "95%", "5%", "<1%", "<1%"]
    assert cells(rows[3]) == ["61.2k", "3,000", "3", "400"]
    assert cells(rows[6]) == ["mating", "-", "-", "-", "-"]
    assert cells(rows[8]) == ["aggressive", "0%", "0%", "<1%", "99%"]


def test_a_notable_confusion_is_marked_without_colour_too() -> None:
    rows = render_confusion(COUNTS, NAMES, 39)
    assert cells(rows[4]) == ["social", "15%!", "85%", "0%", "0%"]
    assert [s.role for s in rows[4].segments if s.role == ALERT] == [ALERT]
    assert "!" not in rows[2].text


def test_two_matrices_fit_eighty_columns() -> None:
    rows = beside(
        render_confusion(COUNTS, NAMES, 39, title="v5"),
        render_confusion(COUNTS * 1000, NAMES, 39, title="v6"),
    )
    assert {len(row.text) for row in rows} == {80}
    assert cells(rows[0]) == ["v5", "v6"]
    assert cells(rows[3])[4:] == ["61.23M", "3.00M", "3,000", "400k"]


def test_bars_are_as_long_as_the_scores() -> None:
    rows = render_f1_bars([[0.5, None], [1.0, 0.0]], NAMES[:2], 40, sides=("v5", "v6"))
    lengths = [row.text.count("█") for row in rows]
    assert lengths[1] == 2 * lengths[0] > 0
    assert lengths[2:] == [0, 0]
    assert cells(rows[0])[:3] == ["other", "v5", "0.500"]
    assert cells(rows[2]) == ["social", "v5", "-"]
    assert all(
        row.text.isascii() for row in render_f1_bars([[0.3, 0.7]], NAMES[:2], 30, ascii_only=True)
    )


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(4, 4\) confusion matrix for 2"):
        render_confusion(COUNTS, NAMES[:2], 39)
    with pytest.raises(ValueError, match="2 values"):
        render_f1_bars([[0.1]], NAMES[:2], 39)


def test_cells_of_shares_or_of_frames_alone_take_half_the_rows() -> None:
    counts = np.array([[90, 10], [1, 99]])
    shares, frames = (
        [row.text for row in render_confusion(counts, ["a", "b"], 30, cells=cells)]
        for cells in ("shares", "frames")
    )
    assert len(shares) == len(frames) == 4
    assert shares[2].split() == ["a", "90%", "10%!"]
    assert frames[2].split() == ["a", "90", "10!"]
