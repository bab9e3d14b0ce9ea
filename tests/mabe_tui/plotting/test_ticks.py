import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mabe_tui.plotting.ticks import TickKind, short_duration, short_number, ticks

magnitude = st.floats(-1e9, 1e9, allow_nan=False).filter(lambda v: v == 0 or abs(v) > 1e-9)
most = st.integers(1, 12)


@given(
    magnitude,
    st.floats(1e-6, 1e9),
    most,
    st.sampled_from(["linear", "integer", "duration", "dollars"]),
)
def test_ticks_are_few_ascending_inside_and_distinct(
    low: float, span: float, most: int, kind: TickKind
) -> None:
    high = low + max(span, abs(low) * 1e-6)
    result = ticks(low, high, most, kind)
    assert 1 <= len(result.positions) <= most
    assert len(result.labels) == len(result.positions) == len(set(result.labels))
    assert list(result.positions) == sorted(set(result.positions))
    assert low <= result.positions[0] <= result.positions[-1] <= high


@given(st.floats(1e-8, 1e8), st.floats(1.01, 1e12), most)
def test_log_ticks_keep_the_same_promises(low: float, factor: float, most: int) -> None:
    result = ticks(low, low * factor, most, "log")
    assert 1 <= len(result.positions) <= most
    assert len(set(result.labels)) == len(result.positions)
    assert low <= result.positions[0] <= result.positions[-1] <= low * factor


@given(st.integers(-1000, 1000), st.integers(1, 100_000), most)
def test_integer_ticks_are_whole(low: int, span: int, most: int) -> None:
    assert all(
        position == int(position) for position in ticks(low, low + span, most, "integer").positions
    )


@given(magnitude, st.floats(1e-3, 1e6))
def test_linear_ticks_are_evenly_spaced(low: float, span: float) -> None:
    positions = ticks(low, low + max(span, abs(low) * 1e-6), 8).positions
    inner = [b - a for a, b in pairwise(positions[1:-1])]
    assert all(math.isclose(step, inner[0], rel_tol=1e-3) for step in inner)


@pytest.mark.parametrize(
    ("low", "high", "most", "kind", "labels"),
    [
        (0, 1, 6, "linear", "0 0.2 0.4 0.6 0.8 1.0"),
        (0.55, 1.15, 2, "linear", "0.6 1.0"),
        (4.4, 5.6, 2, "linear", "4.5 5.0"),
        (0.21, 0.4389, 5, "linear", "0.25 0.30 0.35 0.40"),
        (-1, 1, 3, "linear", "−1 0 1"),
        (0, 1_500_000, 5, "linear", "0 500k 1M 1.5M"),
        (999_999, 1_000_003, 4, "linear", "1000000 1000002"),
        (-3e-6, 2e-6, 5, "linear", "−2e-06 0 2e-06"),
        (1, 9, 1, "linear", "5"),
        (1, 3, 7, "integer", "1 2 3"),
        (1.2, 1.8, 7, "integer", "1.2"),
        (1, 100, 7, "integer", "20 40 60 80 100"),
        (1e-5, 4e-4, 5, "log", "1e-05 0.0001"),
        (0.03, 0.45, 3, "log", "0.05 0.1 0.2"),
        (0.02, 0.45, 3, "log", "0.03 0.1 0.3"),
        (1, 1e9, 4, "log", "1 1000 1M 1G"),
        (0, 4980, 6, "duration", "0s 15m 30m 45m 1h 1h15m"),
        (0, 0.4, 5, "duration", "0s 0.1s 0.2s 0.3s 0.4s"),
        (0, 400_000, 6, "duration", "0s 1d 2d 3d 4d"),
        (0, 84, 5, "dollars", "$0 $20 $40 $60 $80"),
        (0, 0.12, 5, "dollars", "$0.00 $0.05 $0.10"),
        (12_000, 18_000, 6, "dollars", "$12k $14k $16k $18k"),
    ],
)  # fmt: skip
def test_labels_read_as_written(
    low: float, high: float, most: int, kind: TickKind, labels: str
) -> None:
    assert " ".join(ticks(low, high, most, kind).labels) == labels


def test_an_empty_range_has_one_tick() -> None:
    assert ticks(0.3, 0.3, 5).positions == (0.3,)
    assert ticks(0, 0, 5).labels == ("0",)


def test_ranges_without_ticks_are_refused() -> None:
    for low, high in ((1, 0), (math.nan, 1), (0, math.inf)):
        with pytest.raises(ValueError, match="no ticks"):
            ticks(low, high, 5)
    with pytest.raises(ValueError, match="log axis"):
        ticks(0, 1, 5, "log")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.43321, "0.4332"), (12_500, "12.5k"), (3e-5, "3e-05"), (-2.5e7, "−25M"), (9999, "9999"),
     (math.nan, "NaN"), (math.inf, "∞"), (-math.inf, "−∞"), (0, "0")],
)  # fmt: skip
def test_short_numbers(value: float, text: str) -> None:
    assert short_number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.25, "0.25s"), (45, "45s"), (90, "1m30s"), (3600, "1h"), (3605, "1h"),
     (8100, "2h15m"), (259_200, "3d"), (-90, "−1m30s")],
)  # fmt: skip
def test_short_durations(seconds: float, text: str) -> None:
    assert short_duration(seconds) == text
