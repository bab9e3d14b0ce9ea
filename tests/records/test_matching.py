import pytest

from tests.records.matching import differences


@pytest.mark.parametrize(
    ("recorded", "now"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ([{"a": None}], [{"a": None, "b": []}]),
        ({"a": 0.1}, {"a": 0.1 + 1e-9}),
        ([], []),
    ],
)
def test_more_may_be_said(recorded, now) -> None:
    assert differences(recorded, now) == []


@pytest.mark.parametrize(
    ("recorded", "now", "said"),
    [
        ({"a": {"b": 1}}, {"a": {}}, "$.a.b: is gone"),
        ({"a": [1]}, {"a": [1, 2]}, "$.a: has 2 items, recorded are 1"),
        ({"a": [1]}, {"a": [2]}, "$.a[0]: is 2, recorded is 1"),
        ({"a": 1}, {"a": 1.0}, "$.a: is 1.0, recorded is 1"),
        ({"a": 1}, {"a": True}, "$.a: is True, recorded is 1"),
        ({"a": 0.1}, {"a": 0.1001}, "$.a: is 0.1001, recorded is 0.1"),
        ({"a": {}}, {"a": None}, "$.a: is None, recorded is {}"),
    ],
)
def test_less_and_other_may_not(recorded, now, said) -> None:
    assert differences(recorded, now) == [said]
