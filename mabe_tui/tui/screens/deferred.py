"""Calls that wait for the next refresh, and whose widget may be gone by then."""

from typing import TypeVar

from textual._callback import invoke
from textual._types import CallbackType
from textual.message_pump import MessagePump
from textual.screen import Screen

Result = TypeVar("Result")


class DeferringScreen(Screen[Result]):
    """Drops deferred calls of widgets that have been removed.

    Textual (8.2.8) hands ``call_after_refresh`` of any widget to the screen on top, which makes the call
    even where the widget's own screen has been closed meanwhile. What such a call looks for is gone.
    """

    def _invoke_later(self, callback: CallbackType, sender: MessagePump) -> None:
        async def call() -> None:
            if sender.is_attached and sender.is_running:
                await invoke(callback)

        super()._invoke_later(call, sender)
