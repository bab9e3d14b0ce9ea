"""Drawing a frame of a video: two mice in 80 × 24, and an ethogram of ten minutes below.

The skeletons are timed against the same lines laid on a canvas edge by edge, which is what a drawing
routine without batches would do; the ethogram against one that counts its frames afresh each time.
"""

import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from mabe_tui.plotting.braille import Canvas
from mabe_tui.plotting.ethogram import Ethogram, render_probabilities
from mabe_tui.plotting.skeleton import ArenaView, Skeleton, centres, render_skeletons

MARS = ("nose", "ear_left", "ear_right", "neck", "hip_left", "hip_right", "tail_base")
BODY = np.array([[60, 0], [45, -15], [45, 15], [30, 0], [-20, -20], [-20, 20], [-50, 0]], float)
NAMES = ("other", "social", "mating", "aggressive")
FRAMES, WIDTH, HEIGHT, ROUNDS = 18_000, 80, 24, 200
ARENA = ArenaView(0, 0, 1600, 1200)
MOST_MILLISECONDS = 1.0


def walk(rng: np.random.Generator) -> np.ndarray:
    """Two mice that wander: ``(frames, 2, keypoints, 2)``."""
    steps = rng.normal(scale=8, size=(ROUNDS + 30, 2, 2)).cumsum(axis=0) + np.array([600, 500])
    return steps[:, :, None] + BODY


def milliseconds(action: Callable[[int], object]) -> float:
    """Median time of one call, by the processor's clock."""
    times = []
    for number in range(ROUNDS):
        start = time.process_time()
        action(number)
        times.append((time.process_time() - start) * 1e3)
    return statistics.median(times)


def edge_by_edge(points: np.ndarray, skeleton: Skeleton) -> None:
    """Draw each edge by itself."""
    canvas = Canvas(WIDTH, HEIGHT)
    for mouse, body in enumerate(points * (canvas.width / 1600, canvas.height / 1200)):
        for chain in skeleton.chains:
            for start, stop in pairwise(chain):
                canvas.line(*body[[start, stop]].T, mouse)
    canvas.text()


def main() -> None:
    """Print the figures."""
    rng = np.random.default_rng(0)
    positions, skeleton = walk(rng), Skeleton.of(MARS)

    def draw(number: int) -> None:
        trail = centres(positions[number : number + 30])
        render_skeletons(
            positions[number + 29],
            skeleton,
            WIDTH,
            HEIGHT,
            ARENA,
            labels="12",
            trail=trail,
            arena=ARENA,
        )

    draw(0)
    ours, edges = milliseconds(draw), milliseconds(lambda n: edge_by_edge(positions[n], skeleton))
    print(f"two mice, trail and arena in {WIDTH} × {HEIGHT}: {ours:.2f} ms")
    print(f"  at most {MOST_MILLISECONDS:.0f}; edge by edge, without these, {edges:.2f} ms")
    print(f"  ratio {edges / ours:.1f}")

    truth = np.repeat(rng.integers(0, 4, FRAMES // 60), 60).astype(np.uint8)
    model = np.roll(truth, 9)
    probabilities = np.eye(4, dtype=np.float32)[model]
    kept = Ethogram(truth, model, NAMES)

    def strips(ethogram: Ethogram, cursor: int) -> None:
        ethogram.render(WIDTH, cursor=cursor)
        render_probabilities(probabilities, NAMES, WIDTH, cursor=cursor)

    quick = milliseconds(lambda n: strips(kept, n))
    fresh = milliseconds(lambda n: strips(Ethogram(truth, model, NAMES), n))
    print(f"strips of {FRAMES:,} frames: {quick:.2f} ms, counted afresh {fresh:.2f} ms")
    print(f"  ratio {fresh / quick:.1f}")


if __name__ == "__main__":
    main()
