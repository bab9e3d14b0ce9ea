"""Responses of Modal that are no outcome, as users see them: ``python -m tests.loopback.trouble``.

Each scene starts a run on the stand-in, causes a fault while its state is queried, and shows the output of
the commands. The job continues meanwhile; in the end every event that it wrote is here, byte for byte.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from grpclib import Status
from typer.testing import CliRunner

from core.errors import UserError
from core.run.rundir import RunDir
from mabe_tui.cli.main import app
from mabe_tui.launch.modal import calls as modal_calls
from mabe_tui.launch.modal_app import RUNS_VOLUME
from mabe_tui.launch.modal_launcher import ModalLauncher
from mabe_tui.runs.store import RunStore
from tests.gate import VARIABLE as GATE
from tests.loopback.caller import calling_as
from tests.loopback.plane import OTHER_TOKEN
from tests.loopback.server import LoopbackServer
from tests.waiting import wait_for

FAKE_JOB = Path(__file__).parent / "fake_job.py"
Say = Callable[[str], None]
REFUSALS = {
    "rate limit": Status.RESOURCE_EXHAUSTED,
    "permission": Status.PERMISSION_DENIED,
    "not found": Status.NOT_FOUND,
}
SCENES = (*REFUSALS, "another workspace", "another environment")
RETRIED = (Status.INTERNAL, Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, Status.UNKNOWN)
"""What the client tries again by itself, in silence."""
COMMITS = {
    f"commit {status.name}": status
    for status in (
        Status.RESOURCE_EXHAUSTED,
        Status.PERMISSION_DENIED,
        Status.NOT_FOUND,
        Status.FAILED_PRECONDITION,
        Status.UNAUTHENTICATED,
        Status.INVALID_ARGUMENT,
        Status.UNIMPLEMENTED,
        Status.DATA_LOSS,
        *RETRIED,
    )
}
"""Scenes in which no commit of the volume succeeds for a while; see ``test_commits.py``."""
SHOWN = ("mabe: ", "run ", "state", "problem", "epoch ", "workspace", "environment", "app page")


class Stage:
    """One scene: a run on the stand-in, and the commands that are given meanwhile."""

    def __init__(self, server: LoopbackServer, home: Path, say: Say) -> None:
        self.server, self.home, self.say = server, home, say
        self.gate = home.parent / "gate"

    def mabe(self, line: str, shown: tuple[str, ...] = ()) -> str:
        """Return a command and show what it says, or of that only lines that begin with some words."""
        self.say(f"$ mabe {line}")
        result = CliRunner().invoke(app, line.split())
        said = result.output if result.exception is None else ""
        if isinstance(result.exception, UserError):
            said = f"error: {result.exception}"
        elif result.exception is not None:
            said = result.output
        for each in said.splitlines():
            if not shown or each.startswith(shown):
                self.say(f"  {each}")
        return said

    def hold_after(self, epochs: int) -> None:
        """Let the job complete so many epochs and no more."""
        new = self.gate.with_suffix(".new")
        new.write_text(str(epochs))
        new.replace(self.gate)

    def run(self) -> RunDir:
        """Launch a run and wait until its first epoch is here."""
        self.hold_after(1)
        self.mabe("run v1 --on modal -d --set training.epochs=3 --set hardware.gpu=T4")
        (entry,) = RunStore(self.home).entries()
        run = entry.run
        with ModalLauncher().following(run):
            wait_for(lambda: bool(run.history().epochs))
        return run

    def end(self, run: RunDir) -> None:
        """Let the job go on to its end, follow it there, and compare what is here with the volume."""
        self.gate.unlink()
        self.mabe(f"logs -f -n 0 {run.id}", ("epoch", "finished"))
        self.mabe("status", ("state",))
        there = RunDir(self.server.cloud.volumes.named(RUNS_VOLUME) / run.id)
        attempts = [run.events_path(attempt).read_bytes() for attempt in run.attempts()]
        same = run.attempts() == there.attempts() and attempts == [
            there.events_path(attempt).read_bytes() for attempt in there.attempts()
        ]
        events = sum(content.count(b"\n") for content in attempts)
        verdict = "byte for byte those of the volume" if same else "NOT those of the volume"
        starts = len(self.server.cloud.calls_of(_app_of(run)))
        self.say(f"= {events} events of {starts} call, {verdict}")


def play(scene: str, server: LoopbackServer, home: Path, say: Say) -> None:
    """Play a scene of :data:`SCENES` or :data:`COMMITS`; this process's client must talk to ``server``."""
    stage = Stage(server, home, say)
    run = stage.run()
    if scene in COMMITS:
        _refuse_commits(stage, run, COMMITS[scene])
    elif scene in REFUSALS:
        status = REFUSALS[scene]
        say(f"# Modal answers every question for the call's outcome with {status.name}")
        server.faults.refused_outputs = [status] * 1000
        for command in ("status", "runs", "resume -d RUN", "rm --all --yes RUN"):
            stage.mabe(command.replace("RUN", run.id), SHOWN if command == "status" else ())
        say("# and then it answers again")
        server.faults.refused_outputs = []
        modal_calls.forget_backoff()  # as if the minute had gone by
    else:
        token = OTHER_TOKEN if scene == "another workspace" else None
        environment = "dev" if scene == "another environment" else None
        say(f"# {scene} is chosen by the profile")
        with calling_as(token, environment):
            refused = ("stop RUN", "logs -f RUN", "rm --all --yes RUN") if token else ()
            for command in ("status", "resume -d RUN", "pull RUN last", "data ls", *refused):
                stage.mabe(command.replace("RUN", run.id), SHOWN if command == "status" else ())
        say("# and the run's own again")
    stage.mabe("status", SHOWN)
    stage.end(run)


def _refuse_commits(stage: Stage, run: RunDir, status: Status) -> None:
    """Refuse every commit while the second epoch is trained and heard."""
    stage.say(f"# every commit of the volume is refused with {status.name}")
    stage.server.faults.commit_errors = [status] * 1000
    stage.hold_after(2)
    log = run.log_path(run.attempts()[-1])
    with ModalLauncher().following(run):
        wait_for(lambda: len(run.history().epochs) == 2)
        if status not in RETRIED:
            wait_for(lambda: "could not be committed" in log.read_text())
    for line in log.read_text().splitlines():
        if "committed" in line:
            stage.say(f"  {line}")
    stage.say("# and then commits succeed again")
    stage.server.faults.commit_errors = []


@contextlib.contextmanager
def environment(server: LoopbackServer, home: Path) -> Iterator[None]:
    """Let this process's ``mabe`` and its Modal client know nothing but the stand-in."""
    wanted = {
        **server.client_environment(),
        "MABE_HOME": str(home),
        GATE: str(home.parent / "gate"),
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def main() -> int:
    """Play the scenes that are named, else all."""
    with (
        tempfile.TemporaryDirectory(prefix="trouble-") as folder,
        LoopbackServer(Path(folder), {"core/job.py": FAKE_JOB}) as server,
    ):
        for scene in sys.argv[1:] or (*SCENES, *COMMITS):
            print(f"\n── {scene} ──", flush=True)
            home = Path(folder) / scene / "home"
            home.mkdir(parents=True)
            with environment(server, home):
                play(scene, server, home, print)
    return 0


def _app_of(run: RunDir) -> str:
    handle = run.read_handle()
    return str(handle.reference["app_id"]) if handle is not None else ""


if __name__ == "__main__":
    sys.exit(main())
