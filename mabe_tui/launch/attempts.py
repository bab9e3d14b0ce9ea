"""State of a run's newest attempt, read from the run's folder; shared by all launchers."""

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from core.run.events import AnyEvent, Failed, Finished, Preempted, Stopped, decode
from core.run.rundir import RunDir
from core.system.files import UNDECODABLE, write_bytes_atomically
from mabe_tui.launch.launcher import LogLine, RunState
from mabe_tui.launch.tail import LineTail, first_line, last_lines

QUIET_ENDING = "ended.json"
STATE_OF_ENDING: Mapping[type, RunState] = {
    Finished: RunState.FINISHED,
    Stopped: RunState.STOPPED,
    Preempted: RunState.PREEMPTED,
    Failed: RunState.FAILED,
}


OLD_OUTCOMES = re.compile(
    r"|killed|finished|stopped|preempted|failed"
    r"|Modal's time-out came before it was done|Modal has forgotten its result"
    r"|its container died \(.*|(RuntimeError|RemoteError|ExecutionError): .*",
    re.DOTALL,
)
"""Reasons that count as outcomes in notes of older versions, which recorded no outcome. Those versions also
took a rate limit, a refusal or "not found" for the end of a run; such notes are ignored."""


class QuietEnding(msgspec.Struct, frozen=True):
    """How an attempt without a final event ended, as its launcher found out."""

    state: RunState
    reason: str
    outcome: str = ""
    """Description such as ``timed out``; empty in notes of older versions."""

    @property
    def is_outcome(self) -> bool:
        """Whether this is a real outcome rather than an error while asking for it."""
        return bool(self.outcome or OLD_OUTCOMES.fullmatch(self.reason))


def newest_attempt(run: RunDir) -> str | None:
    """Return the name of the newest attempt; ``None`` if none was claimed."""
    return next(reversed(run.attempts()), None)


def first_event(run: RunDir, attempt: str) -> AnyEvent | None:
    """Return the attempt's first event; ``None`` if it has none."""
    return decode(first_line(run.events_path(attempt)))


def has_spoken(run: RunDir, attempt: str) -> bool:
    """Return whether the attempt has emitted any event."""
    return first_event(run, attempt) is not None


def attempt_ending(run: RunDir, attempt: str) -> RunState | None:
    """Return how the attempt ended, from its last event; ``None`` if that event does not end an attempt."""
    for line in reversed(last_lines(run.events_path(attempt))):
        if (event := decode(line)) is not None:
            return STATE_OF_ENDING.get(type(event))
    return None


def was_touched_lately(folder: Path, seconds: float) -> bool:
    """Return whether an entry of the folder was created or removed within that many seconds."""
    try:
        return time.time() - folder.stat().st_mtime < seconds
    except OSError:
        return False


def log_lines(run: RunDir, after: str | None = None) -> Iterator[LogLine]:
    """Return the complete lines of all attempts' logs. A cursor has the form ``attempt:offset``."""
    since, _, offset = (after or "").partition(":")
    for attempt in run.attempts():
        if attempt < since:
            continue
        start = int(offset) if attempt == since and offset.isdigit() else 0
        for raw, end in LineTail(run.log_path(attempt), start).read_with_offsets():
            yield LogLine(attempt, raw, f"{attempt}:{end}")


def read_quiet_ending(run: RunDir, attempt: str) -> QuietEnding | None:
    """Return the recorded outcome of an attempt without a final event; ``None`` if there is none."""
    try:
        content = (run.attempt_folder(attempt) / QUIET_ENDING).read_bytes()
        ending = msgspec.json.decode(content, type=QuietEnding)
    except (OSError, *UNDECODABLE):
        return None
    return ending if ending.is_outcome else None


def write_quiet_ending(run: RunDir, attempt: str, ending: QuietEnding) -> None:
    """Record the outcome, so that the launcher need not be asked again."""
    path = run.attempt_folder(attempt) / QUIET_ENDING
    write_bytes_atomically(path, msgspec.json.encode(ending))
