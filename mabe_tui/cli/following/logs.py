"""``mabe logs``: print a run's log, formatted or byte for byte."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from core.errors import MisuseError, UserError
from core.run.rundir import RunDir
from mabe_tui.cli.following.display import display, newest
from mabe_tui.cli.following.follow import (
    POLL_SECONDS,
    STATE_SECONDS,
    exit_code,
    say_end,
    say_unknown,
)
from mabe_tui.cli.following.foreign_logs import FOREIGN, print_foreign
from mabe_tui.cli.following.lines import json_line
from mabe_tui.cli.listing.status import find_run
from mabe_tui.cli.options import AutoResumeOption, RunName
from mabe_tui.cli.terminal.output import JsonOption, print_json_text, say
from mabe_tui.cli.terminal.streams import pass_on
from mabe_tui.launch.launcher import launcher_named
from mabe_tui.runs.actions.auto_resume import AutoResume
from mabe_tui.runs.following.connection import turns
from mabe_tui.runs.following.mirror import Item, Mirror
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.run_summary import state_of

CHUNK_BYTES = 1 << 20


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("logs")(logs)


def logs(
    context: typer.Context,
    run: RunName = "last",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Follow until the run ends, or Ctrl-C.")
    ] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Print the exact bytes, events included.")
    ] = False,
    last: Annotated[
        int | None, typer.Option("--lines", "-n", help="Start with the last N lines.", min=0)
    ] = None,
    auto_resume: AutoResumeOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Show the log of a run: one line per epoch, warnings, and other output.

    With ap-… or fc-…, show the log of any Modal app or function call, whoever started it; epochs in
    the format of the old training scripts are recognised too. Leaving with Ctrl-C does not affect the
    run. With --json, one object per line. With -f, exit codes as for `mabe run`.
    """
    if raw and last is not None:
        raise MisuseError("--raw gives every byte from the first: pipe it into `tail` for --lines")
    if FOREIGN.fullmatch(run):
        print_foreign(run, follow, raw, last, as_json)
        return
    entry = find_run(context, run)
    again = AutoResume(entry, auto_resume if follow else 0, say)
    mirror, offsets = Mirror(entry.run), dict[str, int]()
    try:
        while True:
            with up_to_date(entry, follow):
                if raw:
                    for chunk in raw_chunks(entry, follow, offsets):
                        pass_on(chunk)
                elif as_json:
                    _print_json_lines(batches(entry, follow, mirror), last)
                else:
                    _print_lines(entry, batches(entry, follow, mirror), follow, last)
            if not (follow and again.resume(state_of(entry))):
                break
            last = None  # only new lines are shown
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    _report_end(entry, follow)


def _report_end(entry: RunEntry, followed: bool) -> None:
    """Report an empty log; for a followed run, report how it ended and exit as `mabe run` does."""
    state = state_of(entry)
    goes_on = entry.request is None or state.may_speak  # unreadable, or resumed a moment ago
    if followed and not goes_on and not entry.is_import:
        say_end(entry.run, state)
        raise typer.Exit(exit_code(state))
    if not any(True for attempt in entry.run.attempts() for _ in _new_bytes(entry.run, attempt, 0)):
        yet = " yet" if entry.request is not None and state.may_speak else ""
        say(f"{entry.id} has printed nothing{yet}")


@contextmanager
def up_to_date(entry: RunEntry, follow: bool) -> Iterator[None]:
    """Update the local copy of a remote run: once, or while the context is open."""
    if entry.request is None:
        yield
        return
    launcher = launcher_named(entry.request.launcher)
    if follow:
        with launcher.following(entry.run, turns(say, entry.id)):
            yield
        return
    if state_of(entry).may_speak:
        try:
            launcher.sync(entry.run, say=say)
        except UserError as error:
            say(f"mabe: only what is here already: {error}")
    yield


def _print_lines(
    entry: RunEntry, found: Iterator[list[Item]], follow: bool, last: int | None
) -> None:
    """Print formatted lines; ``last`` limits those that already exist, not those to come."""
    with display(entry.run, sys.stdout, bar=follow) as show:
        for number, batch in enumerate(found):
            show(batch, None if number else last)


def _print_json_lines(found: Iterator[list[Item]], last: int | None) -> None:
    for number, batch in enumerate(found):
        lines = [json_line(item) for item in batch]
        if shown := newest(lines, None if number else last):
            print_json_text("\n".join(shown))


class StateLook:
    """Queries a run's state, no more often than its launcher allows.

    Args:
        entry: the run.
        follow: report why the state is unknown, and when it is known again.
    """

    def __init__(self, entry: RunEntry, follow: bool) -> None:
        self._entry, self._follow = entry, follow
        self._may_speak, self._next = True, -math.inf
        self._reported: str | None = None

    def may_speak(self) -> bool:
        """Return whether more output may arrive, as of the last query."""
        if time.monotonic() >= self._next:
            state = state_of(self._entry)
            self._next = time.monotonic() + STATE_SECONDS
            self._may_speak = state.may_speak
            if self._follow:
                self._reported = say_unknown(self._entry.run, state, self._reported)
        return self._may_speak


def batches(entry: RunEntry, follow: bool, mirror: Mirror) -> Iterator[list[Item]]:
    """Yield what the mirror has not read yet; when following, continue until the run ends."""
    look = StateLook(entry, follow)
    while True:
        alive = look.may_speak()  # queried first, so that reading afterwards is complete
        yield mirror.poll() + ([] if alive else mirror.remainder())
        if not (follow and alive):
            return
        time.sleep(POLL_SECONDS)


def raw_chunks(entry: RunEntry, follow: bool, offsets: dict[str, int]) -> Iterator[bytes]:
    """Yield the exact bytes of all attempts' logs, in order.

    Args:
        entry: the run.
        follow: continue until the run ends.
        offsets: bytes read by attempt; updated.
    """
    look = StateLook(entry, follow)
    while True:
        alive = look.may_speak()
        for attempt in entry.run.attempts():
            for chunk in _new_bytes(entry.run, attempt, offsets.get(attempt, 0)):
                offsets[attempt] = offsets.get(attempt, 0) + len(chunk)
                yield chunk
        if not (follow and alive):
            return
        time.sleep(POLL_SECONDS)


def _new_bytes(run: RunDir, attempt: str, offset: int) -> Iterator[bytes]:
    try:
        with run.log_path(attempt).open("rb") as file:
            file.seek(offset)
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except OSError:
        return
