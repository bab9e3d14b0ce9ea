"""Any event file or log is read as events or plain text, or rejected in one line."""

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import registry
from core.errors import UserError
from core.run.events import decode
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.runs.format.untrusted_text import plain
from mabe_tui.runs.old_logs.import_log import import_log, of_lines, read_old_log
from mabe_tui.runs.store import RunStore
from tests.command_line import mabe
from tests.fuzz.refusal import require_one_line
from tests.recorded import Recording, write

FUZZ = settings.get_profile("fuzz")
NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
SMALL = Recording(version="v6", name="fuzz", epochs=2, steps=2)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.floats(),
    st.sampled_from(["nan", "inf", "-inf", "", "\x1b[2J", "2026-11-20T09:00:00Z", "[red]"]),
    st.text(max_size=10),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.floats(), max_size=3),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MABE_HOME", str(folder))
        patch.setenv("MABE_STATE", str(folder / "state"))
        yield folder


@pytest.fixture(scope="module")
def run(home: Path) -> RunDir:
    return write(home, SMALL)


@pytest.fixture(scope="module")
def v6() -> BehaviourExperiment:
    return registry.load(registry.default_path()).experiment("v6")


@pytest.fixture(scope="module")
def lines(run: RunDir) -> list[bytes]:
    return run.events_path(run.attempts()[0]).read_bytes().splitlines()


VIEWS = (
    ("runs", "--json"),
    ("status", "ID"),
    ("logs", "ID"),
    ("curves", "ID", "--axis", "time"),
    ("compare", "ID", "v5"),
)


def read_everywhere(run: RunDir) -> None:
    """Read the run as listing, status, log, curves and comparison do."""
    for view in VIEWS:
        try:
            shown = mabe(*(run.id if word == "ID" else word for word in view)).output
        except UserError as error:
            shown = require_one_line(error)
        assert "\x1b" not in shown


@FUZZ
@given(data=st.data())
def test_a_field_of_an_event_may_hold_anything(run: RunDir, lines: list[bytes], data: Any) -> None:
    changed = list(lines)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        event = json.loads(lines[at])
        event[data.draw(st.sampled_from(sorted(event)))] = data.draw(SCALARS)
        changed[at] = json.dumps(event).encode()
    run.events_path(run.attempts()[0]).write_bytes(b"\n".join(changed) + b"\n")
    read_everywhere(run)


@FUZZ
@given(at=st.integers(0, 10_000), cut=st.integers(0, 200), put=st.binary(max_size=50))
def test_bytes_of_an_event_file_may_be_lost(
    run: RunDir, lines: list[bytes], at: int, cut: int, put: bytes
) -> None:
    whole = b"\n".join(lines) + b"\n"
    run.events_path(run.attempts()[0]).write_bytes(whole[:at] + put + whole[at + cut :])
    read_everywhere(run)


@FUZZ
@given(line=st.binary(max_size=100) | st.text(max_size=100).map(str.encode))
def test_any_line_is_shown_plain(line: bytes) -> None:
    decode(line)
    shown = plain(line)
    assert shown.isprintable()


WORDS = st.sampled_from(
    ["Epoch ", "1/3", "2/100:", "Loss: ", "0.5", "nan", "1e999", "F1: ", "Acc: ", "Time: ", "52s",
     "1h 23min", "Total Time: ", "Best F1: ", "(Epoch 25)", "lr=", "(Warmup)", "GPU: ", "H100",
     "Batch Size: ", "99999999999999999999", "Learning Rate: ", "=== Training Complete ===", "\n",
     "  ", "\x1b[31m", "✓ Best model saved"]
)  # fmt: skip


@FUZZ
@given(parts=st.lists(WORDS | st.text(max_size=8), max_size=40))
def test_an_old_log_is_a_run_or_refused_in_a_line(
    home: Path, v6: BehaviourExperiment, parts: list[str]
) -> None:
    path = home / "old.log"
    path.write_text("".join(parts), encoding="utf-8", errors="replace")
    try:
        imported = import_log(home, read_old_log(path), v6)
    except UserError as error:
        require_one_line(error)
        return
    assert imported.id in {entry.id for entry in RunStore(home).entries()}
    read_everywhere(imported)
    shutil.rmtree(imported.path)


@FUZZ
@given(texts=st.lists(st.text(max_size=30), max_size=10))
def test_lines_of_a_foreign_app_are_a_log_or_none(texts: list[str]) -> None:
    try:
        of_lines("ap-1", [(text, NOW) for text in texts], NOW)
    except UserError as error:
        require_one_line(error)
