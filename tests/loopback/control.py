"""Requests of the client to the control plane: apps, images, mounts, functions, calls, logs, volumes."""

# The methods have the names of Modal's own calls.
# ruff: noqa: N802

import asyncio
import hashlib
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from google.protobuf.empty_pb2 import Empty
from grpclib import Status
from modal_proto import api_pb2

from tests.loopback.account import AccountPlane
from tests.loopback.answers import BUILDER, function_handle
from tests.loopback.logs import AppLog
from tests.loopback.plane import CALLER, refuse
from tests.loopback.state import App, Call, Cloud, new_id

BUILD_SECONDS = 0.05
"""Between two looks whether a build may end."""
IMAGE_BUILT = api_pb2.GenericResult(status=api_pb2.GenericResult.GENERIC_STATUS_SUCCESS)
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
IMAGE_METADATA = api_pb2.ImageMetadata(python_version_info=PYTHON, image_builder_version=BUILDER)


class ControlPlane(AccountPlane):
    """Answers clients, however many; each container has a plane of its own."""

    def __init__(
        self, cloud: Cloud, start: Callable[[Call], None], cancel: Callable[..., None]
    ) -> None:
        super().__init__()
        self.cloud, self._start, self._cancel = cloud, start, cancel

    def admit(self, metadata: Any) -> None:
        """Refuse everybody while tokens count as wrong."""
        if self.cloud.faults.wrong_token or not metadata.get("x-modal-token-id"):
            raise refuse(Status.UNAUTHENTICATED, "Token is invalid")
        token = str(metadata["x-modal-token-id"])
        if token not in self.cloud.account.workspaces:
            raise refuse(Status.UNAUTHENTICATED, "Token is invalid")
        CALLER.set(token)

    async def ClientHello(self, _: Empty) -> api_pb2.ClientHelloResponse:
        return api_pb2.ClientHelloResponse()

    async def AuthTokenGet(self, _: object) -> api_pb2.AuthTokenGetResponse:
        return api_pb2.AuthTokenGetResponse(token="e30.e30.")

    # ── apps ──────────────────────────────────────────────────────────────────────────────────

    async def AppCreate(self, request: api_pb2.AppCreateRequest) -> api_pb2.AppCreateResponse:
        app_id = new_id("ap")
        log = AppLog(self.cloud.faults)
        app = App(app_id, request.description, request.app_state, log)
        app.workspace = self.cloud.account.workspace()
        app.environment = self.cloud.account.environment(request.environment_name)
        self.cloud.apps[app_id] = app
        return api_pb2.AppCreateResponse(app_id=app_id, app_page_url=f"http://loopback/{app_id}")

    async def AppHeartbeat(self, _: object) -> Empty:
        return Empty()

    async def AppPublish(self, request: api_pb2.AppPublishRequest) -> api_pb2.AppPublishResponse:
        app = self.cloud.app(request.app_id)
        app.function_ids = dict(request.function_ids)
        return api_pb2.AppPublishResponse(url=f"http://loopback/{app.id}", deployed_at=time.time())

    async def AppClientDisconnect(self, request: api_pb2.AppClientDisconnectRequest) -> Empty:
        app = self.cloud.app(request.app_id)
        if app.state == api_pb2.APP_STATE_DETACHED:
            app.state = api_pb2.APP_STATE_DETACHED_DISCONNECTED
            if self.cloud.faults.only_last_call_lives:
                for call in self.cloud.calls_of(app.id)[:-1]:
                    self._cancel(call, terminate=True)
            self.cloud.stop_app_if_idle(app.id)
        else:
            self._stop(app)
        return Empty()

    async def AppStop(self, request: api_pb2.AppStopRequest) -> Empty:
        self._stop(self.cloud.app(request.app_id))
        return Empty()

    def _stop(self, app: App) -> None:
        for call in self.cloud.calls_of(app.id):
            self._cancel(call, terminate=True)
        self.cloud.stop_app(app)

    async def AppList(self, request: api_pb2.AppListRequest) -> api_pb2.AppListResponse:
        workspace = self.cloud.account.workspace()
        environment = self.cloud.account.environment(request.environment_name)
        item = api_pb2.AppListResponse.AppListItem
        return api_pb2.AppListResponse(
            apps=[
                item(
                    app_id=app.id,
                    description=app.description,
                    state=app.state,
                    created_at=app.created,
                    stopped_at=app.stopped,
                    n_running_tasks=sum(
                        not call.done.is_set() for call in self.cloud.calls_of(app.id)
                    ),
                    metadata=self._handle(app),
                )
                for app in self.cloud.apps.values()
                if (app.workspace, app.environment) == (workspace, environment)
            ]
        )

    def _handle(self, app: App) -> api_pb2.AppHandleMetadata:
        return api_pb2.AppHandleMetadata(
            description=app.description, app_id=app.id, environment_name=app.environment,
            lifecycle=_lifecycle(app),
        )  # fmt: skip

    async def AppGetInfo(self, request: api_pb2.AppGetInfoRequest) -> api_pb2.AppGetInfoResponse:
        return api_pb2.AppGetInfoResponse(info=self._handle(self.cloud.app(request.app_id)))

    async def AppGetLifecycle(
        self, request: api_pb2.AppGetLifecycleRequest
    ) -> api_pb2.AppGetLifecycleResponse:
        app = self.cloud.app(request.app_id)
        return api_pb2.AppGetLifecycleResponse(lifecycle=_lifecycle(app))

    async def TaskList(self, request: api_pb2.TaskListRequest) -> api_pb2.TaskListResponse:
        calls = self.cloud.calls_of(request.app_id)
        running = [c.tasks[-1] for c in calls if c.tasks and not c.done.is_set()]
        tasks = [api_pb2.TaskStats(task_id=task, app_id=request.app_id) for task in running]
        return api_pb2.TaskListResponse(tasks=tasks)

    # ── images, mounts ───────────────────────────────────────────────────────────────

    async def ImageGetOrCreate(
        self, request: api_pb2.ImageGetOrCreateRequest
    ) -> api_pb2.ImageGetOrCreateResponse:
        digest = hashlib.sha256(request.image.SerializeToString(deterministic=True)).hexdigest()
        image_id = f"im-{digest[:22]}"
        self.cloud.images[image_id] = list(request.image.dockerfile_commands)
        if self.cloud.faults.build_log and request.image.base_images:
            return api_pb2.ImageGetOrCreateResponse(image_id=image_id)
        return api_pb2.ImageGetOrCreateResponse(
            image_id=image_id, result=IMAGE_BUILT, metadata=IMAGE_METADATA
        )

    async def ImageJoinStreaming(
        self, request: api_pb2.ImageJoinStreamingRequest
    ) -> AsyncIterator[api_pb2.ImageJoinStreamingResponse]:
        faults = self.cloud.faults
        if not request.last_entry_id:
            for number, line in enumerate(faults.build_log, start=1):
                log = api_pb2.TaskLogs(data=f"{line}\n")
                yield api_pb2.ImageJoinStreamingResponse(task_logs=[log], entry_id=f"{number}-0")
        while faults.building:
            await asyncio.sleep(BUILD_SECONDS)
        failed = api_pb2.GenericResult(
            status=api_pb2.GenericResult.GENERIC_STATUS_FAILURE, exception=faults.build_error
        )
        result = failed if faults.build_error else IMAGE_BUILT
        yield api_pb2.ImageJoinStreamingResponse(result=result, metadata=IMAGE_METADATA)

    async def MountBatchedCheckExistence(
        self, request: api_pb2.MountBatchedCheckExistenceRequest
    ) -> api_pb2.MountBatchedCheckExistenceResponse:
        missing = [sha for sha in request.sha256_hex_hashes if sha not in self.cloud.files]
        return api_pb2.MountBatchedCheckExistenceResponse(missing_sha256_hex_hashes=missing)

    async def MountPutFile(
        self, request: api_pb2.MountPutFileRequest
    ) -> api_pb2.MountPutFileResponse:
        self.cloud.files[request.sha256_hex] = request.data
        return api_pb2.MountPutFileResponse(exists=True)

    async def MountGetOrCreate(
        self, request: api_pb2.MountGetOrCreateRequest
    ) -> api_pb2.MountGetOrCreateResponse:
        files = {file.filename: file.sha256_hex for file in request.files}
        mount_id = new_id("mo")
        self.cloud.mounts[mount_id] = files
        checksum = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()
        return api_pb2.MountGetOrCreateResponse(
            mount_id=mount_id,
            handle_metadata=api_pb2.MountHandleMetadata(content_checksum_sha256_hex=checksum),
        )

    # ── functions and calls ───────────────────────────────────────────────────────────────────

    async def FunctionPrecreate(
        self, request: api_pb2.FunctionPrecreateRequest
    ) -> api_pb2.FunctionPrecreateResponse:
        function = api_pb2.Function(
            function_name=request.function_name, function_type=request.function_type
        )
        function_id = request.existing_function_id or new_id("fu")
        self.cloud.functions[function_id] = (request.app_id, function)
        return api_pb2.FunctionPrecreateResponse(
            function_id=function_id, handle_metadata=function_handle(function, request.app_id)
        )

    async def FunctionCreate(
        self, request: api_pb2.FunctionCreateRequest
    ) -> api_pb2.FunctionCreateResponse:
        function, ranked = request.function, [*request.function_data.ranked_functions]
        if ranked:  # one for each GPU of a list: the first that is free
            taken = self.cloud.faults.gpus_taken
            free = [r for r in ranked if r.function.resources.gpu_config.gpu_type not in taken]
            function = (free or ranked)[0].function
        function_id = request.existing_function_id or new_id("fu")
        self.cloud.functions[function_id] = (request.app_id, function)
        ranked = ranked or [api_pb2.FunctionData.RankedFunction(rank=0, function=function)]
        return api_pb2.FunctionCreateResponse(
            function_id=function_id,
            handle_metadata=function_handle(function, request.app_id),
            function=function,
            function_data=api_pb2.FunctionData(
                function_name=function.function_name, ranked_functions=ranked
            ),
        )

    async def FunctionBindParams(
        self, request: api_pb2.FunctionBindParamsRequest
    ) -> api_pb2.FunctionBindParamsResponse:
        app_id, function = self.cloud.functions[request.function_id]
        bound, options = api_pb2.Function(), request.function_options
        bound.CopyFrom(function)
        bound.resources.MergeFrom(options.resources)
        if options.HasField("retry_policy"):
            bound.retry_policy.CopyFrom(options.retry_policy)
        if options.timeout_secs:
            bound.timeout_secs = options.timeout_secs
        if options.replace_secret_ids:
            bound.ClearField("secret_ids")
            bound.secret_ids.extend(options.secret_ids)
        bound.concurrency_limit = options.concurrency_limit
        bound_id = new_id("fu")
        self.cloud.functions[bound_id] = (app_id, bound)
        return api_pb2.FunctionBindParamsResponse(
            bound_function_id=bound_id, handle_metadata=function_handle(bound, app_id)
        )

    async def FunctionMap(self, request: api_pb2.FunctionMapRequest) -> api_pb2.FunctionMapResponse:
        faults = self.cloud.faults
        if faults.quota_exceeded or faults.calls_before_quota == 0:
            raise refuse(Status.RESOURCE_EXHAUSTED, "Workspace billing cycle spend limit reached")
        if faults.calls_before_quota is not None:
            faults.calls_before_quota -= 1
        app_id, _ = self.cloud.functions[request.function_id]
        call_input = request.pipelined_inputs[0].input
        call = Call(new_id("fc"), new_id("in"), request.function_id, app_id, call_input)
        self.cloud.calls[call.id] = call
        self._start(call)
        item = api_pb2.FunctionPutInputsResponseItem(idx=0, input_id=call.input_id)
        return api_pb2.FunctionMapResponse(function_call_id=call.id, pipelined_inputs=[item])

    async def FunctionGetOutputs(
        self, request: api_pb2.FunctionGetOutputsRequest
    ) -> api_pb2.FunctionGetOutputsResponse:
        if refused := self.cloud.faults.refused_outputs:
            status = refused.pop(0)
            said = "rate limit exceeded" if status is Status.RESOURCE_EXHAUSTED else status.name
            raise refuse(status, said)
        call = self.cloud.call(request.function_call_id)
        if request.timeout > 0:
            await asyncio.wait([asyncio.create_task(call.done.wait())], timeout=request.timeout)
        outputs = [call.output] if call.output is not None else []
        return api_pb2.FunctionGetOutputsResponse(
            outputs=outputs, num_unfinished_inputs=0 if outputs else 1
        )

    async def FunctionCallFromId(
        self, request: api_pb2.FunctionCallFromIdRequest
    ) -> api_pb2.FunctionCallFromIdResponse:
        call = self.cloud.call(request.function_call_id)
        metadata = api_pb2.FunctionCallHandleMetadata(
            app_id=call.app_id, function_id=call.function_id
        )
        return api_pb2.FunctionCallFromIdResponse(
            function_call_id=call.id, num_inputs=1, metadata=metadata
        )

    async def FunctionCallList(
        self, request: api_pb2.FunctionCallListRequest
    ) -> api_pb2.FunctionCallListResponse:
        calls = [c for c in self.cloud.calls.values() if c.function_id == request.function_id]
        infos = [api_pb2.FunctionCallInfo(function_call_id=call.id) for call in calls]
        return api_pb2.FunctionCallListResponse(function_calls=infos)

    async def FunctionCallGetInfo(
        self, request: api_pb2.FunctionCallGetInfoRequest
    ) -> api_pb2.FunctionCallGetInfoResponse:
        call = self.cloud.call(request.function_call_id)
        one = api_pb2.InputCategoryInfo(total=1)
        counted = {"succeeded_inputs" if call.done.is_set() else "pending_inputs": one}
        info = api_pb2.FunctionCallInfo(function_call_id=call.id, total_inputs=1, **counted)
        return api_pb2.FunctionCallGetInfoResponse(info=info)

    async def FunctionCallCancel(self, request: api_pb2.FunctionCallCancelRequest) -> Empty:
        call = self.cloud.call(request.function_call_id)
        self._cancel(call, terminate=request.terminate_containers)
        return Empty()

    # ── logs and volumes ──────────────────────────────────────────────────────────────────────

    async def AppGetLogs(
        self, request: api_pb2.AppGetLogsRequest
    ) -> AsyncIterator[api_pb2.TaskLogsBatch]:
        async for batch in self.cloud.app(request.app_id).log.stream(request):
            yield batch

    async def AppFetchLogs(
        self, request: api_pb2.AppFetchLogsRequest
    ) -> api_pb2.AppFetchLogsResponse:
        return self.cloud.app(request.app_id).log.fetch(request)

    async def AppCountLogs(
        self, request: api_pb2.AppCountLogsRequest
    ) -> api_pb2.AppCountLogsResponse:
        return self.cloud.app(request.app_id).log.count(request)

    async def VolumeGetOrCreate(
        self, request: api_pb2.VolumeGetOrCreateRequest
    ) -> api_pb2.VolumeGetOrCreateResponse:
        workspace = self.cloud.account.workspace()
        environment = self.cloud.account.environment(request.environment_name)
        return self.cloud.volumes.get_or_create(request, workspace, environment)

    async def VolumeDelete(self, request: api_pb2.VolumeDeleteRequest) -> Empty:
        self.cloud.volumes.forget(request.volume_id)
        return Empty()

    async def VolumeListFiles2(
        self, request: api_pb2.VolumeListFiles2Request
    ) -> AsyncIterator[api_pb2.VolumeListFiles2Response]:
        for response in self.cloud.volumes.list_files(request):
            yield response

    async def VolumePutFiles2(
        self, request: api_pb2.VolumePutFiles2Request
    ) -> api_pb2.VolumePutFiles2Response:
        return self.cloud.volumes.put_files(request)

    async def VolumeGetFile2(
        self, request: api_pb2.VolumeGetFile2Request
    ) -> api_pb2.VolumeGetFile2Response:
        return self.cloud.volumes.get_file(request)

    async def VolumeRemoveFile2(self, request: api_pb2.VolumeRemoveFile2Request) -> Empty:
        self.cloud.volumes.remove(request)
        return Empty()


def _lifecycle(app: App) -> api_pb2.AppLifecycle:
    return api_pb2.AppLifecycle(app_state=app.state, created_at=app.created, stopped_at=app.stopped)
