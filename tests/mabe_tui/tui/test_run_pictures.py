"""Snapshots of the run screen: its layout at both sizes, and other states at one."""

from typing import Any

import pytest

from mabe_tui.tui.screens.run.screen import RunScreen
from tests.mabe_tui.tui.conftest import LARGE, SMALL
from tests.mabe_tui.tui.run_screen import is_settled, opened, until

SHOWN = [
    ("loss-small", SMALL, "cc42", ()),
    ("loss-large", LARGE, "cc42", ()),
    ("smooth-large", LARGE, "cc42", ("e", "e", "y", "left", *["left"] * 20)),
    ("nan-small", SMALL, "ee45", ()),
    ("failed-small", SMALL, "ff46", ("6",)),
]


@pytest.mark.parametrize(
    ("size", "run", "keys"), [shown for _, *shown in SHOWN], ids=[name for name, *_ in SHOWN]
)
def test_run_screen(snap_compare, make_app, size, run, keys) -> None:
    async def show(pilot: Any) -> None:
        screen = await opened(pilot, run)
        for key in keys:
            await pilot.press(key)
        await settled(pilot, screen)

    assert snap_compare(make_app(), terminal_size=size, run_before=show)


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({"ascii_only": True}, ("e",)),
        ({"theme": "mabe-light"}, ("3",)),
        ({"theme": "mabe-colour-blind"}, ("4",)),
    ],
    ids=["ascii", "light", "colour-blind"],
)
def test_run_screen_in_other_looks(snap_compare, make_app, options, keys) -> None:
    async def show(pilot: Any) -> None:
        screen = await opened(pilot)
        for key in keys:
            await pilot.press(key)
        await settled(pilot, screen)

    assert snap_compare(make_app(**options), terminal_size=SMALL, run_before=show)


async def settled(pilot: Any, screen: RunScreen) -> None:
    """Wait until all shows what the keys have asked for."""
    view = screen.run_view.drawn(has_price=True, scales=screen.panels.scales)
    shown = screen.panels.visible_charts

    def is_drawn() -> bool:
        charts = [c for c in screen.panels.charts if c.id.removeprefix("chart-") in shown]
        return all(c.axes.log_y is (c.id.removeprefix("chart-") in view.log) for c in charts) and (
            not view.smooth or all(any(s.style == "faint" for s in c.series) for c in charts)
        )

    await until(pilot, lambda: is_settled(screen) and is_drawn())
