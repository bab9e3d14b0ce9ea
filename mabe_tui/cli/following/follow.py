"""Follow a run in the terminal until it ends, and handle Ctrl-C.

Exit codes of a followed run: 0 finished, or left running; 1 failed; 3 stopped; 4 preempted; 5 lost.
"""

import sys
import time

from core.run.rundir import RunDir
from mabe_tui.cli.following.display import Show, display
from mabe_tui.cli.terminal.output import say
from mabe_tui.launch import unknown
from mabe_tui.launch.launcher import Launcher, RunState
from mabe_tui.runs.actions.auto_resume import AutoResume
from mabe_tui.runs.actions.resume_limits import reached_limit
from mabe_tui.runs.following.connection import turns
from mabe_tui.runs.following.mirror import EventItem, Mirror
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.endings import resume_words, stop_words

POLL_SECONDS = 0.2
STATE_SECONDS = 1.0
EXIT_CODES = {
    RunState.FINISHED: 0,
    RunState.FAILED: 1,
    RunState.STOPPED: 3,
    RunState.PREEMPTED: 4,
    RunState.LOST: 5,
}
QUESTION = "\nleave it running (Enter), [s]top it, or go on [f]ollowing? "
ANSWERS = {
    "": "leave",
    "l": "leave",
    "leave": "leave",
    "s": "stop",
    "stop": "stop",
    "f": "follow",
    "follow": "follow",
}


def follow(
    run: RunDir,
    launcher: Launcher,
    mirror: Mirror | None = None,
    grace: float = 60.0,
    resumes: int = 0,
) -> RunState | None:
    """Show a run's output until it ends, and return its final state; ``None`` if the user left it running.

    Args:
        run: the run.
        launcher: the run's launcher.
        mirror: the run's mirror; one that has been read from continues there.
        grace: seconds allowed for a checkpoint if the user stops the run.
        resumes: how often to resume the run if it dies without an ending.
    """
    mirror = mirror or Mirror(run)
    again = AutoResume(RunEntry(run), resumes, say)
    while (state := _follow_once(run, launcher, mirror, grace)) is not None:
        if not again.resume(state):
            say_end(run, state)
            return state
    return None


def _follow_once(run: RunDir, launcher: Launcher, mirror: Mirror, grace: float) -> RunState | None:
    """Follow a run to the end of its current call; see :func:`follow`."""
    again = False
    while True:
        try:
            with launcher.following(run, turns(say, run.id)), display(run, sys.stderr) as show:
                if again:
                    say("following again")
                return watch(run, launcher, mirror, show)
        except KeyboardInterrupt:
            match ask_what_to_do():
                case "follow":
                    again = True
                case "stop":
                    again = False
                    say(f"asked to stop; it saves a checkpoint first (at most {grace:.0f} s)")
                    say(f"{run.id}: {stop_words(run, launcher.stop(run, grace))}")
                case _:
                    say(
                        f"left running; this follows it again, and this stops it:\n"
                        f"  mabe logs -f {run.id}\n  mabe stop {run.id}"
                    )
                    return None


def watch(run: RunDir, launcher: Launcher, mirror: Mirror, show: Show) -> RunState:
    """Pass everything that a run emits to ``show`` until nothing more can arrive."""
    next_look = 0.0
    state, said = RunState.RUNNING, None
    while True:
        if time.monotonic() >= next_look:
            state, next_look = launcher.state(run), time.monotonic() + STATE_SECONDS
            said = say_unknown(run, state, said)
        items = mirror.poll()
        show(items if state.may_speak else [*items, *mirror.remainder()])
        if not state.may_speak:
            return state
        if any(isinstance(item, EventItem) for item in items):
            next_look = min(next_look, time.monotonic() + POLL_SECONDS)
        time.sleep(POLL_SECONDS)


def say_unknown(run: RunDir, state: RunState, said: str | None) -> str | None:
    """Report once when a run's state becomes unknown, with the reason, and once when it is known again.

    Args:
        run: the run.
        state: its current state.
        said: the return value of the previous call.

    Returns:
        The message that still applies; ``None`` if there is none.
    """
    if state is not RunState.UNKNOWN:
        if said is not None:
            say(f"{run.id}: its state is known again: {state}")
        return None
    why = unknown.reason_of(run)
    if said is None and why is not None:
        say(f"{run.id}: its state is unknown: {why}; asking again")
    return said or why


def ask_what_to_do() -> str:
    """Prompt on Ctrl-C until the answer is valid: ``leave``, ``stop`` or ``follow``.

    Enter, the end of the input and another Ctrl-C mean ``leave``.
    """
    if not sys.stdin.isatty():
        return "leave"
    try:
        while True:
            print(QUESTION, end="", file=sys.stderr, flush=True)
            if (meant := ANSWERS.get(sys.stdin.readline().strip().lower())) is not None:
                return meant
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return "leave"


def exit_code(state: RunState | None) -> int:
    """Return the exit code of a command that followed a run; see the top of this file."""
    return 0 if state is None else EXIT_CODES.get(state, 1)


def say_end(run: RunDir, state: RunState) -> None:
    """Report what the run's own last line does not: that it died, and how to resume it."""
    if state is RunState.LOST:
        say(f"{run.id} died without a word; `mabe status {run.id}` shows its last lines")
    entry = RunEntry(run)
    if state in (RunState.STOPPED, RunState.PREEMPTED, RunState.LOST) and not entry.is_import:
        reached = reached_limit(entry)
        larger = "" if reached is None else f" {reached.option} MORE"
        above = "" if reached is None else f", above {reached.least},"
        say(f"`mabe resume {run.id}{larger}`{above} {resume_words(run)}")
    if state is RunState.LOST and not entry.is_import:
        say(f"`mabe logs -f {run.id} --auto-resume 3` resumes one that dies by itself")
