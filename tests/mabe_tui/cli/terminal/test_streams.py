"""Standard streams as left by shells and cron, and untrusted text in the output."""

import datetime as dt
import io
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from core.run.records import About
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.system.files import write_bytes_atomically
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.cli.main import _silence_libraries
from mabe_tui.cli.terminal.output import print_json, rich_table, say, telling_of
from mabe_tui.cli.terminal.streams import NeutralOutput, console
from mabe_tui.runs.format.untrusted_text import ascii_json, clean, neutral, neutral_json
from tests.waiting import LONG

TITLE = "\x1b]0;pwned\x07"
EVIL = f"a{TITLE}\x1b[31mb\x07\x9b31m\u202e[bold]c[/bold]"
MABE = "from mabe_tui.cli.main import run; run()"
RUN = "v6-20261121T031500-k3f9"
FULL = Path("/dev/full")


def shell(folder: Path, command: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a line of shell in which ``mabe`` is the command, with the streams that it names."""
    script = f'mabe() {{ "{sys.executable}" -c "{MABE}" "$@"; }}; {command}'
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHONIO")}
    kept |= {"MABE_HOME": str(folder / "home"), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=kept | environment,
        capture_output=True,
        timeout=LONG,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A home with a run that a stranger described, and whose request holds a name that is no UTF-8."""
    run = RunDir(tmp_path / "home" / "runs" / RUN)
    experiment = BehaviourExperiment(name="v6", title=EVIL, notes={"why": EVIL})
    run.write_request(
        RunRequest(
            run=RUN,
            created=dt.datetime(2026, 11, 21, 3, 15, tzinfo=dt.UTC),
            launcher="local",
            seed=1,
            experiment=experiment,
        )
    )
    run.write_about(About(tags=(EVIL,), note=EVIL))
    (tmp_path / "home" / "runs" / os.fsdecode(b"v6-20261121T031501-k\xff\xfe")).mkdir()
    registry = f'[experiments.a]\ntitle = "x{EVIL}"\n'.replace("\x1b", "\\u001b")
    registry = registry.replace("\x07", "\\u0007").replace("\x9b", "\\u009b")
    write_bytes_atomically(tmp_path / "experiments.toml", registry.encode())
    return tmp_path


def test_no_warning_of_a_library_reaches_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "warnoptions", [])
    with warnings.catch_warnings(record=True) as heard:
        _silence_libraries()
        warnings.warn("overflow encountered in cast", RuntimeWarning, stacklevel=1)
    assert not heard
    assert sys.warnoptions == ["ignore"]  # a worker of multiprocessing is started with it


def test_closed_streams_are_no_error(folder: Path) -> None:
    done = shell(folder, "mabe list >&-; echo $?; mabe runs <&- 2>&- >&-; echo $?")
    assert (done.stdout, done.stderr) == (b"0\n0\n", b"")


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_told_in_one_line(folder: Path) -> None:
    done = shell(folder, "mabe list >/dev/full; echo $?; mabe show nope 2>/dev/full; echo $?")
    assert done.stdout == b"1\n1\n"
    assert done.stderr == b"mabe: standard output cannot be written (No space left on device)\n"


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
def test_a_job_that_was_started_is_told_where_its_id_cannot_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with FULL.open("w") as full:
        assert isinstance(full, io.TextIOWrapper)
        monkeypatch.setattr(sys, "stdout", NeutralOutput(full, reports_errors=True))
        with telling_of(RUN):
            print(RUN, flush=True)
        print("what comes later goes nowhere", flush=True)
    assert capsys.readouterr().err == (
        f"{RUN} was started, and goes on; standard output cannot be written (No space left on device)\n"
    )


def test_a_reader_that_goes_is_quiet(folder: Path) -> None:
    done = shell(folder, "(mabe runs --json; echo $? >&2) | true")
    assert (done.stdout, done.stderr) == (b"", b"0\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_encoding_that_lacks_a_character_gets_another(folder: Path, encoding: str) -> None:
    command = "mabe runs; mabe show a; mabe runs --json"
    done = shell(folder, command, PYTHONIOENCODING=encoding)
    assert done.stderr == b""
    text, _, listed = done.stdout.decode(encoding).partition("\n[\n")
    assert "a" in text
    assert [run["note"] for run in json.loads("[" + listed)] == [EVIL, ""]


def test_nothing_of_a_stranger_reaches_the_terminal(folder: Path) -> None:
    commands = [
        "list",
        "show a",
        "runs",
        "runs --json",
        "runs --csv",
        f"status {RUN}",
        f"note {RUN}",
    ]
    commands += [
        f"tag {RUN}",
        f"show '{EVIL}'",
        f"--registry '{EVIL}' list",
        f"run a --tag '{EVIL}'",
    ]
    done = shell(
        folder, "; ".join(f"mabe {command}" for command in commands) + "; mabe runs --json"
    )
    assert b"unexpected" not in done.stderr
    for content in (done.stdout, done.stderr):
        text = content.decode("utf-8", "surrogateescape")
        assert not [c for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)]
        assert "\u202e" not in text
        assert "\x1b" not in text
    assert b"[bold]c[/bold]" in done.stdout


def test_neutral_text_keeps_all_that_can_be_read() -> None:
    assert neutral(EVIL) == "ab[bold]c[/bold]"
    assert clean(EVIL) == "ab   [bold]c[/bold]".replace("   ", "  ")
    plain = "é – 你好 👩\u200d🔬 \ttab\nline \xa0"
    assert neutral(plain) == plain


def test_json_keeps_what_it_holds() -> None:
    text = json.dumps({"k": EVIL + "é\ud800"}, ensure_ascii=False)
    for escaped in (neutral_json(text), ascii_json(text)):
        assert neutral(escaped) == escaped
        assert json.loads(escaped) == json.loads(text)
    assert ascii_json(text).isascii()
    assert neutral_json('"é"') == '"é"'


def test_what_is_said_is_neutral(capsys: pytest.CaptureFixture[str]) -> None:
    say(EVIL)
    print_json({"k": EVIL, "file": Path(os.fsdecode(b"\xff"))})
    said = capsys.readouterr()
    assert said.err == "ab[bold]c[/bold]\n"
    assert json.loads(said.out) == {"k": EVIL, "file": "\\xff"}
    assert neutral(said.out) == said.out


def test_headers_and_titles_of_a_table_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    console().print(rich_table(["[bold]head[/]"], [["[i]cell[/]"]], title=f"[u]{TITLE}title[/]"))
    shown = capsys.readouterr().out
    assert [word in shown for word in ("[bold]head[/]", "[i]cell[/]", "[u]title[/]")] == [True] * 3
