"""Messages between a remote download and the process that started it, and the notes beside the data."""

from collections.abc import Callable

import msgspec

from core.data.findings import Report
from core.system.files import UNDECODABLE

APP_PREFIX = "mabe-data-"
"""Prefix of a download app's name, before the folder's name."""
STATUS = ".download.json"
"""Beside the data: a :class:`Status`."""
CALL = ".download-call.json"
"""Beside the data: a :class:`StartedCall`. Written by the process that starts it, never by the job."""
PLAIN_PREFIX = "mabe: "
"""Prefix of a line meant for a person, such as a failed commit."""
SECRET_HELP = (
    "take a name and key from kaggle.com/settings and put them on Modal:"
    " `modal secret create --force {secret} KAGGLE_USERNAME=… KAGGLE_KEY=…`"
)


class DownloadRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to download, and the settings to check and prepare it with."""

    name: str
    """Name of the folder on the volume."""
    competition: str
    secret: str
    """Name of the Modal secret with the Kaggle credentials, for error messages."""
    keypoints: str
    mice: int
    actions: dict[str, str] | None = None
    """Action → class; ``None`` for a task that has no classes of frames."""
    classes: tuple[str, ...] = ()
    skip_bad: bool = False


class DownloadMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="mabe_data"):
    """One line of the job's output; any other line of its log is plain text."""


class DownloadProgress(DownloadMessage, frozen=True, tag="working"):
    """Progress of the work at hand."""

    done: int
    total: int
    unit: str


class DownloadReady(DownloadMessage, frozen=True, tag="ready"):
    """The data have been downloaded, checked and prepared."""

    videos: int
    frames: int
    prepared: str
    """Folder of the prepared arrays, below ``cache``."""
    report: Report


class DownloadFailed(DownloadMessage, frozen=True, tag="failed"):
    """The download failed; ``error`` is one line for a person."""

    error: str


AnyMessage = DownloadProgress | DownloadReady | DownloadFailed
Say = Callable[[AnyMessage], None]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """State of a data folder on the volume."""

    competition: str
    is_unpacked: bool = False
    ended: DownloadReady | DownloadFailed | None = None


class StartedCall(msgspec.Struct, frozen=True, kw_only=True):
    """The newest download into a folder, by its Modal ids."""

    app_id: str
    call_id: str


def read_message(line: str) -> AnyMessage | None:
    """Decode one line of the job's log; return ``None`` for a line that is not a message."""
    try:
        word: AnyMessage = msgspec.json.decode(line, type=AnyMessage)
    except UNDECODABLE:
        return None
    return word
