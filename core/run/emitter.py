"""Event output of a job: every event goes to its attempt's file and to standard output."""

import datetime as dt
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

from core.run.events import Event, encode
from core.system.files import append_all

Kind = TypeVar("Kind", bound=Event)


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Emitter:
    """Numbers the events of one attempt without gaps and writes each as one line.

    Thread-safe. The file is flushed after every event, so everything emitted before a SIGKILL can be read
    afterwards.
    """

    def __init__(
        self,
        attempt: str,
        path: Path,
        stream: IO[str] | None = None,
        clock: Callable[[], dt.datetime] = _utc_now,
    ) -> None:
        self.attempt = attempt
        self._file = path.open("ab", buffering=0)
        self._stream: IO[str] | None = stream if stream is not None else sys.stdout
        self._clock = clock
        self._seq = 0
        self._lock = threading.RLock()

    def __enter__(self) -> "Emitter":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def emit(self, kind: type[Kind], **fields: Any) -> Kind:
        """Emit one event of type ``kind``; attempt, number and time are filled in.

        Raises:
            OSError: the disk is full; the file is unchanged, and the number is not used up.
        """
        with self._lock:
            event = kind(attempt=self.attempt, seq=self._seq + 1, time=self._clock(), **fields)
            line = encode(event) + b"\n"
            append_all(self._file, line)
            self._seq += 1
            self._print(line.decode())
        return event

    def reserve(self, announce: Callable[[int], tuple[type[Kind], dict[str, Any]]]) -> Kind:
        """Emit an event whose number must first be written to disk elsewhere.

        ``announce`` is called with the number that the event will have; no other event can be emitted until
        it has returned the event's kind and fields. If it raises, the number is not used up.
        """
        with self._lock:
            kind, fields = announce(self._seq + 1)
            return self.emit(kind, **fields)

    def _print(self, line: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError):
            # The reader of our output has exited. The event file is complete: a run outlives its reader.
            self._stream = None
