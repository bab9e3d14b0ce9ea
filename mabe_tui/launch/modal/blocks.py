"""Reading a file of a Modal volume from somewhere in its middle on, block by block.

``Volume.read_file`` begins at the beginning. The call that it makes can do better: it takes a position. It is
no supported interface, so this is the one place that uses it; a client without it reads the whole file.

Zero bytes at the end of a block may be left out on the way, so a block that is short is extended to its
length, as the client does. Whether it was only stripped, and not cut, is told by the file's sha256, and by
the block's own digest where the server names one.
"""

import asyncio
import base64
import hashlib
import re
from collections import deque
from collections.abc import AsyncIterator, Sequence

import aiohttp
import modal
import modal.volume
from modal._utils.async_utils import synchronizer
from modal_proto import api_pb2

BLOCK_BYTES = 8 << 20
"""What Modal cuts files into."""
AT_ONCE = 4
DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
SILENT_SECONDS = 60.0
"""After so long without a byte, a connection is given up."""


async def read_blocks(
    volume: modal.Volume, path: str, start: int
) -> AsyncIterator[tuple[int, bytes]]:
    """Give (position, content) of one piece after another, from the block on that ``start`` is in.

    Args:
        volume: where the file is.
        path: its name on the volume.
        start: how many bytes are had already; 0 for all.

    Raises:
        FileNotFoundError: there is no such file.
        OSError, aiohttp.ClientError, modal.exception.Error: the connection was lost, or a block came damaged.
    """
    first = start // BLOCK_BYTES * BLOCK_BYTES
    try:
        urls, size = await _locate.aio(volume, path, first)
    except (AttributeError, TypeError):
        position = 0
        async for part in volume.read_file.aio(path):
            yield position, part
            position += len(part)
        return
    positions = range(first, size, BLOCK_BYTES)
    lengths = [min(BLOCK_BYTES, size - position) for position in positions]
    async for position, block in _in_order(urls, positions, lengths):
        yield position, block


@synchronizer.create_blocking
async def _locate(volume: modal.volume._Volume, path: str, first: int) -> tuple[list[str], int]:
    """Ask where the blocks from ``first`` on can be had, and how large the whole file is."""
    await volume.hydrate()
    request = api_pb2.VolumeGetFile2Request(volume_id=volume.object_id, path=path, start=first)
    try:
        response = await volume.client._stub.VolumeGetFile2(request)
    except modal.exception.NotFoundError as error:
        raise FileNotFoundError(str(error)) from error
    return list(response.get_urls), response.size


async def _in_order(
    urls: Sequence[str], positions: Sequence[int], lengths: Sequence[int]
) -> AsyncIterator[tuple[int, bytes]]:
    """Fetch several blocks at once and give them in order."""
    waiting: deque[tuple[int, asyncio.Task[bytes]]] = deque()
    timeout = aiohttp.ClientTimeout(total=None, sock_read=SILENT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
        try:
            for url, position, length in zip(urls, positions, lengths, strict=True):
                waiting.append((position, asyncio.create_task(_fetch(session, url, length))))
                if len(waiting) == AT_ONCE:
                    yield await _next(waiting)
            while waiting:
                yield await _next(waiting)
        finally:
            for _, task in waiting:
                task.cancel()


async def _next(waiting: "deque[tuple[int, asyncio.Task[bytes]]]") -> tuple[int, bytes]:
    position, task = waiting.popleft()
    return position, await task


async def _fetch(session: aiohttp.ClientSession, url: str, length: int) -> bytes:
    async with session.get(url, raise_for_status=True) as response:
        content = await response.read()
        named = DIGEST.search(response.headers.get("Repr-Digest", ""))
    if len(content) > length:
        raise ConnectionError(f"a block of {length} bytes came with {len(content)}")
    if named and base64.b64decode(named[1]) != hashlib.sha256(content).digest():
        raise ConnectionError("a block came with another sha256 than it was sent with")
    return content.ljust(length, b"\0")
