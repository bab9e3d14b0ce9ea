"""SVG charts: well-formed, complete, distinguishable, with untrusted text escaped."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from mabe_tui.plotting.panel import Panel
from mabe_tui.plotting.series import Series
from mabe_tui.plotting.svg import DASHES, svg_chart, svg_document

SVG = "{http://www.w3.org/2000/svg}"
STRANGE = '<script>alert("x")</script> & ]]>'


def panel(*series: Series, **options: object) -> Panel:
    return Panel(series, tuple(range(len(series))), **options)


def paths(document: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(document)
    return [path for path in root.iter(f"{SVG}path") if path.get("class") != "axis"]


def heights(path: ElementTree.Element) -> list[float]:
    return [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.-]+)", path.get("d") or "")]


def test_text_of_strangers_is_escaped() -> None:
    strange = panel(Series(STRANGE, [0, 1], [0, 1]), title=STRANGE, x_label=STRANGE)
    document = svg_document([strange], [STRANGE])
    assert "<script" not in document
    texts = [text.text for text in ElementTree.fromstring(document).iter(f"{SVG}text")]
    assert texts.count(STRANGE) == 4
    ElementTree.fromstring(svg_chart(strange))


def test_characters_that_xml_forbids_are_left_out() -> None:
    title = "a\x1b]0;t\x07b\x9b\u202e\udc9b\uffff"
    document = svg_document([panel(Series(title, [0, 1], [0, 1]), title=title)], [title])
    texts = [text.text for text in ElementTree.fromstring(document).iter(f"{SVG}text")]
    assert texts.count("a]0;tb") == 3
    assert document.encode()


def test_lines_are_told_apart_without_colour() -> None:
    lines = [Series(f"line {n}", [0, 1], [n, n + 1]) for n in range(len(DASHES))]
    drawn = [path.get("stroke-dasharray") for path in paths(svg_document([panel(*lines)]))]
    assert len(set(drawn)) == len(DASHES)


def test_few_points_are_joined_as_they_are() -> None:
    [path] = paths(svg_document([panel(Series("line", [0, 1, 2], [0, 5, 10]))]))
    low, middle, high = heights(path)
    assert middle == pytest.approx((low + high) / 2, abs=0.1)
    assert low > high  # y runs downwards


def test_many_points_become_few_and_keep_their_peaks() -> None:
    y = np.random.default_rng(0).normal(size=200_000)
    y[123_456] = 50.0
    document = svg_document([panel(Series("noise", np.arange(200_000), y))])
    [path] = paths(document)
    assert len(document) < 60_000
    assert min(heights(path)) == pytest.approx(60, abs=1)  # the peak is at the top of the plot


def test_nan_breaks_the_line_and_is_marked() -> None:
    y = [1.0, 2.0, np.nan, 3.0, np.nan, 4.0, 5.0]
    document = svg_document([panel(Series("loss", range(7), y))])
    [path] = paths(document)
    assert (path.get("d") or "").count("M") == 3
    assert (path.get("d") or "").count("h") == 1  # a point by itself is a dot
    root = ElementTree.fromstring(document)
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts.count("×") == 2
    assert "loss (2 NaN)" in texts


def test_log_axis() -> None:
    line = Series("loss", [0, 1, 2], [0.01, 0.1, 1.0])
    [path] = paths(svg_document([panel(line, log_y=True)]))
    low, middle, high = heights(path)
    assert middle == pytest.approx((low + high) / 2, abs=0.1)


def test_legend_counts_what_it_has_no_room_for() -> None:
    lines = [Series(f"a line with a long name {n}", [0, 1], [n, n]) for n in range(9)]
    assert re.search(r"\+\d more", svg_document([panel(*lines)]))


def test_legend_goes_on_in_a_second_row() -> None:
    lines = [Series(f"v{n} validation_loss (3 seeds)", [0, 1], [n, n]) for n in range(4)]
    picture = svg_document([panel(*lines)])
    assert "more" not in picture
    assert {picture.count(f'y="{y}">v') for y in (34, 50)} == {2}


def test_colours_need_no_style_sheet() -> None:
    lines = [Series(f"line {n}", [0, 1], [n, n]) for n in range(3)]
    drawn = paths(svg_document([panel(*lines)]))
    assert len({path.get("stroke") for path in drawn}) == 3
    assert {path.get("fill") for path in drawn} == {"none"}
