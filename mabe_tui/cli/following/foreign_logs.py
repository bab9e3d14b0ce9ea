"""Logs of any Modal app or function call, for ``mabe logs`` and ``import-log``."""

import datetime as dt
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from core.errors import ConfigError
from mabe_tui.cli.following.display import INDENT, newest, shown_lines
from mabe_tui.cli.following.lines import json_line
from mabe_tui.cli.terminal.output import print_json_text, say, wrapped
from mabe_tui.cli.terminal.streams import pass_on
from mabe_tui.runs.following.connection import turns
from mabe_tui.runs.following.mirror import Item
from mabe_tui.runs.tasks import default_spec

if TYPE_CHECKING:
    from mabe_tui.runs.old_logs.import_log import Printed

FOREIGN = re.compile(r"(ap|fc)-[A-Za-z0-9]{22}")
"""A Modal app or function call, including those that mabe has not started."""


def print_foreign(reference: str, follow: bool, raw: bool, last: int | None, as_json: bool) -> None:
    """Print its log in the same form as that of a run; see :func:`mabe_tui.cli.following.logs.logs`.

    Raises:
        UserError: Modal cannot be reached or does not know it, or ``last`` is combined with following.
    """
    if follow and last is not None:
        raise ConfigError(
            f"--lines cannot go with -f and {reference}: its log begins at the beginning"
        )
    try:
        if raw:
            _print_raw(reference, follow)
        else:
            _print_items(reference, follow, last, as_json)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def fetch_printed(reference: str) -> "Printed":
    """Fetch the current log for import as a run.

    Raises:
        UserError: Modal cannot be reached or does not know it, or the log has no epochs.
    """
    from mabe_tui.launch.line_buffer import LineBuffer, TimedLine
    from mabe_tui.launch.modal import foreign as modal_foreign
    from mabe_tui.runs.old_logs.import_log import of_lines

    joined, lines = LineBuffer(), list[TimedLine]()
    modal_foreign.attach(reference, False, lambda *piece: lines.extend(joined.feed(*piece)))
    return of_lines(reference, [*lines, *joined.close()], dt.datetime.now(dt.UTC))


def _print_raw(reference: str, follow: bool) -> None:
    from mabe_tui.launch.modal import foreign as modal_foreign

    def show(piece: str, *_: object) -> None:
        pass_on(piece.encode())

    modal_foreign.attach(reference, follow, show, turns(say, reference))


def _print_items(reference: str, follow: bool, last: int | None, as_json: bool) -> None:
    from mabe_tui.launch.modal import foreign as modal_foreign
    from mabe_tui.runs.old_logs.foreign_log import ForeignLog

    log, kept = ForeignLog(reference), list[str]()

    def show(items: Sequence[Item]) -> None:
        if as_json:
            lines = [json_line(item) for item in items]
        else:
            lines = shown_lines(items, default_spec(), log.asked_epochs)
        if last is None:
            _print(lines, as_json)
        else:
            kept.extend(lines)

    try:
        modal_foreign.attach(
            reference, follow, lambda *piece: show(log.feed(*piece)), turns(say, reference)
        )
    finally:
        show(log.close())
        _print(newest(kept, last), as_json)


def _print(lines: Sequence[str], as_json: bool) -> None:
    if as_json and lines:
        print_json_text("\n".join(lines))
    elif lines:
        print("\n".join(wrapped(line, INDENT, sys.stdout) for line in lines), flush=True)
