"""Findings of ``mabe doctor`` about a Modal account."""

import json
from pathlib import Path

from mabe_tui.launch.modal import client as modal_client
from tests.loopback.conftest import Mabe
from tests.loopback.server import LoopbackServer


def findings(mabe: Mabe) -> dict[str, tuple[str, str, str]]:
    found = json.loads(mabe("doctor", "--json").stdout)
    return {each["what"]: (each["verdict"], each["found"], each["mend"]) for each in found}


def test_good_credentials_and_the_data_there(mabe: Mabe, tmp_path: Path) -> None:
    folder = tmp_path / "seen-by-doctor"
    mabe("data", "synth", str(folder), "--videos", "2", "--frames", "100", "--workers", "1")
    mabe("data", "push", str(folder))
    found = findings(mabe)
    assert found["modal"] == ("good", "credentials are accepted", "")
    verdict, names, _ = found["modal data"]
    assert verdict == "good"
    assert "/vol/seen-by-doctor" in names


def test_wrong_credentials_and_how_to_mend_them(mabe: Mabe, server: LoopbackServer) -> None:
    server.faults.wrong_token = True
    verdict, said, mend = findings(mabe)["modal"]
    assert (verdict, mend) == ("missing", "modal token new")
    assert "refuses the credentials" in said


def test_away_is_not_said_to_be_wrong_credentials(mabe: Mabe, server: LoopbackServer) -> None:
    server.go_down()
    modal_client.forget_probe()
    verdict, said, mend = findings(mabe)["modal"]
    assert (verdict, mend) == ("missing", "")
    assert "cannot be reached" in said
