"""How often each training window is drawn, so that rare classes are seen more often than they occur."""

import numpy as np
import numpy.typing as npt

from core.frames.windows import Indices, WindowIndex

Shares = npt.NDArray[np.float64]


def window_class_frames(
    index: WindowIndex, offsets: Indices, classes: npt.NDArray[np.uint8], count: int
) -> npt.NDArray[np.int64]:
    """Count the frames of each class in each window, ``(windows, count)``; only frames that count.

    Args:
        index: the windows.
        offsets: (videos,) row of ``classes`` that is a video's frame 0.
        classes: (total frames,) class indices.
        count: number of classes.
    """
    first = offsets[index.video] + index.start + index.first
    stop = offsets[index.video] + index.start + index.stop
    columns = []
    for code in range(count):
        before = np.concatenate([[0], np.cumsum(classes == code)])
        columns.append(before[stop] - before[first])
    return np.stack(columns, axis=1)


def balanced_shares(class_frames: npt.NDArray[np.int64], strength: float) -> Shares:
    """Return the share of an epoch's draws that each window gets, ``(windows,)``, summing to 1.

    A window is drawn as if a class were drawn first, with a probability that goes as the class's
    frames to the power ``1 - strength``, and then a window in proportion to its frames of that class
    (the sampling of Kang et al. 2020, "Decoupling representation and classifier", with
    ``q = 1 - strength``, where each window has one class). At 1 all classes that occur are drawn
    equally often; at 0 every full window is.

    Args:
        class_frames: (windows, classes) see :func:`window_class_frames`.
        strength: 0 to 1.
    """
    totals = class_frames.sum(axis=0).astype(np.float64)
    occurs = totals > 0
    drawn = np.where(occurs, totals, 1.0) ** (1 - strength) * occurs
    shares = class_frames @ (drawn / np.where(occurs, totals, 1.0))
    return np.asarray(shares / shares.sum())


def draw_windows(order: Indices, shares: Shares, generator: np.random.Generator) -> Indices:
    """Draw as many windows as there are, ``(windows,)``, each in its share, in a random order.

    Systematic resampling over the windows in the order given: a window whose share is worth 2.3 draws
    comes two or three times, never none or ten, so that epochs differ as little as they can.
    """
    edges = np.cumsum(shares[order])
    ticks = (np.arange(len(order)) + generator.random()) / len(order) * edges[-1]
    places = np.searchsorted(edges, ticks, side="right")
    # A tick may be rounded up to the very end.
    return generator.permutation(order[np.minimum(places, len(order) - 1)])
