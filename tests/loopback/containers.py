# Containers of the stand-in cloud: the real entry point of the ``modal`` package in local processes.
# ruff: noqa: N802
"""Containers of the stand-in cloud: the real entry point of the ``modal`` package as local processes."""

import asyncio
import importlib.metadata
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from google.protobuf.empty_pb2 import Empty
from grpclib import Status
from grpclib.server import Server
from modal_proto import api_pb2

from tests.loopback.answers import environment_named, function_handle
from tests.loopback.container_server import KEPT, ContainerProcess, ContainerServer
from tests.loopback.plane import Plane, refuse
from tests.loopback.state import Call, Cloud, new_id
from tests.loopback.volumes import MountedVolume

READ_BYTES = 1 << 16
HEARTBEAT_SECONDS = 10.0
"""How long a heartbeat waits for a cancellation to tell of."""
MOUNT_ROOT_VARIABLE = "MABE_MOUNT_ROOT"
"""Below which volumes are mounted, for nobody may make folders in / here."""


class Container(Plane):
    """One container: its process, and the server behind its own socket that it talks to."""

    def __init__(
        self, cloud: Cloud, call: Call, overlay: dict[str, Path], processes: ContainerServer
    ) -> None:
        super().__init__()
        self.processes = processes
        self.cloud, self.call, self.overlay = cloud, call, overlay
        self.id = new_id("ta")
        self.app_id, self.function = cloud.functions[call.function_id]
        self.root = Path(
            tempfile.mkdtemp(prefix="mc-")
        )  # short: a socket's path may have 107 bytes
        self.volumes: dict[str, MountedVolume] = {}
        self.process: ContainerProcess | None = None
        self.preempted = self.timed_out = False
        self.has_answered = False
        """It gave its input an outcome, if only one that is to be tried again."""
        self._delivered = False
        self._cancel = asyncio.Event()
        self._server = Server([self])

    async def run(self) -> None:
        """Start the process and see it through to its end."""
        await self._server.start(path=str(self.root / "s"))
        self._lay_out()
        self.process = await self.processes.start(self.root / "root", self._environment())
        timeout = self.function.timeout_secs or 300
        timer = asyncio.get_running_loop().call_later(timeout, self.time_out)
        await self._pump(self.process.stdout)
        await self.process.wait()
        timer.cancel()
        self._server.close()
        await self._server.wait_closed()
        shutil.rmtree(self.root, ignore_errors=True)

    @property
    def is_running(self) -> bool:
        """Whether its process has been started and has not ended."""
        return self.process is not None and self.process.is_running

    def preempt(self) -> None:
        """Announce that the machine is taken away."""
        self.preempted = True
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """End it at once, with all that it holds."""
        self._signal(signal.SIGTERM)  # to the first process, which kills the others

    def cancel(self) -> None:
        """Let the next heartbeat say that its input is cancelled; one it has not got, it never gets."""
        if self._delivered:
            self._cancel.set()

    def time_out(self) -> None:
        self.timed_out = True
        self.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)

    # ── what it finds ─────────────────────────────────────────────────────────────────────────

    def _lay_out(self) -> None:
        code = self.cloud.code(self.function.mount_ids, self.overlay)
        (self.root / "root").symlink_to(code)
        for mount in self.function.volume_mounts:
            copy = self.root / mount.mount_path.lstrip("/")
            copy.mkdir(parents=True)
            volume = MountedVolume(self.cloud.volumes.folder(mount.volume_id), copy)
            volume.reload()
            self.volumes[mount.volume_id] = volume
        (self.root / "arguments").write_bytes(self._arguments().SerializeToString())

    def _environment(self) -> dict[str, str]:
        kept = (*KEPT, "FAKE_STEP_SECONDS", "FAKE_GATE")
        return {name: os.environ[name] for name in kept if name in os.environ} | {
            "HOME": str(self.root),
            "PYTHONPATH": str(self.root / "root"),
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": "1",
            "MODAL_SERVER_URL": f"unix://{self.root / 's'}",
            "MODAL_IS_REMOTE": "1",
            "MODAL_TASK_ID": self.id,
            "MODAL_CONFIG_PATH": str(self.root / "no-config"),
            "MODAL_CONTAINER_ARGUMENTS_PATH": str(self.root / "arguments"),
            MOUNT_ROOT_VARIABLE: str(self.root),
            "FAKE_TORCH": importlib.metadata.version("torch").partition("+")[0],
            "FAKE_DEVICE_NAME": f"NVIDIA {self.function.resources.gpu_config.gpu_type or 'none'}",
            **self._secrets(),
        }

    def _secrets(self) -> dict[str, str]:
        variables: dict[str, str] = {}
        for secret_id in self.function.secret_ids:
            variables |= self.cloud.account.secret(secret_id)
        return variables

    def _arguments(self) -> api_pb2.ContainerArguments:
        names = {volume_id: name for name, volume_id in self.cloud.volumes.ids.items()}
        volumes = {
            mount.volume_id: api_pb2.Object(
                object_id=mount.volume_id,
                volume_metadata=api_pb2.VolumeMetadata(
                    version=api_pb2.VOLUME_FS_VERSION_V2, name=names.get(mount.volume_id, "")
                ),
            )
            for mount in self.function.volume_mounts
        }
        objects = [
            volumes.get(dep.object_id, api_pb2.Object(object_id=dep.object_id))
            for dep in self.function.object_dependencies
        ]
        own = api_pb2.Object(
            object_id=self.call.function_id,
            function_handle_metadata=function_handle(self.function, self.app_id),
        )
        return api_pb2.ContainerArguments(
            task_id=self.id,
            function_id=self.call.function_id,
            app_id=self.app_id,
            function_def=self.function,
            environment_name="main",
            app_layout=api_pb2.AppLayout(
                objects=[own, *objects],
                function_ids={self.function.function_name: self.call.function_id},
            ),
        )

    async def _pump(self, output: asyncio.StreamReader) -> None:
        """Carry what it prints to the log of the app."""
        held = b""
        while chunk := await output.read(READ_BYTES):
            *lines, held = (held + chunk).split(b"\n")
            for line in lines:
                self._write(line + b"\n")
        if held:
            self._write(held)

    def _write(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace")
        middle = len(text) // 3 if self.cloud.faults.split_messages else 0
        for part in (text[:middle], text[middle:]):
            if part:
                self.cloud.apps[self.app_id].log.write(part, self.id, self.call.id)

    # ── what it asks ──────────────────────────────────────────────────────────────────────────

    async def ClientHello(self, _: Empty) -> api_pb2.ClientHelloResponse:
        return api_pb2.ClientHelloResponse()

    async def ContainerHello(self, _: Empty) -> Empty:
        return Empty()

    async def EnvironmentGetOrCreate(self, _: object) -> object:
        return environment_named("main")

    async def ContainerHeartbeat(self, _: object) -> api_pb2.ContainerHeartbeatResponse:
        try:
            await asyncio.wait_for(self._cancel.wait(), HEARTBEAT_SECONDS)
        except TimeoutError:
            return api_pb2.ContainerHeartbeatResponse()
        self._cancel.clear()
        event = api_pb2.CancelInputEvent(input_ids=[self.call.input_id])
        return api_pb2.ContainerHeartbeatResponse(cancel_input_event=event)

    async def FunctionGetInputs(self, _: object) -> api_pb2.FunctionGetInputsResponse:
        if self._delivered or self.call.cancelled:
            item = api_pb2.FunctionGetInputsItem(kill_switch=True)
        else:
            self._delivered = True
            self.call.started = self.call.started or asyncio.get_running_loop().time()
            item = api_pb2.FunctionGetInputsItem(
                input_id=self.call.input_id,
                input=self.call.input,
                function_call_id=self.call.id,
                function_call_invocation_type=api_pb2.FUNCTION_CALL_INVOCATION_TYPE_ASYNC,
                retry_count=len(self.call.tasks),
            )
        return api_pb2.FunctionGetInputsResponse(inputs=[item])

    async def FunctionPutOutputs(self, request: api_pb2.FunctionPutOutputsRequest) -> Empty:
        self.has_answered = True
        for item in request.outputs:
            policy = self.function.retry_policy.retries
            failed = item.result.status == api_pb2.GenericResult.GENERIC_STATUS_FAILURE
            if failed and self.call.retries < policy and not self.call.cancelled:
                self.call.retries += 1
            else:
                self.call.finish(item.result, item.data_format)
        return Empty()

    async def TaskResult(self, request: api_pb2.TaskResultRequest) -> Empty:
        if request.result.status != api_pb2.GenericResult.GENERIC_STATUS_SUCCESS:
            self.call.finish(request.result)
        return Empty()

    async def VolumeGetOrCreate(self, request: api_pb2.VolumeGetOrCreateRequest) -> object:
        return self.cloud.volumes.get_or_create(request)

    async def VolumeListFiles2(
        self, request: api_pb2.VolumeListFiles2Request
    ) -> AsyncIterator[api_pb2.VolumeListFiles2Response]:
        for response in self.cloud.volumes.list_files(request):
            yield response

    async def VolumeCommit(
        self, request: api_pb2.VolumeCommitRequest
    ) -> api_pb2.VolumeCommitResponse:
        if self.cloud.faults.take("kills_at_commit"):
            self.kill()
            raise refuse(Status.UNAVAILABLE, "the machine is gone")
        if self.cloud.faults.commit_fails():
            status = self.cloud.faults.commit_errors.pop(0)
            if status is None:
                await asyncio.Event().wait()
            else:
                raise refuse(status, f"the stand-in refuses this commit ({status.name})")
        await asyncio.to_thread(self.volumes[request.volume_id].commit)
        return api_pb2.VolumeCommitResponse(skip_reload=False)

    async def VolumeReload(self, request: api_pb2.VolumeReloadRequest) -> Empty:
        volume = self.volumes[request.volume_id]
        if await asyncio.to_thread(volume.has_open_files):
            raise refuse(
                Status.FAILED_PRECONDITION, "there are open files preventing the operation"
            )
        await asyncio.to_thread(volume.reload)
        return Empty()
