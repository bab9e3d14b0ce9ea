"""How long fitting takes, and how much memory, on made-up predictions of the competition's size.

    python tests/bench/bench_postprocess.py [--frames 20000000] [--keys 84]

Every sequence has 18,000 frames and four labels. The sequences are made anew at every reading, so that they
take no memory; making them takes part of the time, which is printed alone.
"""

import argparse
import resource
import time
from collections.abc import Iterator

import numpy as np

from core.evaluation.rows import f1_macro_present
from core.postprocess.fit import fit
from core.postprocess.nested import fit_nested, scored
from core.postprocess.rules import Settings
from core.postprocess.sequences import KeptSequence

FRAMES = 18_000
BOUT = 45
MEGABYTE = 1024


class MadeUp:
    """Sequences whose probabilities follow their truth, remade at every reading."""

    def __init__(self, frames: int, keys: int, labels: int) -> None:
        self._count, self._keys, self._labels = frames // (FRAMES * labels), keys, labels

    def __iter__(self) -> Iterator[KeptSequence]:
        for number in range(self._count):
            rng = np.random.default_rng(number)
            shape = FRAMES, self._labels
            starts = rng.random((FRAMES // BOUT, self._labels)) < 0.05
            truth = np.repeat(starts, BOUT, axis=0)
            score = rng.standard_normal(shape, np.float32) + 2.5 * truth - 2
            lab = number * self._labels % self._keys // self._labels
            yield KeptSequence(
                unit=f"lab{lab}/{number}",
                fold=number % 5,
                lab=f"lab{lab}",
                labels=tuple(f"action{n}" for n in range(self._labels)),
                values=(1 / (1 + np.exp(-score))).astype(np.float32),
                truth=truth,
                frames_per_second=30.0,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=20_000_000, help="frame probabilities")
    parser.add_argument("--keys", type=int, default=84, help="labs × labels")
    parser.add_argument("--labels", type=int, default=4, help="labels of a sequence")
    options = parser.parse_args()
    source = MadeUp(options.frames, options.keys, options.labels)
    show("making the sequences once", lambda: sum(len(each.values) for each in source))
    show("fit", lambda: fit(source))
    show(
        "fit and report, nested over 5 folds",
        lambda: scored(fit_nested(source, Settings()), f1_macro_present, "F1"),
    )


def show(what: str, work: object) -> None:
    began, cpu = time.perf_counter(), time.process_time()
    work()  # type: ignore[operator]
    seconds, busy = time.perf_counter() - began, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE
    print(f"{what}: {seconds:.0f} s ({busy:.0f} s of CPU), peak memory {memory:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
