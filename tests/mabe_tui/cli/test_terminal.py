"""``mabe run`` on a real terminal: Ctrl-C prompts, and the run survives the terminal."""

import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.run.records import About
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import RunState, StopOutcome
from mabe_tui.launch.local_launcher import LocalLauncher, job_environment
from mabe_tui.runs.store import RunStore
from tests.waiting import LONG, Bound, wait_for

CTRL_C = b"\x03"
MABE = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # this terminal is ours: its Ctrl-C and its end reach us
from mabe_tui.launch import local_launcher
local_launcher.JOB_COMMAND = {job!r}
from mabe_tui.cli.main import run
sys.argv[1:] = {arguments!r}
run()
"""


class Terminal:
    """A command that has a terminal of its own."""

    def __init__(self, code: str, environment: dict[str, str], folder: Path) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, env=environment, cwd=folder,
        )  # fmt: skip
        os.close(slave)
        self.seen = self.skipped = ""

    def expect(self, text: str) -> None:
        bound = Bound()
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], 1.0)
            if not ready:
                assert not bound.is_over, f"{text!r} did not come; seen: {self.seen}"
                continue
            self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
        self.skipped, self.seen = self.seen.split(text, 1)

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def exit_code(self) -> int:
        try:
            while os.read(self.master, 65536):  # a full terminal would hold the command up
                pass
        except OSError:
            pass  # nobody has the other end any more
        return self.process.wait(LONG)

    def close(self) -> None:
        os.close(self.master)
        self.master = -1


@pytest.fixture
def open_terminal(
    home: Path, launcher: LocalLauncher, tmp_path: Path
) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_one(*arguments: str) -> Terminal:
        code = MABE.format(job=launcher._command, arguments=list(arguments))
        environment = job_environment() | {"MABE_HOME": str(home), "TERM": "xterm"}
        environment["FAKE_THEN"] = "wait"
        opened.append(Terminal(code, environment, tmp_path))
        return opened[-1]

    yield open_one
    for terminal in opened:
        terminal.process.kill()
        terminal.process.wait()
        if terminal.master >= 0:
            terminal.close()


def state_of_only_run(home: Path, launcher: LocalLauncher) -> RunState:
    (entry,) = RunStore(home).entries()
    return launcher.state(entry.run)


def stop_only_run(home: Path, launcher: LocalLauncher) -> None:
    (entry,) = RunStore(home).entries()
    assert launcher.stop(entry.run, LONG) is StopOutcome.CLEAN


def test_ctrl_c_then_enter_leaves_the_run_alone(
    open_terminal: Callable[..., Terminal], home: Path, launcher: LocalLauncher
) -> None:
    terminal = open_terminal("run", "v1")
    terminal.expect("f1_macro 0.2000")
    terminal.type(CTRL_C)
    terminal.expect("leave it running")
    terminal.type(b"\n")
    terminal.expect("left running")
    assert terminal.exit_code() == 0
    assert state_of_only_run(home, launcher) is RunState.RUNNING
    stop_only_run(home, launcher)


def test_seeds_that_wait_go_on_when_they_are_left(
    open_terminal: Callable[..., Terminal], home: Path, launcher: LocalLauncher
) -> None:
    terminal = open_terminal("run", "v1", "--seeds", "3,1")
    terminal.expect("seed 3 (1 of 2)")
    terminal.expect("f1_macro 0.2000")
    second, first = (entry.run for entry in RunStore(home).entries())
    assert (launcher.state(first), launcher.state(second)) == (RunState.RUNNING, RunState.QUEUED)
    terminal.type(CTRL_C)
    terminal.expect("leave it running")
    terminal.type(b"\n")
    terminal.expect("the runs after it go on as well")
    assert terminal.exit_code() == 0
    assert launcher.stop(first, LONG) is StopOutcome.CLEAN
    wait_for(lambda: launcher.state(second) is RunState.RUNNING)
    assert launcher.stop(second, LONG) is StopOutcome.CLEAN


def test_ctrl_c_then_follow_then_stop(
    open_terminal: Callable[..., Terminal], home: Path, launcher: LocalLauncher
) -> None:
    terminal = open_terminal("run", "v1")
    terminal.expect("f1_macro 0.2000")
    terminal.type(CTRL_C)
    terminal.expect("leave it running")
    terminal.type(b"what?\n")
    terminal.expect("leave it running")
    terminal.type(b"f\n")
    terminal.expect("following again")
    for answer, reply in {b"f\n": "following again", b"s\n": "its last checkpoint is"}.items():
        terminal.type(CTRL_C)
        terminal.expect("leave it running")
        terminal.type(answer)
        terminal.expect(reply)
    terminal.expect("stopped after epoch 2")
    assert "following again" not in terminal.skipped  # it was not asked for
    assert terminal.exit_code() == 3
    assert state_of_only_run(home, launcher) is RunState.STOPPED


def test_closed_terminal_takes_nothing_with_it(
    open_terminal: Callable[..., Terminal], home: Path, launcher: LocalLauncher
) -> None:
    terminal = open_terminal("run", "v1")
    terminal.expect("f1_macro 0.2000")
    terminal.close()
    wait_for(lambda: terminal.process.poll() is not None)
    assert state_of_only_run(home, launcher) is RunState.RUNNING
    stop_only_run(home, launcher)


def test_logs_follow_until_the_run_ends(
    open_terminal: Callable[..., Terminal],
    make_run: Callable[..., RunDir],
    launcher: LocalLauncher,
) -> None:
    run = make_run(then="wait")
    launcher.launch(run)
    pretty, raw = open_terminal("logs", "last", "-f"), open_terminal("logs", "-f", "--raw")
    pretty.expect("f1_macro 0.2000")
    raw.expect('{"kind":"epoch"')
    assert launcher.stop(run, LONG) is StopOutcome.CLEAN
    pretty.expect("stopped after epoch 2")
    raw.expect('{"kind":"stopped"')
    assert (pretty.exit_code(), raw.exit_code()) == (3, 3)


def test_a_bar_shows_how_far_a_followed_run_is(
    open_terminal: Callable[..., Terminal],
    make_run: Callable[..., RunDir],
    launcher: LocalLauncher,
) -> None:
    run = make_run(then="wait")
    launcher.launch(run)
    for command in (["logs", "-f"], ["resume"]):
        terminal = open_terminal(*command)
        terminal.expect("epoch 2/100  train 0.5000  1.2k f/s  3m 16s left")
        assert launcher.stop(run, LONG) is StopOutcome.CLEAN
        terminal.expect("stopped after epoch 2")
        terminal.exit_code()


def test_checkpoints_and_status_fit_80_columns(
    open_terminal: Callable[..., Terminal],
    make_run: Callable[..., RunDir],
    launcher: LocalLauncher,
) -> None:
    run = make_run(epochs=3)
    launcher.launch(run)
    wait_for(lambda: launcher.state(run) is RunState.FINISHED)
    best = run.read_pointer("best")
    assert best is not None
    run.write_pointer("epoch-0003", best)
    run.write_about(About(note="a note of many words " * 8))
    terminal = open_terminal("checkpoints")
    terminal.expect(f"{best.file}   last best epoch-0003       3   0.3000   0.0   size is right")
    terminal = open_terminal("status")
    terminal.expect("note         a note")
    terminal.expect("\r\n" + " " * 13)


def test_leaving_the_log_does_nothing_to_the_run(
    open_terminal: Callable[..., Terminal],
    make_run: Callable[..., RunDir],
    launcher: LocalLauncher,
) -> None:
    run = make_run(then="wait")
    launcher.launch(run)
    terminal = open_terminal("logs", "v1", "-f")
    terminal.expect("f1_macro 0.2000")
    terminal.type(CTRL_C)
    assert terminal.exit_code() == 0
    assert launcher.state(run) is RunState.RUNNING
