"""Automatic resume of a run that died, for a command that follows it with this option."""

import time

from core.errors import UserError
from core.run.records import Handle
from mabe_tui.launch.attempts import newest_attempt, read_quiet_ending
from mabe_tui.launch.launcher import RunState, Say, UnreachableError
from mabe_tui.runs.actions import control
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.endings import resume_words

PAUSES = (5.0, 10.0, 20.0, 40.0, *[60.0] * 28)
"""Seconds before an unanswered resume is tried again."""


class AutoResume:
    """Resumes one run up to a given number of times; its limits of time and money span all attempts.

    Only a run that is known to have died is resumed: never one that failed with its own error, was
    stopped, or has an unknown state.
    """

    def __init__(self, entry: RunEntry, most: int, say: Say) -> None:
        """Start with no resumes counted.

        Args:
            entry: the run.
            most: maximum number of resumes.
            say: called with a message before each resume and each slow step.
        """
        self._entry, self._most, self._say = entry, most, say
        self._resumed = 0

    def resume(self, state: RunState) -> bool:
        """Resume the run if it died; return whether it continues.

        Args:
            state: how it ended.
        """
        entry = self._entry
        if self._resumed >= self._most or not self._has_died(state):
            return False
        self._resumed += 1
        quiet = read_quiet_ending(entry.run, newest_attempt(entry.run) or "")
        why = f" ({quiet.reason})" if quiet is not None and quiet.reason else ""
        self._say(
            f"{entry.id} died{why}; resuming it, time {self._resumed} of at most {self._most}:"
            f" this {resume_words(entry.run)}"
        )
        try:
            handle = self._start()
        except UserError as error:
            self._say(f"{entry.id} was not resumed: {error}")
            return False
        self._say(f"{entry.id}: attempt {handle.attempt}; its limits count all attempts")
        return True

    def _start(self) -> Handle:
        """Start the next attempt; retry for half an hour if there is no answer.

        Raises:
            UserError: it cannot be started.
        """
        said = ""
        for pause in PAUSES:
            try:
                return control.resume(self._entry, say=self._say)
            except UnreachableError as error:
                if str(error) != said:
                    said = str(error)
                    self._say(f"{said}; trying again")
            time.sleep(pause)
        return control.resume(self._entry, say=self._say)

    def _has_died(self, state: RunState) -> bool:
        """Return whether the end was unintended: on this computer, a preemption is the user's doing."""
        request = self._entry.request
        if request is None or request.imported:
            return False
        taken_away = state is RunState.PREEMPTED and request.launcher != "local"
        return state is RunState.LOST or taken_away
