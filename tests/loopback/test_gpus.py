"""``mabe gpus --probe`` on the stand-in, in real containers: GPUs rented and released, results, output."""

import json
from pathlib import Path

import pytest
from modal_proto import api_pb2

from core.errors import UserError
from tests.loopback.conftest import Mabe
from tests.loopback.server import LoopbackServer

QUICK = ["--set", "training.batch_size=128"]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MABE_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def test_probes_are_priced_made_kept_and_given_back(server: LoopbackServer, mabe: Mabe) -> None:
    result = mabe("gpus", "v1", *QUICK, "--probe", "T4,H100,L4", "--epochs", "50", "--json")
    assert result.exit_code == 1  # because of one of the three
    assert "probing T4, H100, L4: about $0." in result.stderr
    assert (
        "leaving 6.4 MiB of a GPU's memory for the data, as of its own made-up data"
        in result.stderr
    )
    assert "T4: a batch of 64 fits; 400 ms a step of 64" in result.stderr
    said = json.loads(result.stdout)
    assert said["failed"] == {"L4": "RuntimeError: CUDA driver says no to L4"}
    rows = {row["gpu"]: row for row in said["rows"]}
    updates = -(-said["windows"] // 128)
    assert rows["T4"]["seconds_per_epoch"]["value"] == pytest.approx(updates * 2 * 0.4)
    assert rows["T4"]["seconds_per_epoch"]["source"] == "probed"
    assert rows["H100"]["hours"]["value"] == pytest.approx(updates * 0.05 * 50 / 3600)
    assert (rows["H100"]["largest_batch"]["value"], rows["A10"]["largest_batch"]) == (512, None)
    assert (said["cheapest"], said["fastest"]) == ("H100", "H100")
    assert said["probe_usd"] > 0
    apps = [app for app in server.cloud.apps.values() if app.description == "mabe-probe"]
    assert [app.state for app in apps] == [api_pb2.APP_STATE_STOPPED]
    functions = [f for app_id, f in server.cloud.functions.values() if app_id == apps[0].id]
    assert {f.resources.gpu_config.gpu_type for f in functions} >= {"T4", "H100", "L4"}
    table = mabe("gpus", "v1", *QUICK)
    assert "cheapest: H100, $" in table.stderr
    assert "64 probed" in table.stdout


def test_a_budget_too_small_for_a_probe_is_refused(server: LoopbackServer, mabe: Mabe) -> None:
    calls = dict(server.control.calls)
    with pytest.raises(
        UserError, match=r"that is above the budget of \$0\.01, and less would not do; --yes"
    ):
        mabe("gpus", "v1", "--probe", "H100", "--budget", "0.01")
    with pytest.raises(UserError, match="'h100' is spelled 'H100'"):
        mabe("gpus", "v1", "--probe", "h100")
    assert server.control.calls == calls
