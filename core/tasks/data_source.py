"""Where a run's data are: a folder that was named, or data that the experiment makes itself."""

from pathlib import Path

from core.data.synthetic import SyntheticSettings, synthesise
from core.data.synthetic.settings import fingerprint
from core.errors import DataError
from core.system.lock import in_turn
from core.system.progress import Progress


def data_root(
    name: str, data: str | None, own: SyntheticSettings | None, cache: Path, progress: Progress
) -> Path:
    """Return the data folder of a run; synthetic data are made first if they do not exist yet.

    All runs that ask for the same synthetic data share them. They do not depend on the run's seed, so that
    seeds are compared on the same data.

    Args:
        name: name of the experiment.
        data: a folder in the competition's layout, if one was named.
        own: the data that the experiment makes itself, if any.
        cache: parent of the folder of synthetic data.
        progress: called with (done, total, what).

    Raises:
        DataError: no folder was named, and the experiment makes no data.
    """
    if data is not None:
        return Path(data)
    if own is None:
        raise DataError(
            f"{name} learns from the competition's data: name their folder with --data"
            " (`mabe data synth DIR` makes one like it)"
        )
    root = cache / f"synthetic-{fingerprint(own)}"
    lock = root.with_name(f".{root.name}.lock")
    with in_turn(lock, progress, "waiting for another job that makes the same data"):
        if not (root / "train.csv").is_file():  # it is written last
            synthesise(root, own, progress=labelled(progress, "simulated"))
    return root


def labelled(progress: Progress, how: str) -> Progress:
    """Return a progress that says what was done to the videos it counts, as in "videos prepared"."""
    return lambda done, total, what: progress(done, total, f"{what} {how}" if total else what)
