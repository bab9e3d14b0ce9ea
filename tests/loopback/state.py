"""State of the stand-in cloud: apps, functions, calls, mounts."""

import asyncio
import secrets
import shutil
import string
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grpclib import Status
from modal_proto import api_pb2

from tests.loopback.account import Account
from tests.loopback.faults import Faults
from tests.loopback.logs import AppLog
from tests.loopback.plane import refuse
from tests.loopback.volumes import VolumeStore

CODE_FOLDER = "/root"
"""Where a container has its code."""
LETTERS = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """Make an id as Modal does: two letters and 22 random ones."""
    return f"{prefix}-" + "".join(secrets.choice(LETTERS) for _ in range(22))


@dataclass
class Call:
    """One call of a function: one input, tried until it has an outcome."""

    id: str
    input_id: str
    function_id: str
    app_id: str
    input: api_pb2.FunctionInput
    created: float = field(default_factory=time.time)
    started: float | None = None
    retries: int = 0
    """After failures; a preemption is not counted."""
    cancelled: bool = False
    output: api_pb2.FunctionGetOutputsItem | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[str] = field(default_factory=list)
    """The containers it was given to, in order."""

    def finish(self, result: api_pb2.GenericResult, data_format: int = 0) -> None:
        """Return the call its outcome; the first one stays."""
        if self.output is None:
            self.output = api_pb2.FunctionGetOutputsItem(
                result=result, idx=0, input_id=self.input_id, data_format=data_format
            )
            self.done.set()


@dataclass
class App:
    """One app, its functions and its log."""

    id: str
    description: str
    state: int
    log: AppLog
    created: float = field(default_factory=time.time)
    stopped: float = 0.0
    function_ids: dict[str, str] = field(default_factory=dict)
    workspace: str = "loopback"
    environment: str = "main"


@dataclass
class Cloud:
    """Everything there is; one instance a server."""

    root: Path
    faults: Faults
    volumes: VolumeStore
    account: Account = field(default_factory=Account)
    apps: dict[str, App] = field(default_factory=dict)
    functions: dict[str, tuple[str, api_pb2.Function]] = field(default_factory=dict)
    """By id: the app it belongs to, and what it was declared to be."""
    calls: dict[str, Call] = field(default_factory=dict)
    mounts: dict[str, dict[str, str]] = field(default_factory=dict)
    """By id: file name in the container → sha256 of what is in it."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Uploaded contents by sha256."""
    images: dict[str, list[str]] = field(default_factory=dict)
    """Docker commands by image id."""
    codes: dict[tuple[object, ...], Path] = field(default_factory=dict)
    """Folders of code, by the mounts they hold and the files that were put over them."""

    def code(self, mount_ids: Iterable[str], overlay: Mapping[str, Path]) -> Path:
        """Return a folder with the code of mounts, and over it the files of an overlay.

        All containers of the same code share it, and with it what Python compiles: that is most of what
        the start of a job costs.
        """
        files = {name: sha for mount in mount_ids for name, sha in self.mounts[mount].items()}
        key = (*sorted(files.items()), *sorted(overlay.items()))
        if key not in self.codes:
            folder = self.root / "code" / str(len(self.codes))
            for name, sha in files.items():
                target = folder / Path(name).relative_to(CODE_FOLDER)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(self.files[sha])
            for name, source in overlay.items():
                if (folder / name).parent.is_dir():
                    shutil.copy(source, folder / name)
            self.codes[key] = folder
        return self.codes[key]

    def app(self, app_id: str) -> App:
        """Find an app of the caller's workspace, or refuse as Modal does."""
        app = self.apps.get(app_id)
        if app is None or app.workspace != self.account.workspace():
            raise refuse(Status.NOT_FOUND, f"App {app_id} not found")
        return app

    def call(self, call_id: str) -> Call:
        """Find a call of the caller's workspace, or refuse as Modal does."""
        call = self.calls.get(call_id)
        if call is None or self.apps[call.app_id].workspace != self.account.workspace():
            raise refuse(Status.NOT_FOUND, f"Function call {call_id} not found")
        return call

    def calls_of(self, app_id: str) -> list[Call]:
        """All calls of one app."""
        return [call for call in self.calls.values() if call.app_id == app_id]

    def stop_app_if_idle(self, app_id: str) -> None:
        """End a detached app whose client has left and whose calls are done."""
        app = self.apps[app_id]
        left = app.state == api_pb2.APP_STATE_DETACHED_DISCONNECTED and not self.faults.apps_linger
        if left and all(call.done.is_set() for call in self.calls_of(app_id)):
            self.stop_app(app)

    def stop_app(self, app: App) -> None:
        """Mark an app as stopped, which also ends its log streams."""
        app.state, app.stopped = api_pb2.APP_STATE_STOPPED, time.time()
        app.log.close()
