"""The Modal function that downloads a competition's data to the volume; see ``data_job.py``."""

from collections.abc import Callable
from pathlib import Path

import modal
import msgspec

from mabe_tui.launch.data_job import DataJob
from mabe_tui.launch.data_messages import (
    PLAIN_PREFIX,
    AnyMessage,
    DownloadFailed,
    DownloadReady,
    DownloadRequest,
)
from mabe_tui.launch.modal_app import (
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
from mabe_tui.launch.modal_commits import Commit, Committer, commit, reason_of
from mabe_tui.launch.requirements import declared

REQUIREMENTS = tuple(name for name in declared("core", "kaggle") if name != "torch")
SOURCES = (
    *APP_SOURCES,
    "modal_data_app.py",
    "data_job.py",
    "data_messages.py",
)
"""Files of ``mabe_tui`` that the container needs besides all of ``kaggle_io``."""
CORES, MEMORY_MIB = 4, 16_384
"""Number of cores; one process per core prepares data, each holding one video."""
LONGEST_SECONDS = 86_400
CRASHES = 2
"""Number of restarts after a container dies without a message; a preempted one is always restarted."""

SECONDS_AFTER_SIGNAL = 25.0
"""Time allowed for a commit in a container that is being taken away: Modal kills it after 30 s."""
INSIST_SECONDS = 600.0
"""Time allowed for the last commit after the job has ended; all of it is billed."""
Job = Callable[[Callable[[], object]], DownloadReady | DownloadFailed]


def is_left_out(path: Path) -> bool:
    """Return whether a file of ``mabe_tui`` is left out of the image."""
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
    """Carry out a download request; return its final message as JSON.

    Args:
        order: a :class:`~mabe_tui.launch.data_messages.DownloadRequest` as JSON.
    """
    reload(data_volume)
    asked = msgspec.json.decode(order, type=DownloadRequest)
    mount = MOUNT_ROOT / DATA_MOUNT.lstrip("/")
    ended = see_through(
        lambda keep: DataJob(asked, mount, CORES, keep, _print).carry_out(),
        lambda: commit(data_volume),
        lambda words: print(f"{PLAIN_PREFIX}{words}", flush=True),
    )
    _print(ended)
    return msgspec.json.encode(ended).decode()


def see_through(
    job: Job, commit: Commit, say: Callable[[str], None]
) -> DownloadReady | DownloadFailed:
    """Run a job while a thread commits what it writes; a failed commit does not end the job.

    Args:
        job: called with a function that requests a commit without waiting for it.
        commit: commits the volume once; raises if that fails.
        say: called with the reason when a commit fails, unless it is the same as last time.

    Raises:
        RuntimeError: the data are ready but could not be committed; Modal may retry.
        BaseException: whatever the job raises, such as a preemption; completed work is committed first.
    """
    problem = ""

    def on_success(_: int) -> None:
        nonlocal problem
        if problem:
            problem = ""
            say("the volume is committed again")

    def on_failure(error: BaseException) -> None:
        nonlocal problem
        before, problem = problem, reason_of(error)
        if problem != before:
            say(f"the volume could not be committed ({problem}); the work goes on, trying again")

    with Committer(commit, on_success, on_failure) as committer:
        try:
            ended = job(committer.request)
        except BaseException:  # another container continues from here
            _is_kept(committer, SECONDS_AFTER_SIGNAL)
            raise
        if not _is_kept(committer, INSIST_SECONDS) and isinstance(ended, DownloadReady):
            raise RuntimeError(
                f"the data are ready, but could not be committed ({problem or 'no answer in time'})"
            )
    return ended


def _is_kept(committer: Committer, seconds: float) -> bool:
    """Commit everything written; return whether that succeeded in time."""
    committer.hurry()
    return committer.wait_for_success(committer.request(), seconds)


def _print(word: AnyMessage) -> None:
    print(msgspec.json.encode(word).decode(), flush=True)
