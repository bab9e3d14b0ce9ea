"""The characters that ``--ascii`` leaves in the output."""

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from mabe_tui.plotting.legend import SAMPLES
from mabe_tui.tui.ascii_filter import AsciiFilter

BOLD = Style(bold=True)


def filtered(text: str) -> Segment:
    (segment,) = AsciiFilter().apply([Segment(text, BOLD)], Color(0, 0, 0))
    return segment


def test_signs_get_a_likeness_as_wide_as_they_are() -> None:
    assert filtered("◆ v6  0.8173 ± 0.0070  −0.0680…") == Segment(
        "= v6  0.8173 +-0.0070  -0.0680~", BOLD
    )


def test_what_has_no_likeness_is_a_question_mark_a_column() -> None:
    shown = filtered("マウス⠿").text
    assert shown == "?" * cell_len("マウス⠿")


def test_no_sample_of_a_line_becomes_a_question_mark() -> None:
    assert "?" not in filtered("".join(SAMPLES.values())).text
