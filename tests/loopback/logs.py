"""The log of an app: entries with a time and a container, to be streamed, fetched and counted."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from google.protobuf.timestamp_pb2 import Timestamp
from grpclib import Status
from modal_proto import api_pb2

from tests.loopback.faults import Faults
from tests.loopback.plane import refuse

BATCH = 200


@dataclass
class AppLog:
    """All entries there ever were; streams wake up when some come."""

    faults: Faults
    entries: list[api_pb2.TaskLogs] = field(default_factory=list)
    closed: bool = False
    streams: set[int] = field(default_factory=set)
    """Streams that are open; forgetting one cuts it."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _next_stream: int = 0

    def write(self, data: str, task_id: str, call_id: str, stderr: bool = False) -> None:
        """Append what a container printed."""
        now = time.time_ns()
        source = api_pb2.FILE_DESCRIPTOR_STDERR if stderr else api_pb2.FILE_DESCRIPTOR_STDOUT
        self.entries.append(
            api_pb2.TaskLogs(
                data=data,
                timestamp=now / 1e9,
                timestamp_ns=now,
                file_descriptor=source,
                function_call_id=call_id,
                container_id=task_id,
            )
        )
        self._wake()

    def close(self) -> None:
        """Nothing will follow."""
        self.closed = True
        self._wake()

    def cut(self) -> None:
        """Break all streams that are open now."""
        self.streams.clear()
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def stream(
        self, request: api_pb2.AppGetLogsRequest
    ) -> AsyncIterator[api_pb2.TaskLogsBatch]:
        """Yield entries from the cursor on, until the time is up or the app is done."""
        position = int(request.last_entry_id.partition("-")[0] or 0)
        self._next_stream += 1
        number, sent = self._next_stream, 0
        limits = self.faults.cut_streams_after
        limit = limits.pop(0) if limits else None
        deadline = time.monotonic() + request.timeout
        self.streams.add(number)
        while True:
            changed = self._changed
            while position < len(self.entries):
                batch = self.entries[position : position + BATCH]
                if limit is not None:
                    batch = batch[: max(0, limit - sent)]
                if batch:
                    position, sent = position + len(batch), sent + len(batch)
                    wanted = _batch(self._repeated(batch), request, entry_id=f"{position}-0")
                    if wanted.items:
                        yield wanted
                if limit is not None and sent >= limit:
                    raise refuse(Status.UNAVAILABLE, "the stream was cut")
            if self.closed:
                yield api_pb2.TaskLogsBatch(app_done=True, entry_id=f"{position}-0")
                return
            if not await _comes_true(changed, deadline):
                return
            if number not in self.streams:
                raise refuse(Status.UNAVAILABLE, "the stream was cut")

    def _repeated(self, batch: list[api_pb2.TaskLogs]) -> list[api_pb2.TaskLogs]:
        every = self.faults.repeat_entries
        if not every:
            return batch
        return [e for n, e in enumerate(batch, 1) for _ in range(2 if n % every == 0 else 1)]

    def fetch(self, request: api_pb2.AppFetchLogsRequest) -> api_pb2.AppFetchLogsResponse:
        """Return the newest entries within a range of time, oldest first."""
        since, until = _seconds(request.since), _seconds(request.until)
        chosen = [entry for entry in self.entries if since <= entry.timestamp <= until]
        chosen = chosen[-request.limit :] if request.limit else chosen
        return api_pb2.AppFetchLogsResponse(batches=[_batch(chosen, request)] if chosen else [])

    def count(self, request: api_pb2.AppCountLogsRequest) -> api_pb2.AppCountLogsResponse:
        """Count entries in buckets of time."""
        size = request.bucket_secs
        first = int(_seconds(request.since) // size)
        last = int(_seconds(request.until) // size)
        counts = dict.fromkeys(range(first, last + 1), 0)
        for entry in self.entries:
            bucket = int(entry.timestamp // size)
            if bucket in counts:
                counts[bucket] += 1
        bucket_type = api_pb2.AppCountLogsResponse.LogBucket
        return api_pb2.AppCountLogsResponse(
            buckets=[
                bucket_type(bucket_start_at=Timestamp(seconds=b * size), stdout_logs=n)
                for b, n in counts.items()
            ]
        )


async def _comes_true(event: asyncio.Event, deadline: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        return False
    return True


def _batch(
    entries: list[api_pb2.TaskLogs],
    request: api_pb2.AppGetLogsRequest | api_pb2.AppFetchLogsRequest,
    entry_id: str = "",
) -> api_pb2.TaskLogsBatch:
    wanted = [
        entry
        for entry in entries
        if not request.function_call_id or entry.function_call_id == request.function_call_id
    ]
    return api_pb2.TaskLogsBatch(items=wanted, entry_id=entry_id)


def _seconds(stamp: Timestamp) -> float:
    return float(stamp.seconds + stamp.nanos / 1e9)
