"""Asking the questions: what is started on Modal, waited for and cleaned up."""

import datetime as dt
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import modal
import modal.exception
import msgspec

from core.errors import UserError
from mabe_tui.launch.modal import blocks
from mabe_tui.launch.modal import client as modal_client
from mabe_tui.launch.modal.apps import running_apps
from mabe_tui.launch.modal.builds import hearing_builds
from tests.live_modal import inside
from tests.live_modal.questions import (
    APP,
    BUILD,
    CALLS,
    QUESTIONS,
    RESCHEDULED,
    STRIPPED,
    Answer,
    child_answer,
    grace_answer,
    timeout_answer,
    words_of,
)

Say = Callable[[str], object]
Call = Any
"""A ``modal.FunctionCall``, whose type differs from client to client."""
FILE_BYTES, ZERO_BYTES = 1000, 1 << 20
POLL_SECONDS = 1.0


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How long things are given, in seconds."""

    after_cancel: float = 120.0
    """A cancelled function tries to live on."""
    timeout: int = 15
    after_timeout: float = 60.0
    alive: float = 30.0
    """Two calls of a detached app last."""
    app_stops: float = 60.0
    answer: float = 300.0
    """Anything that is waited for."""

    @classmethod
    def quick(cls) -> "Pace":
        """Return what suffices for a stand-in."""
        return cls(after_cancel=2, timeout=15, after_timeout=3, alive=1, app_stops=20, answer=120)


class _Live:
    """One app on Modal whose functions are those of ``inside.py``."""

    def __init__(self, nonce: str, volume: modal.Volume, image: modal.Image) -> None:
        self.nonce, self.volume = nonce, volume
        self.app = modal.App(f"mabe-live-{nonce}", include_source=False)
        self._image, self._declared = image, 0

    def declare(self, function: Callable[..., str], **options: Any) -> Any:
        """Declare a function under a name of its own, for the same one may be declared twice."""
        self._declared += 1
        name = f"{function.__name__}-{self._declared}"
        return self.app.function(
            image=self._image,
            volumes={inside.MOUNT: self.volume},
            name=name,
            cpu=0.25,
            memory=256,
            retries=options.pop("retries", 0),
            timeout=options.pop("timeout", 600),
            startup_timeout=600,
            single_use_containers=True,
        )(function)


def ask_all(pace: Pace, say: Say) -> list[Answer]:
    """Ask all questions, and clean up.

    Raises:
        UserError: Modal refuses, or cannot be reached.
    """
    modal_client.require()
    nonce = uuid.uuid4().hex[:8]
    name = f"mabe-live-{nonce}"
    volume = modal.Volume.from_name(name, create_if_missing=True)
    answers: dict[str, Answer] = {}
    try:
        for ask in (_ask_connected, _ask_detached):
            for answer in ask(pace, _Live(nonce, volume, _image(nonce)), say):
                answers[answer.question] = answer
                say(f"{answer.question} {answer.answer}")
    except (modal.exception.Error, TimeoutError, OSError) as error:
        raise modal_client.in_words(error) from error
    finally:
        _clean_up(name, say)
    return [answers.get(question, Answer(question, "not asked")) for question in QUESTIONS]


def _image(nonce: str) -> modal.Image:
    """Describe an image that has to be built, for nobody has built it before."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        modal.Image.debian_slim(python_version=python)
        .run_commands(f"echo mabe-live builds {nonce}")
        .add_local_python_source("tests", ignore=lambda path: not _is_needed(path))
    )


def _is_needed(path: Path) -> bool:
    return path.name == "inside.py" and path.parent.name == "live_modal"


def _ask_connected(pace: Pace, live: _Live, say: Say) -> list[Answer]:
    """Ask what one app can tell that ends with this process."""
    lasting = pace.timeout + pace.after_timeout
    speak, endure = live.declare(inside.speak), live.declare(inside.endure)
    overrun = live.declare(inside.endure, timeout=pace.timeout)
    dying = {count: live.declare(inside.die_once, retries=count) for count in (0, 1)}
    say("starting an app: its image is built first")
    with ExitStack() as held:
        with hearing_builds(lambda line: say(f"  {line}")) as build:
            held.enter_context(live.app.run())
        answers = [Answer(BUILD, "yes" if build.has_begun else "no", " | ".join(build.last))]
        spoken = speak.spawn("speaks")
        enduring = endure.spawn("cancelled", pace.after_cancel + pace.answer)
        late = overrun.spawn("late", lasting)
        dead = {count: each.spawn(f"dies-{count}", live.volume) for count, each in dying.items()}
        _wait(lambda: bool(words_of(_lines(enduring), "cancelled")), pace.answer)
        enduring.cancel()
        cancelled = time.monotonic()
        answers.append(_stripped(live.volume))
        _result(spoken, pace.answer)
        answers.append(child_answer(_settled(spoken, "speaks"), "speaks"))
        answers.append(_rescheduled({n: _result(c, pace.answer) for n, c in dead.items()}))
        _result(late, lasting + pace.answer)
        answers.append(timeout_answer(_settled(late, "late"), "late", pace.timeout))
        waited = time.monotonic() - cancelled
        time.sleep(max(0.0, pace.after_cancel - waited))  # how long it lives on is a time itself
        waited = max(waited, pace.after_cancel)
        answers.append(grace_answer(_lines(enduring), "cancelled", waited))
        enduring.cancel(terminate_containers=True)
    return answers


def _ask_detached(pace: Pace, live: _Live, say: Say) -> list[Answer]:
    """Ask what becomes of an app that is left."""
    endure = live.declare(inside.endure)
    say("starting a detached app with two calls, and leaving it")
    with live.app.run(detach=True):
        app_id = str(live.app.app_id)
        calls = [endure.spawn(f"call-{number}", pace.alive) for number in (1, 2)]
    try:
        ended = [_result(call, pace.alive + pace.answer) for call in calls]
        kept = sum(word == f"call-{number}" for number, word in enumerate(ended, 1))
        detail = "" if kept == 2 else "; ".join(ended)
        answers = [Answer(CALLS, "yes" if kept == 2 else f"no: {kept} of 2", detail)]
        began = time.monotonic()
        gone = _wait(lambda: all(app.id != app_id for app in running_apps()), pace.app_stops)
        after = f"after {time.monotonic() - began:.0f} s" if gone else f"{pace.app_stops:.0f} s on"
        answers.append(Answer(APP, "yes" if gone else "no", after))
    finally:
        for call in calls:
            call.cancel(terminate_containers=True)
    return answers


def _stripped(volume: modal.Volume) -> Answer:
    """Put a file that ends in zeros on the volume, and look how many bytes its block comes with."""
    path = Path(f"/tmp/mabe-live-{os.getpid()}")
    path.write_bytes(os.urandom(FILE_BYTES) + bytes(ZERO_BYTES))
    try:
        with volume.batch_upload() as batch:
            batch.put_file(path, "/zeros")
    finally:
        path.unlink()

    async def received() -> int:
        urls, _size = await blocks._locate.aio(volume, "/zeros", 0)
        async with aiohttp.ClientSession() as session, session.get(urls[0]) as response:
            return len(await response.read())

    came = modal_client.ask(received)
    whole = FILE_BYTES + ZERO_BYTES
    return Answer(STRIPPED, "yes" if came < whole else "no", f"{came:,} of {whole:,} bytes")


def _rescheduled(ended: dict[int, str]) -> Answer:
    said = [f"with retries={count}: {result}" for count, result in ended.items()]
    words = "yes" if ended[0] == "again" else "only with retries" if ended[1] == "again" else "no"
    return Answer(RESCHEDULED, words, "; ".join(said))


def _result(call: Call, seconds: float) -> str:
    """Return what a call returned, or the kind of error that it ended with."""
    try:
        return str(call.get(timeout=seconds))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return type(error).__name__


def _lines(call: Call) -> list[str]:
    """Return the lines of a call's own log so far."""
    since = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)

    async def fetched() -> str:
        return "".join([entry.message async for entry in call.logs.fetch.aio(since=since)])

    return modal_client.ask(fetched).splitlines()


def _settled(call: Call, name: str) -> list[str]:
    """Return the lines of a call once no more come."""
    before: list[str] = []
    for _ in range(30):
        lines = _lines(call)
        if lines == before and words_of(lines, name):
            break
        before = lines
        time.sleep(POLL_SECONDS)
    return before


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until it comes true; return whether it did."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _clean_up(volume: str, say: Say) -> None:
    """Stop the apps that are still there, and remove the volume; the apps have its name."""
    try:
        for app in running_apps():
            if app.description == volume:
                command = [sys.executable, "-m", "modal", "app", "stop", app.id, "--yes"]
                if subprocess.run(command, capture_output=True, check=False).returncode:
                    say(f"still there: `modal app stop {app.id} --yes` ends it")
        modal.Volume.objects.delete(volume, allow_missing=True)
    except (UserError, modal.exception.Error, OSError) as error:
        say(f"`modal volume delete {volume}` is left to do ({error})")
