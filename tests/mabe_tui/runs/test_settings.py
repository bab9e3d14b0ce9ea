"""Formatting of settings for display."""

from mabe_tui.runs.format.settings import spell_side_by_side


def test_floats_have_four_digits_where_those_tell_them_apart() -> None:
    found = spell_side_by_side([0.0007834512345678901, 1e-05, 384.0, 0.4332])
    assert found == ["0.0007835", "1e-05", "384.0", "0.4332"]
    assert spell_side_by_side([[0.123456, 2.0], None, True]) == ["[0.1235, 2.0]", "none", "true"]


def test_values_that_differ_are_never_spelled_alike() -> None:
    assert spell_side_by_side([0.12341, 0.12342]) == ["0.12341", "0.12342"]
