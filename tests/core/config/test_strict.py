"""Suggestions in errors about unknown words."""

from core.config.strict import MANY, nearest


def test_the_nearest_is_offered_else_all_else_of_many_a_few() -> None:
    assert nearest("finish", ["finished", "lost"]) == "; did you mean 'finished'?"
    assert nearest("zzz", ["finished", "lost"]) == "; there are: finished, lost"
    assert nearest("zzz", []) == ""
    many = [f"curve_{number}" for number in range(MANY + 1)]
    assert nearest("zzz", many).startswith(f"; the nearest of {MANY + 1}: curve_")
    assert nearest("zzz", many).count(",") == 3
