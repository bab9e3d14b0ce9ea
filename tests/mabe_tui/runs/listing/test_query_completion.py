"""Completion in the filter line."""

import pytest

from mabe_tui.runs.listing.fields import Fields, Row
from mabe_tui.runs.listing.query import parse
from mabe_tui.runs.listing.query_completion import EXAMPLES, completed

ROWS: list[Row] = [
    {"state": "finished", "tags": ("keep", "long way"), "training.batch_size": 32},
    {"state": "running", "tags": (), "training.batch_size": 64},
]
FIELDS = Fields(ROWS)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("stat", "state"),
        ("f1 > 0.4 and ver", "f1 > 0.4 and version"),
        ("batch_s", "training.batch_size"),
        ("state == f", "state == finished"),
        ("state in (running, f", "state in (running, finished"),
        ("tags:k", "tags:keep"),
        ("tag == l", None),
        ("", None),
        ("seed == 4", None),
        ("nothing_like_it", None),
    ],
)
def test_the_last_word_is_completed(typed: str, expected: str | None) -> None:
    assert completed(typed, FIELDS, ROWS) == expected


def test_the_examples_can_be_read() -> None:
    for query, _ in EXAMPLES:
        parse(query, FIELDS)
