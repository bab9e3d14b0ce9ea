"""What is asked of a download elsewhere, what it says of itself, and what it leaves beside the data."""

from collections.abc import Callable

import msgspec

from core.data.findings import Report
from core.system.files import UNDECODABLE

APP_PREFIX = "mabe-data-"
"""What the apps of downloads are called, before the folder's name."""
STATUS = ".download.json"
"""Beside the data: a :class:`Status`."""
CALL = ".download-call.json"
"""Beside the data: a :class:`StartedCall`. Only whoever starts a download writes it, the job never."""
PLAIN_PREFIX = "mabe: "
"""What a line begins with that is for a person, such as that a commit failed."""
SECRET_HELP = (
    "take a name and key from kaggle.com/settings and put them on Modal:"
    " `modal secret create --force {secret} KAGGLE_USERNAME=… KAGGLE_KEY=…`"
)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be fetched, and as what it is to be checked and prepared."""

    name: str
    """The folder's, on the volume."""
    competition: str
    secret: str
    """Under which name Modal has the Kaggle credentials; for what is said where they are wrong."""
    keypoints: str
    mice: int
    actions: dict[str, str]
    classes: tuple[str, ...]
    skip_bad: bool = False


class Word(msgspec.Struct, frozen=True, kw_only=True, tag_field="mabe_data"):
    """One line of what the job says; other lines of its log are none of its words."""


class Working(Word, frozen=True, tag="working"):
    """How far it is."""

    done: int
    total: int
    unit: str


class Ready(Word, frozen=True, tag="ready"):
    """The data are there, checked and prepared."""

    videos: int
    frames: int
    prepared: str
    """The folder of the arrays, below ``cache``."""
    report: Report


class Failed(Word, frozen=True, tag="failed"):
    """It ended without them; ``error`` is one line for a person."""

    error: str


AnyWord = Working | Ready | Failed
Say = Callable[[AnyWord], None]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How far a folder on the volume is."""

    competition: str
    is_unpacked: bool = False
    ended: Ready | Failed | None = None


class StartedCall(msgspec.Struct, frozen=True, kw_only=True):
    """The newest download into a folder, as Modal knows it."""

    app_id: str
    call_id: str


def read_word(line: str) -> AnyWord | None:
    """Read one line of the job's log; ``None`` where it is another's."""
    try:
        word: AnyWord = msgspec.json.decode(line, type=AnyWord)
    except UNDECODABLE:
        return None
    return word
