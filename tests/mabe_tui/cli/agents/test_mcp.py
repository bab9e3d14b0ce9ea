"""``mabe mcp`` as an agent's client sees it: in memory, and once over the streams of a process."""

import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import CallToolResult, TextContent

from core.errors import MisuseError, UserError
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.cli.agents.allowance import Allowance
from mabe_tui.cli.agents.server import server_of
from mabe_tui.cli.agents.tools import RUN_FIELDS, TOOLS
from mabe_tui.launch.launcher import RunState
from tests.mabe_tui.recorded import record
from tests.waiting import wait_for

READING = {
    "list_versions", "show_version", "list_runs", "run_status", "run_curves", "run_logs", "compare",
}  # fmt: skip


@pytest.fixture
def runs(home: Path) -> list[RunDir]:
    return [
        record(home, BehaviourExperiment(name=name), f1=(0.1, score))
        for name, score in (("v5", 0.2), ("v6", 0.4))
    ]


def texts(result: CallToolResult) -> list[str]:
    return [each.text for each in result.content if isinstance(each, TextContent)]


async def ask(client: Client, name: str, **arguments: Any) -> Any:
    """Return the answer of a tool that succeeds."""
    result = await client.call_tool(name, arguments)
    assert not result.is_error, texts(result)
    return json.loads(texts(result)[0])


async def refusal(client: Client, name: str, **arguments: Any) -> str:
    """Return the one line of a tool that fails."""
    result = await client.call_tool(name, arguments)
    assert result.is_error, texts(result)
    (text,) = texts(result)
    assert "\n" not in text
    return text


async def test_what_is_told_is_what_the_commands_print(invoke, runs: list[RunDir]) -> None:
    async with Client(server_of(Allowance())) as client:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == READING
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
        printed = json.loads(invoke("runs", "--json").stdout)
        found = await ask(client, "list_runs", where="score > 0.3")
        assert [run["id"] for run in found] == [runs[1].id]
        assert found[0] == {key: printed[0][key] for key in RUN_FIELDS}
        assert await ask(client, "list_runs", fields=["all"]) == printed
        assert (await ask(client, "run_status", run=runs[0].id))["best_score"] == 0.2
        version = await ask(client, "show_version", version="v6")
        assert version == json.loads(invoke("show", "v6", "--json").stdout)
        assert "v6" in json.dumps(await ask(client, "list_versions"))
        compared = await ask(client, "compare", sides=["v5", "v6"])
        whole = json.loads(invoke("compare", "v5", "v6", "--json").stdout)
        assert compared["verdicts"] == whole["verdicts"]
        assert "classes" not in compared
        curves = await ask(client, "run_curves", runs=["v6"], metrics=["loss"], points=2)
        assert [len(curve["x"]) for curve in curves["curves"]] == [2] * len(curves["curves"])
        log = texts(await client.call_tool("run_logs", {"run": "v6", "lines": 1}))[0]
        assert log.startswith("finished")
        assert len(log.splitlines()) == 1


async def test_errors_are_one_line(invoke, runs: list[RunDir]) -> None:
    async with Client(server_of(Allowance())) as client:
        assert "no run 'v9'" in await refusal(client, "run_status", run="v9")
        assert "column 1" in await refusal(client, "list_runs", where="epoc > 1")
        assert "did you mean 'run'" in await refusal(client, "run_status", runs="v6")
        assert "version: is missing" in await refusal(client, "show_version")
        assert "lines: 0 is not" in await refusal(client, "run_logs", lines=0)
        assert "no run '--help'" in await refusal(client, "run_status", run="--help")
        assert "versions and runs only" in await refusal(client, "compare", sides=["v5", "v6@best"])
        assert "not allowed: the server only reads" in await refusal(
            client, "start_run", version="v1", on="local", budget_usd=1, max_time="1h"
        )
        assert "there are: list_versions" in await refusal(client, "rm")


async def test_a_long_answer_is_refused(
    invoke, runs: list[RunDir], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mabe_tui.cli.agents.server.LONGEST", 100)
    async with Client(server_of(Allowance())) as client:
        assert "100 at most: ask for less" in await refusal(client, "list_runs")


async def test_a_run_is_started_with_limits_and_stopped(
    invoke, home: Path, launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_THEN", "wait")
    ordered = {"version": "v1", "on": "local", "budget_usd": 1.5}
    timed = {**ordered, "max_time": "1h"}
    async with Client(server_of(Allowance(changes=True, dollars=2.0))) as client:
        assert len((await client.list_tools()).tools) == len(TOOLS)
        assert "max_time: is missing" in await refusal(client, "start_run", **ordered)
        del ordered["budget_usd"]
        assert "budget_usd: is missing" in await refusal(client, "start_run", **ordered)
        above = {**timed, "on": "modal", "budget_usd": 2.5}
        assert "$2.00 of $2.00 are left" in await refusal(client, "start_run", **above)
        planned = await ask(client, "start_run", **timed, dry_run=True)
        assert '"local"' in json.dumps(planned)
        assert not (home / "runs").exists()
        wrong = {**timed, "version": "v99"}
        assert "no version 'v99'" in await refusal(client, "start_run", **wrong)
        started = await ask(client, "start_run", **timed, tags=["agent"])
        run = RunDir(home / "runs" / started["run"])
        assert run.read_request().limits.seconds == 3600
        assert run.read_about().tags == ("agent",)
        wait_for(lambda: launcher.state(run) is RunState.RUNNING)
        assert "stopped" in (await ask(client, "stop_run", run=run.id))[run.id]
        assert launcher.state(run) is RunState.STOPPED


def test_budgets_add_up_and_a_failed_start_costs_nothing() -> None:
    allowance = Allowance(changes=True, dollars=2.0)
    with pytest.raises(RuntimeError), allowance.spending(1.5):
        raise RuntimeError
    with allowance.spending(1.5):
        pass
    for budget in (0.6, math.inf, math.nan):
        with (
            pytest.raises(UserError, match=r"\$0\.50 of \$2\.00 are left"),
            allowance.spending(budget),
        ):
            pytest.fail("it was allowed")
    with allowance.spending(0.5):
        pass


async def test_over_the_streams_of_a_process(
    home: Path, runs: list[RunDir], tmp_path: Path
) -> None:
    code = "from mabe_tui.cli.main import run; run()"
    server = StdioServerParameters(
        command=sys.executable,
        args=["-c", code, "mcp"],
        env={**os.environ, "MABE_HOME": str(home)},
        cwd=tmp_path,
    )
    with (tmp_path / "stderr").open("w") as errors:
        async with Client(stdio_client(server, errlog=errors)) as client:
            assert len(await ask(client, "list_runs")) == 2
            assert "no run 'v9'" in await refusal(client, "run_status", run="v9")
    assert (tmp_path / "stderr").read_text() == ""


def test_without_the_package_it_says_so(invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MisuseError, match="--budget is for --allow-changes"):
        invoke("mcp", "--budget", "5")
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.delitem(sys.modules, "mabe_tui.cli.agents.server")
    with pytest.raises(UserError, match=r"pip install 'mabe\[mcp\]'"):
        invoke("mcp")
