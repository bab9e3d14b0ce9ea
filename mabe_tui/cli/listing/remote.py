"""Keep the local copies of remote runs up to date while a command watches them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mabe_tui.runs.listing.catalog import Catalog

SECONDS_ELSEWHERE = 5.0
"""Seconds between queries of remote runs."""


@contextmanager
def remote_problems(catalog: Catalog, ended: threading.Event) -> Iterator[list[str]]:
    """Query remote runs in a thread so that slow answers delay nothing; yield the problems."""
    problems: list[str] = []

    def ask() -> None:
        while not ended.wait(SECONDS_ELSEWHERE):
            problems[:] = catalog.refresh()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield problems
    finally:
        ended.set()
