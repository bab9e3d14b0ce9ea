"""Responses shared by several calls of Modal's protocol."""

from modal_proto import api_pb2

BUILDER = "2025.06"


def environment_named(name: str) -> api_pb2.EnvironmentGetOrCreateResponse:
    """Describe an environment the way that the client hydrates one from."""
    return api_pb2.EnvironmentGetOrCreateResponse(
        environment_id="en-" + name.ljust(22, "0"),
        metadata=api_pb2.EnvironmentMetadata(
            name=name, settings=api_pb2.EnvironmentSettings(image_builder_version=BUILDER)
        ),
    )


def function_handle(function: api_pb2.Function, app_id: str) -> api_pb2.FunctionHandleMetadata:
    """Describe a function the way that the client hydrates one from."""
    return api_pb2.FunctionHandleMetadata(
        function_name=function.function_name,
        function_type=function.function_type,
        definition_id="de-" + "0" * 22,
        function_schema=function.function_schema,
        supported_input_formats=function.supported_input_formats,
        supported_output_formats=function.supported_output_formats,
        app_id=app_id,
    )
