"""Logs of apps and calls by id: those of ``mabe`` itself, and those of an old training script."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core.errors import ConfigError, UserError
from mabe_tui.launch.launcher import CONNECTED, Connection
from mabe_tui.launch.modal import foreign as modal_foreign
from tests.loopback.conftest import Mabe
from tests.loopback.server import LoopbackServer
from tests.waiting import wait_for

SCRIPT = Path(__file__).parent / "old_training.py"
QUICK = ["--set", "training.epochs=2", "--set", "hardware.gpu=T4"]
EPOCHS = [
    "epoch 1/3  train 0.4234  f1_macro 0.2356  accuracy 0.9768  52s",
    "epoch 2/3  train 0.1987  f1_macro 0.4332  accuracy 0.9823",
    "epoch 3/3  train 0.1756  f1_macro 0.4389  accuracy 0.9827  50s",
]


def started(server: LoopbackServer, pause: float = 0.1) -> tuple[str, str]:
    """Start the old script, and give its app and its call."""
    command = [sys.executable, str(SCRIPT), str(pause)]
    environment = os.environ | server.client_environment()
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    app_id, call_id = told.stdout.split()
    return app_id, call_id


def ended(server: LoopbackServer) -> tuple[str, str]:
    app_id, call_id = started(server)
    wait_for(server.cloud.calls[call_id].done.is_set)
    return app_id, call_id


def test_old_training_is_followed_as_one_of_ours(mabe: Mabe, server: LoopbackServer) -> None:
    app_id, call_id = started(server)
    for reference in (call_id, app_id):
        lines = mabe("logs", "-f", reference).stdout.splitlines()
        assert [line for line in lines if line.startswith("epoch")] == EPOCHS
        assert lines[:2] == ["=== H100 Training Started ===", "GPU: H100 (80GB)"]
        assert "  ✓ Best model saved (F1: 0.4389)" in lines
        assert not any(line.strip().startswith("Loss:") for line in lines)


def test_old_training_through_cuts_has_each_epoch_once(mabe: Mabe, server: LoopbackServer) -> None:
    server.faults.split_messages = True
    _, call_id = ended(server)
    server.faults.cut_streams_after = [3, 7, 1, 9]
    lines = mabe("logs", "-f", call_id).stdout.splitlines()
    assert [line for line in lines if line.startswith("epoch")] == EPOCHS


def test_raw_is_as_it_was_printed_and_json_gives_events(mabe: Mabe, server: LoopbackServer) -> None:
    app_id, call_id = ended(server)
    for reference in (call_id, app_id):
        raw = mabe("logs", "--raw", reference).stdout
        assert "Epoch 1/3 (Warmup): lr=0.000133\n  Loss: 0.4234, F1: 0.2356, Acc: 0.9768\n" in raw
    told = [json.loads(line) for line in mabe("logs", "--json", call_id).stdout.splitlines()]
    epochs = [line for line in told if line["kind"] == "epoch"]
    assert [epoch["metrics"]["f1_macro"] for epoch in epochs] == [0.2356, 0.4332, 0.4389]
    assert {line["attempt"] for line in told} == {call_id}
    assert told[0] == {
        "kind": "text", "attempt": call_id, "text": "=== H100 Training Started ===",
    }  # fmt: skip


def test_last_lines_of_what_is_not_followed(mabe: Mabe, server: LoopbackServer) -> None:
    _, call_id = ended(server)
    assert mabe("logs", "-n", "1", call_id).stdout == "Best F1: 0.4389 (Epoch 3)\n"
    with pytest.raises(ConfigError, match="--lines cannot go with -f"):
        mabe("logs", "-f", "-n", "1", call_id)


def test_one_run_is_made_of_an_app_and_of_its_call(mabe: Mabe, server: LoopbackServer) -> None:
    references = ended(server)
    names = [mabe("import-log", reference).stdout.strip() for reference in references]
    assert names[0] == names[1]  # it is the same log
    shown = json.loads(mabe("status", names[0], "--json").stdout)
    assert (shown["state"], shown["epoch"], shown["best_metric"]) == ("finished", 3, 0.4389)
    assert shown["note"] == f"imported from {references[0]}"
    assert [line for line in mabe("logs", names[0]).stdout.splitlines() if "epoch 1/3" in line]


def test_run_of_ours_is_shown_by_its_ids_as_by_its_name(mabe: Mabe) -> None:
    shown = json.loads(mabe("run", "v1", "--on", "modal", "-d", "--json", *QUICK).stdout)
    followed = mabe("logs", "-f", shown["call_id"]).stdout
    assert "finished after epoch 2 (all epochs done)" in followed
    for reference in (shown["call_id"], shown["app_id"]):
        assert "step 8 line 0" in mabe("logs", reference).stdout
        with pytest.raises(UserError, match=f"it is the log of {shown['run']}, a run of mabe"):
            mabe("import-log", reference)


@pytest.mark.parametrize("kind", ["fc", "ap"])
def test_what_modal_does_not_know_is_said(mabe: Mabe, kind: str) -> None:
    for command in ("logs", "import-log"):
        with pytest.raises(UserError, match="not found"):
            mabe(command, f"{kind}-" + "x" * 22)


def test_trouble_on_the_way_is_told_and_its_end(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modal_foreign, "PAUSES", (0.05,))
    _, call_id = started(server, pause=1.0)
    told, pieces, is_back = list[Connection](), list[str](), threading.Event()

    def tell(connection: Connection) -> None:
        told.append(connection)
        if not is_back.is_set():
            is_back.set()
            server.come_back()

    def show(piece: str, *_: object) -> None:
        if not pieces:
            server.go_down()
        pieces.append(piece)

    modal_foreign.attach(call_id, True, show, tell)
    assert "Modal" in told[0].problem
    assert told[0].retry_at is not None
    assert told[-1] == CONNECTED
    assert "".join(pieces).count("Epoch 1/3") == 1
