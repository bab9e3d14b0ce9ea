"""Deliver keys typed ahead to the widget that a patient typist would reach.

Textual (8.2.8) hands a key to the widget that has the focus when the key arrives. The
effects of the previous key (a screen opening, the focus moving, a line being added) may still be in
progress then, so in a burst keys go to the wrong field or get lost. :class:`KeyQueue` keeps keys and pastes
in order and delivers each once the app has settled after the previous one.
"""

import asyncio
from collections import deque
from typing import Any

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.widgets import Input

from mabe_tui.tui.made_otherwise import MADE_OTHERWISE

PATIENCE_SECONDS = 3.0
"""Longest wait for a thread's answer, which may come from another computer, in seconds."""
REST_SECONDS = 10.0
"""Longest wait for the app's own work, which is slow only on an overloaded machine, in seconds."""
AT_ONCE = frozenset({"ctrl+q", "ctrl+c"})
"""Keys that leave a screen; they wait for nothing, and keys typed before them are dropped."""
BUSY_TURNS, PAUSE_SECONDS = 50, 0.005
"""Turns of the event loop to poll for idleness without a pause, and the pause after them."""


class KeyQueue:
    """A queue of typed keys, delivered in order and one at a time.

    Args:
        app: the app to which the keys are posted again.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._kept: deque[events.Event] = deque()
        self._delivered: events.Event | None = None
        self._task: asyncio.Task[None] | None = None

    def admits(self, event: events.Event) -> bool:
        """Return whether to handle an event now; otherwise it is posted again in its turn."""
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
        """Whether all typed keys have been delivered."""
        return not self._kept and self._delivered is None

    async def _deliver(self) -> None:
        while self._kept:
            await self._rest()
            if self._kept:  # the key may have been dropped meanwhile
                self._delivered = self._kept.popleft()
                self._app.post_message(self._delivered)

    async def _rest(self) -> None:
        """Wait until the effects of everything done so far have completed."""
        loop = asyncio.get_running_loop()
        begun, turns = loop.time(), 0
        while self._delivered is not None or not at_rest(self._app):
            waited = loop.time() - begun
            if waited > REST_SECONDS or (waited > PATIENCE_SECONDS and _is_idle(self._app)):
                return
            await asyncio.sleep(0 if turns < BUSY_TURNS else PAUSE_SECONDS)
            turns += 1


def at_rest(app: App[Any]) -> bool:
    """Return whether nothing in progress could move the focus, or open or close a screen."""
    return _is_idle(app) and _is_answered(app)


def _is_idle(app: App[Any]) -> bool:
    """Return whether all message pumps are idle and the screen is laid out.

    Where that cannot be seen, in a Textual that is made otherwise, keys do not wait for it.
    """
    try:
        widgets = [*app._registry]
        if not (_waits(app) and all(one._is_mounted and _waits(one) for one in widgets)):
            return False
        return not app.screen._layout_required
    except MADE_OTHERWISE:
        return True


def _is_answered(app: App[Any]) -> bool:
    """Return whether threads have answered the screen and the input that has the focus."""
    if not getattr(app.screen, "is_ready", True):
        return False
    focused = app.focused
    return not isinstance(focused, Input) or all(
        worker.is_finished for worker in app.workers if worker.node is focused
    )


def _waits(pump: MessagePump) -> bool:
    """Return whether a pump neither handles a message nor has one queued."""
    if pump._closed:
        return True
    queue: Any = pump._message_queue
    # The queue's event has a waiter exactly while the pump is idle.
    return bool(queue.empty() and queue.ready_event._waiters and not pump._next_callbacks)
