"""Volumes: committed files on the server's disk, copies of them in containers, blocks over HTTP.

A container works on its own copy. ``commit`` copies the changes since its last reload, and nothing else;
uncommitted files are lost with the container. This makes durability testable.
"""

import base64
import contextlib
import hashlib
import os
import shutil
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from aiohttp import web
from grpclib import Status
from modal_proto import api_pb2

from tests.loopback.faults import Faults
from tests.loopback.plane import refuse

BLOCK_BYTES = 8 << 20
LOCKS: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)
"""By committed folder: a reload sees all of a commit or nothing of it."""
Snapshot = dict[str, tuple[int, int]]
"""Relative path → (modification time, size)."""


def snapshot(folder: Path) -> Snapshot:
    """List all files below a folder, with what changes when they do."""
    return {
        path.relative_to(folder).as_posix(): (status.st_mtime_ns, status.st_size)
        for path in folder.rglob("*")
        if path.is_file() and (status := _status(path)) is not None
    }


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


@dataclass
class MountedVolume:
    """A container's copy of a volume."""

    committed: Path
    copy: Path
    known: Snapshot = field(default_factory=dict)
    commits: int = 0

    def has_open_files(self) -> bool:
        """Return whether any process holds a file of this copy open."""
        prefix = f"{self.copy.resolve()}/"
        for link in Path("/proc").glob("[0-9]*/fd/*"):
            with contextlib.suppress(OSError):
                if link.readlink().as_posix().startswith(prefix):
                    return True
        return False

    def reload(self) -> None:
        """Take over what others committed; what this container changed and did not commit stays."""
        with LOCKS[self.committed]:
            self._reload()

    def _reload(self) -> None:
        changed = {
            path for path, state in snapshot(self.copy).items() if self.known.get(path) != state
        }
        for path in snapshot(self.committed):
            if path not in changed:
                _copy(self.committed / path, self.copy / path)
        self.known |= {p: s for p, s in snapshot(self.copy).items() if p not in changed}

    def commit(self) -> None:
        """Carry over what this container changed since it last looked."""
        with LOCKS[self.committed]:
            self._commit()

    def _commit(self) -> None:
        # Pointers are looked at before the files that they name, so that none names a file to come;
        # and their states before their contents, so that one that changes meanwhile is taken again.
        seen = {p: state for p, state in snapshot(self.copy).items() if p.endswith(".json")}
        pointers = {path: (self.copy / path).read_bytes() for path in seen}
        others = {p: s for p, s in snapshot(self.copy).items() if not p.endswith(".json")}
        now = seen | others
        for path, state in now.items():
            if self.known.get(path) == state:
                continue
            if path in pointers:
                _write(self.committed / path, pointers[path])
            else:
                _copy(self.copy / path, self.committed / path)
        for path in self.known.keys() - now.keys():
            (self.committed / path).unlink(missing_ok=True)
        self.known, self.commits = now, self.commits + 1


def _write(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.copying")
    temporary.write_bytes(content)
    temporary.replace(target)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.copying")
    try:
        shutil.copy2(source, temporary)
        temporary.replace(target)
    except FileNotFoundError:
        return  # a temporary file that was renamed meanwhile


@dataclass
class VolumeStore:
    """All volumes, and the HTTP side of up- and downloads."""

    root: Path
    faults: Faults
    url: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    """Volume id by name."""
    blocks: dict[str, bytes] = field(default_factory=dict)
    served: list[int] = field(default_factory=list)
    """Numbers of the blocks that were asked for."""

    def folder(self, volume_id: str) -> Path:
        """The committed files of a volume."""
        if volume_id not in self.ids.values():
            raise refuse(Status.NOT_FOUND, f"Volume {volume_id} not found")
        path = self.root / volume_id
        path.mkdir(parents=True, exist_ok=True)
        return path

    def named(self, name: str) -> Path:
        """The committed files of the volume of this name."""
        return self.folder(self.ids[name])

    def make(self, name: str) -> str:
        """Make the volume of this name where there is none, and give its id."""
        return self.ids.setdefault(name, f"vo-{hashlib.sha256(name.encode()).hexdigest()[:22]}")

    def forget(self, volume_id: str) -> None:
        """Remove a volume with all that is in it."""
        shutil.rmtree(self.folder(volume_id), ignore_errors=True)
        self.ids = {name: known for name, known in self.ids.items() if known != volume_id}

    def empty(self) -> None:
        """Remove all files; what was uploaded once need not be uploaded again."""
        for volume_id in self.ids.values():
            shutil.rmtree(self.root / volume_id, ignore_errors=True)

    def get_or_create(
        self,
        request: api_pb2.VolumeGetOrCreateRequest,
        workspace: str = "loopback",
        environment: str = "main",
    ) -> api_pb2.VolumeGetOrCreateResponse:
        """Find a volume by name; make it where that is asked for."""
        name = request.deployment_name
        if (workspace, environment) != ("loopback", "main"):
            name = f"{workspace}/{environment}/{name}"
        create = request.object_creation_type == api_pb2.OBJECT_CREATION_TYPE_CREATE_IF_MISSING
        if name not in self.ids and not create:
            raise refuse(
                Status.NOT_FOUND,
                f"Volume '{request.deployment_name}' not found in environment '{environment}'.",
            )
        volume_id = self.make(name)
        return api_pb2.VolumeGetOrCreateResponse(
            volume_id=volume_id,
            version=api_pb2.VOLUME_FS_VERSION_V2,
            metadata=api_pb2.VolumeMetadata(version=api_pb2.VOLUME_FS_VERSION_V2, name=name),
        )

    # ── calls ─────────────────────────────────────────────────────────────────────────────────

    def list_files(
        self, request: api_pb2.VolumeListFiles2Request
    ) -> Iterator[api_pb2.VolumeListFiles2Response]:
        """List a folder, or one file."""
        folder = self.folder(request.volume_id)
        start = folder / request.path.strip("/")
        if not start.exists():
            raise refuse(Status.NOT_FOUND, f"No such file or directory: {request.path}")
        found = (
            [start]
            if start.is_file()
            else start.rglob("*")
            if request.recursive
            else start.iterdir()
        )
        entries = [_entry(path, folder) for path in sorted(found)]
        yield api_pb2.VolumeListFiles2Response(entries=[entry for entry in entries if entry])

    def put_files(self, request: api_pb2.VolumePutFiles2Request) -> api_pb2.VolumePutFiles2Response:
        """Assemble files of blocks, or say which blocks are missing."""
        missing = [
            api_pb2.VolumePutFiles2Response.MissingBlock(
                file_index=number, block_index=index, put_url=f"{self.url}/block/{sha}"
            )
            for number, file in enumerate(request.files)
            for index, block in enumerate(file.blocks)
            if (sha := block.contents_sha256.hex()) not in self.blocks
        ]
        if not missing:
            for file in request.files:
                self._assemble(request.volume_id, file)
        return api_pb2.VolumePutFiles2Response(missing_blocks=missing)

    def _assemble(self, volume_id: str, file: api_pb2.VolumePutFiles2Request.File) -> None:
        target = self.folder(volume_id) / file.path.strip("/")
        content = b"".join(self.blocks[block.contents_sha256.hex()] for block in file.blocks)
        _write(target, content[: file.size].ljust(file.size, b"\0"))

    def get_file(self, request: api_pb2.VolumeGetFile2Request) -> api_pb2.VolumeGetFile2Response:
        """Say where the blocks of a file can be had."""
        path = self.folder(request.volume_id) / request.path.strip("/")
        if not path.is_file():
            raise refuse(Status.NOT_FOUND, f"No such file: {request.path}")
        size = path.stat().st_size
        length = request.len or size - request.start
        # a file is immutable while it is read: later commits replace it by another
        state = path.stat()
        name = hashlib.sha256(f"{path}{state.st_mtime_ns}{state.st_ino}".encode()).hexdigest()
        link = self.root / ".open" / name
        link.parent.mkdir(exist_ok=True)
        if not link.exists():
            os.link(path, link)
        first, last = request.start // BLOCK_BYTES, -(-(request.start + length) // BLOCK_BYTES)
        urls = [f"{self.url}/file/{quote(name)}?block={n}" for n in range(first, last)]
        return api_pb2.VolumeGetFile2Response(
            get_urls=urls, size=size, start=request.start, len=length
        )

    def remove(self, request: api_pb2.VolumeRemoveFile2Request) -> None:
        """Remove a file or a folder."""
        path = self.folder(request.volume_id) / request.path.strip("/")
        if not path.exists():
            raise refuse(Status.NOT_FOUND, f"No such file or directory: {request.path}")
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    # ── blocks over HTTP ──────────────────────────────────────────────────────────────────────

    def routes(self) -> web.Application:
        """The HTTP side."""
        application = web.Application(client_max_size=2 * BLOCK_BYTES)
        application.router.add_put("/block/{sha}", self._put_block)
        application.router.add_get("/file/{name}", self._get_block)
        return application

    async def _put_block(self, request: web.Request) -> web.Response:
        content = await request.read()
        if hashlib.sha256(content).hexdigest() != request.match_info["sha"]:
            return web.Response(status=400, text="not the block that was announced")
        self.blocks[request.match_info["sha"]] = content
        return web.Response(body=b"stored")

    async def _get_block(self, request: web.Request) -> web.StreamResponse:
        self.served.append(int(request.query["block"]))
        with (self.root / ".open" / request.match_info["name"]).open("rb") as file:
            file.seek(int(request.query["block"]) * BLOCK_BYTES)
            content = file.read(BLOCK_BYTES)
        if self.faults.take("short_downloads"):
            content = content[: len(content) // 2]
        if self.faults.stripped_blocks:
            content = content.rstrip(b"\0")
        headers = {}
        if self.faults.take("damaged_digests"):
            headers = {"Repr-Digest": f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"}
        if not self.faults.breaks_download():
            return web.Response(body=content, headers=headers)
        response = web.StreamResponse(headers={"Content-Length": str(len(content))})
        await response.prepare(request)
        await response.write(content[: len(content) // 2])
        if request.transport is not None:
            request.transport.abort()
        return response


def _entry(path: Path, folder: Path) -> api_pb2.FileEntry | None:
    status = _status(path)
    if status is None or path.name.endswith(".copying"):
        return None
    kind = api_pb2.FileEntry.DIRECTORY if path.is_dir() else api_pb2.FileEntry.FILE
    return api_pb2.FileEntry(
        path=path.relative_to(folder).as_posix(),
        type=kind,
        mtime=int(status.st_mtime),
        size=0 if path.is_dir() else status.st_size,
    )
