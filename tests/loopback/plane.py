"""Modal's protocol as plain methods: one coroutine or asynchronous generator per call.

A subclass of :class:`Plane` answers the calls that it has methods for; the gRPC server answers all others
with "unimplemented" and their name, which reveals any change of the protocol.
"""

from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any

from google.protobuf.message import Message
from grpclib import GRPCError, Status
from grpclib.const import Handler
from grpclib.server import Stream
from modal_proto.api_grpc import ModalClientBase

TOKEN = "ak-loopback"
OTHER_TOKEN = "ak-other"
"""Of another workspace."""
CALLER: ContextVar[str] = ContextVar("caller", default=TOKEN)
"""The token of whoever makes the call that is being answered."""


class _Names:
    """Gives every attribute as its own name, so that a mapping of handlers becomes one of names."""

    def __getattr__(self, name: str) -> str:
        return name


CALLS: dict[str, Handler] = ModalClientBase.__mapping__(_Names())  # type: ignore[arg-type] # duck


class Plane:
    """A gRPC servicer made of the methods that a subclass has."""

    calls: dict[str, int]
    """How often each call was made."""

    def __init__(self) -> None:
        self.calls = {}

    def admit(self, metadata: Any) -> None:
        """Let a call pass, or raise what it is refused with."""

    def __mapping__(self) -> dict[str, Handler]:
        mapping = {}
        for path, call in CALLS.items():
            name = str(call.func)
            if method := getattr(self, name, None):
                handler = self._handler(name, method, call.cardinality.server_streaming)
                mapping[path] = call._replace(func=handler)
        return mapping

    def _handler(
        self, name: str, method: Callable[[Any], Any], streams: bool
    ) -> Callable[[Stream[Any, Any]], Any]:
        async def handle(stream: Stream[Message, Message]) -> None:
            request = await stream.recv_message()
            self.calls[name] = self.calls.get(name, 0) + 1
            self.admit(stream.metadata)
            if streams:
                replies: AsyncIterator[Message] = method(request)
                async for reply in replies:
                    await stream.send_message(reply)
            else:
                await stream.send_message(await method(request))

        return handle


def refuse(status: Status, message: str) -> GRPCError:
    """Make the error that the client's own exceptions are made from."""
    return GRPCError(status, message)
