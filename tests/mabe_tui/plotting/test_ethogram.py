import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mabe_tui.plotting.ethogram import (
    LABEL_WIDTH,
    Ethogram,
    class_glyphs,
    class_legend,
    column_edges,
    column_of,
    render_probabilities,
)
from mabe_tui.plotting.grid import ALERT, Row

NAMES = ("other", "social", "mating", "aggressive")


def strip(row: Row) -> str:
    return row.text[LABEL_WIDTH:]


def ethogram(truth: str, model: str) -> Ethogram:
    glyphs = class_glyphs(NAMES)
    return Ethogram(*(np.array([glyphs.index(g) for g in text]) for text in (truth, model)), NAMES)


def test_each_class_has_its_own_glyph() -> None:
    assert class_glyphs(NAMES) == [".", "S", "M", "A"]
    assert class_glyphs(["other", "sniff", "sniffbody", "s"]) == [".", "S", "N", "A"]
    many = [f"action{number}" for number in range(30)]
    assert len(set(class_glyphs(many))) == 30


def test_truth_is_shown_before_there_is_a_prediction() -> None:
    known = ethogram("..SSAA..", "..SSMA.M")
    rows = Ethogram(known.truth, None, NAMES).render(LABEL_WIDTH + 8, cursor=3)
    assert [strip(row).strip() for row in rows[:3]] == ["..SSAA..", "", ""]
    assert [row.text.split()[0] for row in rows] == ["truth", "model", "errors", "frame"]
    assert rows[3] == known.render(LABEL_WIDTH + 8, cursor=3)[3]


def test_one_column_a_frame_shows_every_frame() -> None:
    rows = ethogram("..SSAA..", "..SSMA.M").render(LABEL_WIDTH + 8)
    assert [strip(row) for row in rows[:2]] == ["..SSAA..", "..SSMA.M"]
    assert strip(rows[2]) == "    █  █"
    assert {s.role for s in rows[0].segments if s.start >= LABEL_WIDTH} == {0, 1, 3}
    assert any(s.role == ALERT for s in rows[2].segments)


def test_few_frames_are_spread() -> None:
    rows = ethogram("S.A", "S..").render(LABEL_WIDTH + 6)
    assert [strip(row) for row in rows[:3]] == ["SS..AA", "SS....", "    ██"]


def test_a_short_bout_does_not_vanish() -> None:
    truth = "." * 999 + "A" + "." * 1000
    rows = ethogram(truth, "." * 2000).render(LABEL_WIDTH + 10)
    assert strip(rows[0]) == "....A....."
    assert strip(rows[2]).strip() == "▁"


def test_zoom_and_cursor() -> None:
    rows = ethogram("..SSAA..", "..SSMA.M").render(LABEL_WIDTH + 4, first=2, stop=6, cursor=4)
    assert [strip(row) for row in rows[:2]] == ["SSAA", "SSMA"]
    assert rows[0].text.startswith("truth aggressive")
    assert rows[1].text.startswith("model mating")
    assert strip(rows[3])[2] == "▲"


@pytest.mark.parametrize("cursor", [0, 499, 999])
def test_the_cursor_names_its_frame_wherever_it_is(cursor) -> None:
    truth = "." * 1000
    axis = ethogram(truth, truth).render(60, cursor=cursor, ascii_only=True)[3].text
    assert "^" in axis
    assert str(cursor) in axis.replace("^", "")


def test_probabilities_stand_below_their_frames() -> None:
    probabilities = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.0, 1.0]], np.float32)
    rows = render_probabilities(probabilities, NAMES[:2], LABEL_WIDTH + 4, cursor=1)
    assert [strip(row) for row in rows] == ["█▄  ", " ▄██"]
    assert rows[0].text.startswith("other      0.50")
    plain = render_probabilities(probabilities, NAMES[:2], LABEL_WIDTH + 4, ascii_only=True)
    assert all(row.text.isascii() for row in plain)


def test_the_legend_takes_the_rows_it_needs() -> None:
    assert class_legend(NAMES, 80)[0].text.split("   ")[:2] == [". other", "S social"]
    narrow = class_legend(NAMES, 20)
    assert len(narrow) == 3
    assert "".join(row.text for row in narrow).count("aggressive") == 1


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="predicted"):
        Ethogram(np.zeros(3, int), np.zeros(4, int), NAMES)
    with pytest.raises(ValueError, match="cannot be shown"):
        ethogram("..", "..").render(LABEL_WIDTH)
    with pytest.raises(ValueError, match="of a video of 2"):
        ethogram("..", "..").render(40, stop=3)


@given(
    columns=st.integers(1, 200),
    first=st.integers(0, 10_000),
    frames=st.integers(1, 10_000),
    data=st.data(),
)
def test_every_frame_has_a_column_and_no_column_is_without(columns, first, frames, data) -> None:
    edges = column_edges(columns, first, first + frames)
    assert (edges[0], edges[-1]) == (first, first + frames)
    assert (np.diff(edges) >= 0).all()
    assert np.diff(edges).max() - np.diff(edges).min() <= 1
    frame = data.draw(st.integers(first, first + frames - 1))
    column = column_of(edges, frame)
    assert column is not None
    assert edges[column] <= frame < max(edges[column + 1], edges[column] + 1)
    assert column_of(edges, first + frames) is None
