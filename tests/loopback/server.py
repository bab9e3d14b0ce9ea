"""The stand-in cloud: start and stop it, run calls in containers, and inject faults.

with LoopbackServer(folder) as server:
    environment = os.environ | server.client_environment()
    …                           # any real Modal client with this environment talks to it
    server.preempt()            # or kill(), cut_streams(), go_down(), server.faults.…
"""

import asyncio
import contextlib
import shutil
import threading
import weakref
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from aiohttp import web
from grpclib.protocol import H2Protocol
from grpclib.server import Server
from modal_proto import api_pb2

from tests.loopback.account import Account
from tests.loopback.container_server import ContainerServer
from tests.loopback.containers import Container
from tests.loopback.control import ControlPlane
from tests.loopback.faults import Faults
from tests.loopback.plane import Plane
from tests.loopback.state import Call, Cloud
from tests.loopback.volumes import VolumeStore

HOST = "127.0.0.1"
PREEMPTION_SECONDS = 30.0
"""What Modal grants a container that it takes away."""
PAUSE_BEFORE_RESTART = 0.05
NO_LIMIT = 10_000
"""Containers of one function at a time."""
Result = TypeVar("Result")


class DroppableServer(Server):
    """A server that can hang up on everybody; grpclib's own only stops to listen."""

    def __init__(self, handlers: Sequence[Plane]) -> None:
        super().__init__(handlers)
        self._protocols: weakref.WeakSet[H2Protocol] = weakref.WeakSet()

    def _protocol_factory(self) -> H2Protocol:
        protocol = super()._protocol_factory()
        self._protocols.add(protocol)
        return protocol

    def hang_up(self) -> None:
        """Close all connections."""
        for protocol in list(self._protocols):
            if (connection := getattr(protocol, "connection", None)) is not None:
                connection.close()


class LoopbackServer:
    """Everything in one thread with its own event loop; its methods may be called from any other."""

    def __init__(self, root: Path, overlay: dict[str, Path] | None = None) -> None:
        self.faults = Faults()
        self.root = root
        self.overlay = overlay or {}
        """Files beside the mounted ones or in their place, by their name below the code folder."""
        self.cloud = Cloud(root, self.faults, VolumeStore(root / "volumes", self.faults))
        self.control = ControlPlane(self.cloud, self._start_call, self._cancel_call)
        self.processes = ContainerServer(root)
        self.containers: list[Container] = []
        """All there ever were, in the order in which they were started."""
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loopback", daemon=True)
        self._jobs: set[asyncio.Task[None]] = set()
        self._places: dict[str, asyncio.Semaphore] = {}
        """By function: for as many calls as may have a container at a time."""
        self._server: DroppableServer | None = None
        self._web: web.AppRunner | None = None

    # ── life ──────────────────────────────────────────────────────────────────────────────────

    def __enter__(self) -> "LoopbackServer":
        (self.root / "volumes").mkdir(parents=True, exist_ok=True)
        self._thread.start()
        self._run(self._open_web())
        self.come_back()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._run(self._shut_down())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        for container in self.containers:
            shutil.rmtree(container.root, ignore_errors=True)

    def client_environment(self) -> dict[str, str]:
        """Return what makes a real Modal client talk to this server and to nothing else."""
        return {
            "MODAL_SERVER_URL": f"http://{HOST}:{self.port}",
            "MODAL_TOKEN_ID": "ak-loopback",
            "MODAL_TOKEN_SECRET": "as-loopback",
            "MODAL_CONFIG_PATH": str(self.root / "no-config.toml"),
        }

    def go_down(self) -> None:
        """Refuse all connections and drop those there are; containers go on."""
        self._run(self._close_server())

    def come_back(self) -> None:
        """Listen again, on the same port."""
        self._run(self._open_server())

    def reset(self) -> None:
        """Turn all faults off, end all calls and empty all volumes, as between two tests."""
        for name, value in vars(Faults()).items():
            setattr(self.faults, name, value)
        self.cloud.account = Account()
        self._call(self._cancel_all)
        self.cloud.volumes.empty()
        if self._server is None:
            self.come_back()

    def _cancel_all(self) -> None:
        for call in self.cloud.calls.values():
            if not call.done.is_set():
                self._cancel_call(call, terminate=True)

    # ── faults ────────────────────────────────────────────────────────────────────────────────

    def cut_streams(self) -> None:
        """Break all log streams that are open now."""
        self._call(lambda: [app.log.cut() for app in self.cloud.apps.values()])

    def running(self) -> list[Container]:
        """The containers whose process runs."""
        return [container for container in self.containers if container.is_running]

    def preempt(self) -> None:
        """Take the machines of all running containers away, as Modal does."""
        for container in self.running():
            self._call(container.preempt)
            self._call(
                lambda c=container: self._loop.call_later(PREEMPTION_SECONDS, c.kill)  # type: ignore[misc]
            )

    def kill(self) -> None:
        """End all running containers without a word."""
        for container in self.running():
            self._call(container.kill)

    def time_out(self) -> None:
        """End all running containers as at the end of the time that their function has."""
        for container in self.running():
            self._call(container.time_out)

    # ── calls ─────────────────────────────────────────────────────────────────────────────────

    def _start_call(self, call: Call) -> None:
        job = self._loop.create_task(self._see_through(call))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def _see_through(self, call: Call) -> None:
        """Wait for a place among the function's containers, then see the call through."""
        _, function = self.cloud.functions[call.function_id]
        places = asyncio.Semaphore(function.concurrency_limit or NO_LIMIT)
        async with self._places.setdefault(call.function_id, places):
            await self._give_containers(call)

    async def _give_containers(self, call: Call) -> None:
        """Return the input to one container after another until there is an outcome."""
        while not call.done.is_set():
            while self.faults.no_capacity and not call.done.is_set():
                await asyncio.sleep(PAUSE_BEFORE_RESTART)
            if call.cancelled:
                break
            container = Container(self.cloud, call, self.overlay, self.processes)
            call.tasks.append(container.id)
            self.containers.append(container)
            await container.run()
            self._settle(call, container)
            await asyncio.sleep(PAUSE_BEFORE_RESTART)
        self.cloud.stop_app_if_idle(call.app_id)

    def _settle(self, call: Call, container: Container) -> None:
        """Decide what the end of a container means for its call."""
        status = api_pb2.GenericResult
        if call.done.is_set() or container.preempted or container.has_answered:
            return
        if call.cancelled:
            call.finish(api_pb2.GenericResult(status=status.GENERIC_STATUS_TERMINATED))
        elif call.retries < container.function.retry_policy.retries:
            call.retries += 1
        elif container.timed_out:
            call.finish(
                api_pb2.GenericResult(
                    status=status.GENERIC_STATUS_TIMEOUT,
                    exception=f"Task's current input hit its timeout of {container.function.timeout_secs}s",
                )
            )
        else:
            call.finish(
                api_pb2.GenericResult(
                    status=status.GENERIC_STATUS_INTERNAL_FAILURE, exception="Container died"
                )
            )

    def _cancel_call(self, call: Call, terminate: bool) -> None:
        call.cancelled = True
        mine = [c for c in self.running() if c.call is call]
        for container in mine:
            container.kill() if terminate else container.cancel()
        if not mine:
            status = api_pb2.GenericResult.GENERIC_STATUS_TERMINATED
            call.finish(api_pb2.GenericResult(status=status))

    # ── the event loop's side ─────────────────────────────────────────────────────────────────

    async def _open_web(self) -> None:
        self._web = web.AppRunner(self.cloud.volumes.routes())
        await self._web.setup()
        site = web.TCPSite(self._web, HOST, 0)
        await site.start()
        host, port = self._web.addresses[0][:2]
        self.cloud.volumes.url = f"http://{host}:{port}"

    async def _open_server(self) -> None:
        self._server = DroppableServer([self.control])
        await self._server.start(HOST, self.port, reuse_address=True)
        sockets = self._server._server.sockets  # type: ignore[union-attr] # grpclib tells no other way
        self.port = sockets[0].getsockname()[1]

    async def _close_server(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server.hang_up()
            await self._server.wait_closed()
            self._server = None

    async def _shut_down(self) -> None:
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        for container in self.running():
            container.kill()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(container.process.wait(), 5)
        self.processes.close()
        await self._close_server()
        if self._web is not None:
            await self._web.cleanup()

    def _run(self, work: Awaitable[Result]) -> Result:
        async def wrapped() -> Result:
            return await work

        return asyncio.run_coroutine_threadsafe(wrapped(), self._loop).result()

    def _call(self, function: Callable[[], object]) -> None:
        async def wrapped() -> None:
            function()

        self._run(wrapped())
