"""The first build of an image: its output, and the handling of a failed build."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import RunError
from mabe_tui.launch.modal import builds
from mabe_tui.launch.modal_launcher import ModalLauncher
from tests.loopback.conftest import MakeRun
from tests.loopback.helpers import killed_at_the_end
from tests.loopback.server import LoopbackServer
from tests.waiting import wait_for

LOG = ["Step 1: FROM base", "\x1b[32mInstalled\x1b[0m torch", "a bar\rdone\x07"]
WORDS = [
    "image: Step 1: FROM base", "image: Installed torch", "image: a bar", "image: done",
]  # fmt: skip


def test_the_log_of_a_build_is_heard_while_it_is_pending(
    server: LoopbackServer,
    launcher: ModalLauncher,
    make_run: MakeRun,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(builds, "PATIENCE_SECONDS", 0.0)
    server.faults.no_capacity = True
    server.faults.build_log = list(LOG)
    server.faults.building = True
    said: list[str] = []

    def say(words: str) -> None:
        said.append(words)
        if words == WORDS[-1]:
            server.faults.building = False

    run = make_run()
    launcher.launch_all([run], say=say)
    assert builds.WAITING in said
    assert [words for words in said if words != builds.WAITING] == WORDS
    assert run.read_handle() is not None


def test_why_a_build_failed_is_one_line_with_the_end_of_its_log(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    server.faults.build_log = [*(f"line {n}" for n in range(20)), "no matching distribution"]
    server.faults.build_error = "uv pip install\nfailed with exit code 1"
    run = make_run()
    with pytest.raises(RunError, match="could not build the image, and nothing was") as caught:
        launcher.launch_all([run])
    said = str(caught.value)
    assert "\n" not in said
    assert "uv pip install failed with exit code 1; its log ends: line 16 | line 17" in said
    assert said.endswith("no matching distribution")
    assert run.attempts() == []


def test_ctrl_c_leaves_it_building(server: LoopbackServer, tmp_path: Path) -> None:
    server.faults.build_log = list(LOG)
    server.faults.building = True
    errors = tmp_path / "errors"
    command = ["run", "v1", "--on", "modal", "-d", "--set", "hardware.gpu=T4"]
    with errors.open("wb") as file:
        begun = subprocess.Popen(
            [sys.executable, "-c", "from mabe_tui.cli.main import run; run()", *command],
            env=os.environ | server.client_environment() | {"MABE_HOME": str(tmp_path / "home")},
            stdout=subprocess.PIPE,
            stderr=file,
        )
    with killed_at_the_end(begun) as client:
        wait_for(lambda: "image: done" in errors.read_text(), problem=errors.read_text)
        client.send_signal(signal.SIGINT)
        out, _ = client.communicate()
    assert client.returncode == 130
    assert out == b""
    assert "Modal is left to it, and nothing was started" in " ".join(errors.read_text().split())
    assert "Traceback" not in errors.read_text()
    assert list((tmp_path / "home" / "runs").iterdir()) == []


def test_nobody_to_hear_a_build_is_no_reason_to_break_it_off() -> None:
    def fail(_: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    with builds.hearing_builds(fail) as log:
        log.feed("step 1\nstep 2\n")
    assert [*log.last] == ["step 1", "step 2"]
