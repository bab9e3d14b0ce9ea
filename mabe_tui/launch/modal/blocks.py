"""Read a file of a Modal volume from an arbitrary position, block by block.

``Volume.read_file`` always starts at the beginning, but the request that it sends accepts a position. That
is no supported interface, so only this module uses it; with a client that lacks it, the whole file is read.

Zero bytes at the end of a block may be omitted in transfer, so a short block is padded to its length, as
the client does. Whether it was only stripped or actually truncated shows in the file's sha256, and in the
block's own digest if the server sends one.
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
"""Size of the blocks into which Modal splits files."""
AT_ONCE = 4
DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
SILENT_SECONDS = 60.0
"""Seconds without a byte after which a connection is given up."""


async def read_blocks(
    volume: modal.Volume, path: str, start: int
) -> AsyncIterator[tuple[int, bytes]]:
    """Yield (position, content) of consecutive pieces, starting with the block that contains ``start``.

    Args:
        volume: the volume that holds the file.
        path: the file's name on the volume.
        start: number of bytes already present; 0 reads the whole file.

    Raises:
        FileNotFoundError: there is no such file.
        OSError, aiohttp.ClientError, modal.exception.Error: the connection was lost, or a block was corrupt.
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
    """Return the URLs of the blocks from ``first`` on, and the size of the whole file."""
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
    """Fetch several blocks concurrently and yield them in order."""
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
