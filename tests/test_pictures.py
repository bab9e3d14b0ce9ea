"""The pictures in the documentation are self-contained and reveal nothing about the machine."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.terminal_svg import COLUMN, LINE, SHAPES, SIDE, portable

ROOT = Path(__file__).resolve().parents[1]
PICTURES = sorted((ROOT / "docs").rglob("*.svg"))
OF_A_MACHINE = re.compile(r"(?<![\w~.])/(?:check|home|mnt|opt|private|root|tmp|Users|var|work)\b")
ELSEWHERE = re.compile(r"@font-face|<image|url\((?!#)|(?:href|src)=")


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_picture_needs_nothing_and_names_no_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    words = "\n".join(ElementTree.fromstring(text).itertext())
    assert not OF_A_MACHINE.search(words)
    assert not re.search(f"[{SHAPES}]", words)
    assert not ELSEWHERE.search(text)


def test_every_picture_is_on_a_page() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    shown = {
        (page.parent / name).resolve()
        for page in pages
        for name in re.findall(r"!\[[^]]+\]\(([^)]+\.svg)\)", page.read_text(encoding="utf-8"))
    }
    assert shown == {*PICTURES}


@pytest.mark.parametrize("path", ["/tmp/x", "at /home/me/poses", "(/work)"])
def test_paths_of_a_machine_are_recognised(path: str) -> None:
    assert OF_A_MACHINE.search(path)


@pytest.mark.parametrize("path", ["~/poses/.venv/bin/python", "frames/s", "~/work/x", "docs/tmp"])
def test_other_paths_are_none_of_a_machine(path: str) -> None:
    assert not OF_A_MACHINE.search(path)


def text(content: str, x: float = 12.2) -> str:
    return (
        f'<text class="r1" x="{x}" y="20" textLength="99" clip-path="url(#line-0)">{content}</text>'
    )


def test_dots_are_squares_in_their_cells() -> None:
    drawn = portable(text("\u2801\u2880"))  # the first dot of one cell, the last of the next
    corners = re.findall(r"M([\d.]+) ([\d.]+)h", drawn)
    assert drawn.startswith('<path class="r1" clip-path="url(#line-0)"')
    centres = [(float(x) + SIDE / 2, float(y) + SIDE / 2) for x, y in corners]
    assert centres == [
        pytest.approx((COLUMN * 1.25, 1.5 + LINE / 8), abs=0.1),
        pytest.approx((COLUMN * 2.75, 1.5 + LINE * 7 / 8), abs=0.1),
    ]


@pytest.mark.parametrize(
    ("block", "corner", "size"),
    [("█", (12.2, 1.5), (12.2, 24.4)), ("▂", (12.2, 19.8), (12.2, 6.1)), ("▌", (12.2, 1.5), (6.1, 24.4))],
)  # fmt: skip
def test_blocks_fill_their_part_of_a_cell(
    block: str, corner: tuple[float, float], size: tuple[float, float]
) -> None:
    x, y, width, height = map(
        float, re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)", portable(text(block)))[0]
    )
    assert (x, y) == pytest.approx(corner)
    assert (width, height) == pytest.approx(size, abs=0.25)


def test_words_stand_where_they_stood() -> None:
    drawn = portable(text("&#160;&#160;a&#160;&lt;b&#160;&#160;\u28ffc&#160;"))
    assert re.findall(r"<text[^>]* x=\"([\d.]+)\"[^>]*>([^<]*)<", drawn) == [
        ("36.6", "a\u00a0&lt;b"),
        ("122", "c"),
    ]
    assert drawn.count("z") == 8
    assert portable(text("&#160;")) == ""
