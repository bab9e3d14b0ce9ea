"""``mabe ps``: apps that cost money and belong to no local run."""

import json

import pytest
from modal_proto import api_pb2

from mabe_tui.launch.modal import client as modal_client
from tests.loopback.conftest import Mabe
from tests.loopback.logs import AppLog
from tests.loopback.server import LoopbackServer
from tests.loopback.state import App, Call, new_id


@pytest.fixture
def somebodys_app(server: LoopbackServer) -> App:
    """An app that was deployed by somebody else, without a container."""
    app = App(new_id("ap"), "forgotten", api_pb2.APP_STATE_DEPLOYED, AppLog(server.faults))
    app.created -= 3 * 3600
    server.cloud.apps[app.id] = app
    return app


def give_container(server: LoopbackServer, app: App) -> None:
    call = Call(new_id("fc"), new_id("in"), "fu", app.id, api_pb2.FunctionInput())
    server.cloud.calls[call.id] = call


def test_an_app_that_no_run_knows_is_named_with_its_cost(
    server: LoopbackServer, mabe: Mabe, somebodys_app: App
) -> None:
    give_container(server, somebodys_app)
    server.cloud.account.bill = [
        (somebodys_app.id, "3.95"),
        (somebodys_app.id, "0.05"),
        ("ap-x", "9"),
    ]
    said = mabe("ps").stderr
    assert f"warning: app {somebodys_app.id} (forgotten) belongs to no run here" in said
    assert "(3h 00m), $4.00 billed; `modal app stop ap-" in said
    (foreign,) = json.loads(mabe("ps", "--json").stdout)["foreign"]
    assert (foreign["reference"], foreign["cost_usd"]) == (somebodys_app.id, 4.0)


def test_without_a_bill_the_warning_still_comes(
    server: LoopbackServer, mabe: Mabe, somebodys_app: App
) -> None:
    give_container(server, somebodys_app)
    server.cloud.account.has_bill = False
    assert "what it costs is not known yet" in mabe("ps").stderr


def test_a_deployed_app_without_a_container_costs_nothing(mabe: Mabe, somebodys_app: App) -> None:
    assert "forgotten" not in mabe("ps").stderr


def test_what_cannot_be_asked_is_said(server: LoopbackServer, mabe: Mabe) -> None:
    server.go_down()
    modal_client.forget_probe()
    shown = mabe("ps")
    assert shown.exit_code == 1
    assert "cannot be reached" in shown.stderr
