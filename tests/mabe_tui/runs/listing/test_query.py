"""The filter language: its matches and its error messages."""

import datetime as dt
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mabe_tui.runs.listing.fields import Fields, Row
from mabe_tui.runs.listing.query import QueryError, parse

NOW = dt.datetime.now(dt.UTC)
ROW: Row = {
    "id": "v6-20261121T031500-k3f9",
    "version": "v6",
    "state": "running",
    "gpu": "H100",
    "f1_macro": 0.41,
    "best.f1_macro": 0.45,
    "loss": math.nan,
    "training.batch_size": 384,
    "training.compile": False,
    "training.scheduler": None,
    "elapsed_seconds": 5400.0,
    "created": NOW - dt.timedelta(days=1),
    "tags": ("sweep", "tune:lr"),
    "note": "Looks bad",
}


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("", True),
        ('gpu == "H100" and f1 > 0.4', True),
        ("gpu = H100 f1 > .5", False),
        ('version in ("v5", v6) and state == running and tag:sweep or not note ~ "bad"', True),
        ('not note ~ "BAD"', False),
        ("note !=  'Looks bad'", False),
        ("version not in (v1, v2)", True),
        ("version > v5 and version < v10", True),
        ("gpu == h100", False),
        ("k3f", True),
        ("LOOKS", True),
        ("'bad' sweep", True),
        ("sweep nothing", False),
        ("tags == sweep", True),
        ("tag:swee", False),
        ("tag:tune:lr", True),
        ("tags ~ ^tune:", True),
        ("note:bad", True),
        ('note:"looks bad"', True),
        ("batch_size >= 384 and batch == 384", True),
        ("batch == 3.84e2", True),
        ("compile == false", True),
        ("compile == 0", False),
        ("scheduler == none", True),
        ("scheduler != none or scheduler == cosine or scheduler != cosine", False),
        ("scheduler not in (cosine)", False),
        ("not scheduler == cosine", True),
        ("gpu != none", True),
        ("loss == nan", True),
        ("loss < 1 or loss >= 1", False),
        ("elapsed_seconds > 1h and time < 1h31m", True),
        ("time == 1.5h", True),
        ("created < 2d", True),
        ("created > 2d", False),
        ("created > 2020-01-01 and created < 2100-01-01T10:00", True),
        (f"created == {(NOW - dt.timedelta(days=1)).astimezone():%Y-%m-%d}", True),
        ("created > yesterday", False),
        ("f1 > abc", False),
        ("f1 < v2 or f1 == 'x'", False),
        ("best.f1 > .44 and (f1 > 1 or best.f1 < 1)", True),
        ("not (v6 or v5)", False),
        ("not not v6", True),
        ('"and"', False),
    ],
)
def test_what_passes(text: str, passes: bool) -> None:
    assert parse(text, Fields([ROW])).matches(ROW) is passes


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("f1 > 0.3 and gpuu == A10", 14, "no field 'gpuu'; did you mean 'gpu'?"),
        ("f1 >", 5, "expected a value, not the end"),
        ("f1 > and", 6, "expected a value, not 'and'"),
        ("(f1 > 1", 8, "expected ), not the end"),
        ("f1 > 1)", 7, "expected and, or, or the end, not ')'"),
        ("f1 in v5", 7, "expected (, not 'v5'"),
        ("or v5", 1, "expected a test, such as score > 0.4, not 'or'"),
        ("version == v5, v6", 14, "expected and, or, or the end, not ','"),
        ("note ~ '['", 8, "not a regular expression"),
        ('note == "half', 9, "a quote that is never closed"),
        ("tag:", 5, "nothing after 'tag:'"),
        ("f1 ! 2", 4, "'!'?"),
        ("(" * 60 + "v6" + ")" * 60, 51, "more than 50 levels"),
    ],
)
def test_errors_name_the_column(text: str, column: int, message: str) -> None:
    with pytest.raises(QueryError) as raised:
        parse(text)
    assert raised.value.column == column
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_keys_that_are_looked_at() -> None:
    assert parse("f1 > 1 and f1 < 2 or batch == 3 loose").keys == (
        "f1_macro",
        "training.batch_size",
    )


numbers = st.floats(allow_nan=False, width=32) | st.none()


@given(numbers, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), st.floats(-1e6, 1e6))
def test_comparisons_are_those_of_numbers(value: float | None, sign: str, wanted: float) -> None:
    row: Row = {"f1_macro": value}
    expected = value is not None and eval(
        f"value {sign} wanted", {"value": value, "wanted": wanted}
    )
    assert parse(f"f1 {sign} {wanted!r}").matches(row) is bool(expected)


def trees() -> st.SearchStrategy[Any]:
    leaves = st.sampled_from(["a", "b", "c"])
    return st.recursive(
        leaves,
        lambda inner: (
            st.tuples(st.just("not"), inner)
            | st.tuples(st.sampled_from(["and", "or"]), inner, inner)
        ),
        max_leaves=12,
    )


def spelled(tree: Any) -> str:
    """Write a tree with no more parentheses than the grammar needs."""
    if isinstance(tree, str):
        return f"note:{tree}"
    if tree[0] == "not":
        inner = spelled(tree[1])
        return f"not ({inner})" if tree[1][0] in ("and", "or") else f"not {inner}"
    sides = [spelled(side) for side in tree[1:]]
    if tree[0] == "and":
        sides = [f"({s})" if t[0] == "or" else s for s, t in zip(sides, tree[1:], strict=True)]
    return f" {tree[0]} ".join(sides)


def truth(tree: Any, note: str) -> bool:
    if isinstance(tree, str):
        return tree in note
    values = [truth(side, note) for side in tree[1:]]
    if tree[0] == "not":
        return not values[0]
    return all(values) if tree[0] == "and" else any(values)


@given(trees(), st.sets(st.sampled_from("abc")))
def test_and_binds_tighter_than_or_and_not_tightest(tree: Any, letters: set[str]) -> None:
    row: Row = {"note": "".join(sorted(letters))}
    assert parse(spelled(tree)).matches(row) is truth(tree, str(row["note"]))


@given(st.text(max_size=40))
def test_any_text_is_a_filter_or_one_clear_error(text: str) -> None:
    try:
        parse(text).matches({})
    except QueryError as error:
        assert str(error).startswith("column ")  # noqa: PT017


@given(st.text(min_size=1))
def test_quoted_values_are_taken_as_they_are(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    assert parse(f'note == "{quoted}"').matches({"note": value})
