"""Deliver an event to a command or a webhook, once."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from core.errors import UserError
from mabe_tui.runs.alerts.message import AlertEvent
from mabe_tui.runs.alerts.outcome import Outcome, delivered, refused, retried
from mabe_tui.runs.alerts.rules import COMMAND, FORMS, AlertRule
from mabe_tui.runs.alerts.webhook import send
from mabe_tui.runs.format.untrusted_text import clean

COMMAND_SECONDS = 30.0
SAID_LENGTH = 200
"""Characters of a failed command's last line that are kept."""


def deliver(rule: AlertRule, place: str, event: AlertEvent) -> Outcome:
    """Deliver an event to one of a rule's places.

    Args:
        rule: the rule.
        place: ``command``, or the form of its webhook.
        event: the event.
    """
    if place == COMMAND:
        return run_command(rule.command, event)
    form = next((form for form in FORMS if form == place), None)
    if form is None:
        return refused(f"{place}: nothing that can be delivered to")
    try:
        return send(rule.secret.read(), form, event)
    except UserError as error:
        return retried(str(error))


def run_command(
    arguments: Sequence[str], event: AlertEvent, seconds: float = COMMAND_SECONDS
) -> Outcome:
    """Run a program with the event as JSON on its standard input; no shell is involved.

    Args:
        arguments: the program and its arguments, exactly as the rule states them.
        event: the event.
        seconds: after which the program, and what it started, is killed.
    """
    try:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return refused(f"cannot be started ({getattr(error, 'strerror', None) or error})")
    try:
        _, said = process.communicate(msgspec.json.encode(event) + b"\n", seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return retried(f"did not end within {seconds:g} s, and was killed")
    if process.returncode == 0:
        return delivered()
    last = (said.decode(errors="replace").strip().splitlines() or [""])[-1]
    words = f": {clean(last)[:SAID_LENGTH]}" if last else ""
    return retried(f"ended with exit code {process.returncode}{words}")
