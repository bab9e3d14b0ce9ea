"""Keys typed ahead reach what a patient typist would reach.

Textual (8.2.8) hands a key to the widget that has the focus when the key arrives. What the key before it
asked for, a screen that opens, a focus that moves, a line that is added, may still be under way then: of a
burst, keys go to the wrong field or to nobody. :class:`KeyQueue` keeps keys and pastes in their order and
delivers each once the app has come to rest after the one before.
"""

import asyncio
from collections import deque
from typing import Any

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.widgets import Input

PATIENCE_SECONDS = 3.0
"""The longest that a key waits for a thread's answer: it may have to come from another computer."""
REST_SECONDS = 10.0
"""The longest that a key waits for the app's own work, which only an overloaded machine draws out."""
AT_ONCE = frozenset({"ctrl+q", "ctrl+c"})
"""Keys that leave; they wait for nothing, and what was typed before them is dropped."""
BUSY_TURNS, PAUSE_SECONDS = 50, 0.005
"""Turns of the event loop in which rest is looked for without a pause, and the pause after them."""


class KeyQueue:
    """Keys in the order they were typed, delivered one at a time.

    Args:
        app: posts the keys to itself.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._kept: deque[events.Event] = deque()
        self._delivered: events.Event | None = None
        self._task: asyncio.Task[None] | None = None

    def admits(self, event: events.Event) -> bool:
        """Return whether to handle an event now; one that is not admitted is posted again in its turn."""
        if event is self._delivered:
            self._delivered = None
            return True
        if isinstance(event, events.Key) and event.key in AT_ONCE:
            self._kept.clear()
            return True
        self._kept.append(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._deliver())
        return False

    @property
    def is_empty(self) -> bool:
        """Whether all that was typed has been delivered."""
        return not self._kept and self._delivered is None

    async def _deliver(self) -> None:
        while self._kept:
            await self._rest()
            if self._kept:  # it may have been dropped meanwhile
                self._delivered = self._kept.popleft()
                self._app.post_message(self._delivered)

    async def _rest(self) -> None:
        """Wait until what was done so far has had its consequences."""
        loop = asyncio.get_running_loop()
        begun, turns = loop.time(), 0
        while self._delivered is not None or not at_rest(self._app):
            waited = loop.time() - begun
            if waited > REST_SECONDS or (waited > PATIENCE_SECONDS and _is_idle(self._app)):
                return
            await asyncio.sleep(0 if turns < BUSY_TURNS else PAUSE_SECONDS)
            turns += 1


def at_rest(app: App[Any]) -> bool:
    """Return whether nothing is under way that could move the focus, open a screen or close one."""
    return _is_idle(app) and _is_answered(app)


def _is_idle(app: App[Any]) -> bool:
    """Return whether all message pumps wait for a message, and the screen is laid out."""
    widgets = [*app._registry]
    if not (_waits(app) and all(one._is_mounted and _waits(one) for one in widgets)):
        return False
    return not app.screen._layout_required


def _is_answered(app: App[Any]) -> bool:
    """Return whether threads have answered: to the screen, and to the line with the focus."""
    if not getattr(app.screen, "is_ready", True):
        return False
    focused = app.focused
    return not isinstance(focused, Input) or all(
        worker.is_finished for worker in app.workers if worker.node is focused
    )


def _waits(pump: MessagePump) -> bool:
    """Return whether a pump neither handles a message nor has one to handle."""
    if pump._closed:
        return True
    queue: Any = pump._message_queue
    # A waiter is in the queue's event exactly while the pump waits there: it handles nothing.
    return bool(queue.empty() and queue.ready_event._waiters and not pump._next_callbacks)
