"""Drop calls deferred to the next refresh if their widget has been removed."""

from collections.abc import Callable
from inspect import isawaitable
from typing import Any, TypeVar

from textual.message_pump import MessagePump
from textual.screen import Screen

Result = TypeVar("Result")


class DeferringScreen(Screen[Result]):
    """Drops deferred calls of widgets that have been removed.

    Textual (8.2.8) passes ``call_after_refresh`` of any widget to the screen on top, which makes the call
    even if the widget's own screen has been closed meanwhile, when the call can only fail.
    """

    def _invoke_later(self, callback: Callable[[], Any], sender: MessagePump) -> None:
        async def call() -> None:
            if sender.is_attached and sender.is_running:
                result = callback()
                if isawaitable(result):
                    await result

        super()._invoke_later(call, sender)
