"""Event output of a job: every event goes to its attempt's file and to standard output."""

import datetime as dt
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

from core.run.events import Event, FreeMetrics, Step, System, encode
from core.run.free_metrics import WaitingMetrics
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
        self.step = 0
        """Optimiser steps since the start of the run: those that free metrics without a step get."""
        self._waiting = WaitingMetrics()
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
            # Free metrics belong before the end of their epoch, and before the checkpoint that keeps them.
            if not issubclass(kind, (Step, System)) or self._waiting.is_due:
                self._flush_metrics()
            return self._emit(kind, fields)

    def _emit(self, kind: type[Kind], fields: dict[str, Any]) -> Kind:
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
            self._flush_metrics()
            kind, fields = announce(self._seq + 1)
            return self._emit(kind, fields)

    def report(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Record free metrics; they are written at once, or within a second of other events.

        Args:
            values: name → value.
            step: optimiser steps since the start of the run; ``None``: as many as there have been.

        Raises:
            ValueError: there are too many names.
            OSError: the disk is full.
        """
        with self._lock:
            self._waiting.add(values, self.step if step is None else step)
            if self._waiting.is_due:
                self._flush_metrics()

    def _flush_metrics(self) -> None:
        for step, values in self._waiting.take():
            self._emit(FreeMetrics, {"step": step, "values": values})

    def _print(self, line: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError):
            # The reader of our output has exited. The event file is complete: a run outlives its reader.
            self._stream = None
