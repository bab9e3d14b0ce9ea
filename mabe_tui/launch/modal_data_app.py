"""The function that brings a competition's data to Modal's volume, inside Modal; see ``data_job.py``."""

from pathlib import Path

import modal
import msgspec

from mabe_tui.launch.data_job import DataJob
from mabe_tui.launch.data_words import AnyWord, Order
from mabe_tui.launch.modal_app import (
    CORE_REQUIREMENTS,
    DATA_MOUNT,
    IDLE_SECONDS,
    MOUNT_ROOT,
    data_volume,
    image_with,
    reload,
)
from mabe_tui.launch.modal_app import (
    SOURCES as APP_SOURCES,
)
from mabe_tui.launch.modal_commits import commit_insistently

REQUIREMENTS = (*(name for name in CORE_REQUIREMENTS if name != "torch"), "kaggle", "six")
SOURCES = (
    *APP_SOURCES,
    "modal_data_app.py",
    "data_job.py",
    "data_words.py",
)
"""Of ``mabe_tui``, what the container needs beside all of ``kaggle_io``."""
CORES, MEMORY_MIB = 4, 16_384
"""One process a core prepares, each holding one video."""
LONGEST_SECONDS = 86_400
CRASHES = 2
"""So often a container that died without a word is started again; a preempted one always is."""


def is_left_out(path: Path) -> bool:
    """Tell which files of ``mabe_tui`` stay at home."""
    return path.suffix != ".py" or not (path.name in SOURCES or path.parent.name == "kaggle_io")


app = modal.App("mabe-data", include_source=False)


@app.function(
    image=image_with(REQUIREMENTS, is_left_out),
    volumes={DATA_MOUNT: data_volume},
    cpu=float(CORES),
    memory=MEMORY_MIB,
    timeout=LONGEST_SECONDS,
    retries=CRASHES,
    scaledown_window=IDLE_SECONDS,
    single_use_containers=True,
)
def fetch_data(order: str) -> str:
    """Carry out an order, and give its last word.

    Args:
        order: an :class:`~mabe_tui.launch.data_job.Order` as JSON.
    """
    reload(data_volume)
    try:
        asked = msgspec.json.decode(order, type=Order)
        mount = MOUNT_ROOT / DATA_MOUNT.lstrip("/")
        ended = DataJob(asked, mount, CORES, _commit, _print).carry_out()
    finally:  # after a preemption, too: another container goes on from here
        _commit()
    _print(ended)
    return msgspec.json.encode(ended).decode()


def _commit() -> None:
    commit_insistently(data_volume, lambda words: print(f"mabe: {words}", flush=True))


def _print(word: AnyWord) -> None:
    print(msgspec.json.encode(word).decode(), flush=True)
