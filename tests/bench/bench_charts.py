"""Four series of 100,000 points in a chart of 160 × 40: redrawn from pyramids, or drawn from scratch.

A redraw is what a dashboard does on zoom, cursor or resize, with the series' pyramids at hand; the
reference makes the series, and so the pyramids, each time. The two run in turns. Then a million points
to 200 columns, against the same minima and maxima taken from the samples.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np

from mabe_tui.plotting.chart import render_chart
from mabe_tui.plotting.decimation import Pyramid
from mabe_tui.plotting.series import Series

POINTS, SERIES, WIDTH, HEIGHT, ROUNDS = 100_000, 4, 160, 40, 21
LONG, COLUMNS = 1_000_000, 200
MOST_MILLISECONDS = 10.0


def fresh_series() -> list[Series]:
    """Random walks with noise: the densest picture there is."""
    rng = np.random.default_rng(0)
    x = np.arange(POINTS, dtype=float)
    walks = rng.normal(size=(SERIES, POINTS)).cumsum(axis=1) / 300
    styles = ("solid", "dashed", "dotted", "faint")
    return [
        Series(style, x, walk + rng.normal(size=POINTS), style)
        for style, walk in zip(styles, walks, strict=True)
    ]


def milliseconds(action: Callable[[], object]) -> float:
    """Run once and say how long it took."""
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1e3


def in_turns(ours: Callable[[], object], reference: Callable[[], object]) -> tuple[float, float]:
    """Medians of the two, run alternately."""
    pairs = [(milliseconds(ours), milliseconds(reference)) for _ in range(ROUNDS)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def main() -> None:
    """Print the figures."""
    series = fresh_series()
    render_chart(series, WIDTH, HEIGHT)

    def afresh() -> None:
        copies = [Series(one.name, one.x, one.y, one.style) for one in series]
        render_chart(copies, WIDTH, HEIGHT)

    redraw, cold = in_turns(lambda: render_chart(series, WIDTH, HEIGHT), afresh)
    print(f"{SERIES} series of {POINTS:,} points in {WIDTH} × {HEIGHT}:")
    print(f"  redraw {redraw:.1f} ms (at most {MOST_MILLISECONDS:.0f}), afresh {cold:.1f} ms")
    print(f"  ratio {cold / redraw:.1f}")

    x, y = np.arange(LONG, dtype=float), np.random.default_rng(1).normal(size=LONG).cumsum()
    pyramid, edges = Pyramid(x, y), np.linspace(0, LONG, COLUMNS + 1)
    starts = np.searchsorted(x, edges[:-1])
    quick, raw = in_turns(
        lambda: pyramid.columns(edges),
        lambda: (np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)),
    )
    print(f"{LONG:,} points to {COLUMNS} columns: pyramid {quick:.3f} ms, samples {raw:.3f} ms")
    print(f"  ratio {raw / quick:.1f}; building it {milliseconds(lambda: Pyramid(x, y)):.1f} ms")


if __name__ == "__main__":
    main()
