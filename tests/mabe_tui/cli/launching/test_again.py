"""``mabe run --again``, and what a run was trained with in ``mabe status``."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from typer.testing import Result

from core.errors import MisuseError, RunError
from core.run import provenance
from core.run.rundir import RunDir
from mabe_tui.runs.store import RunStore

Mabe = Callable[..., Result]


def test_a_run_again_has_the_same_settings_seed_and_limits_of_its_own(
    invoke: Mabe, home: Path
) -> None:
    invoke("run", "v1", "--seed", "7", "--set", "training.epochs=2", "--max-time", "2h")
    (first,) = RunStore(home).entries()
    (attempt,) = first.run.attempts()
    provenance.record(first.run, first.require_request(), attempt)
    result = invoke("run", "--again", first.id)
    before = first.require_request()
    again = RunStore(home).find(result.stdout.strip()).require_request()
    fresh = {"run": again.run, "created": again.created, "limits": again.limits}
    assert again == msgspec.structs.replace(before, **fresh)
    assert again.run != before.run
    assert again.limits.seconds is None
    assert "nothing that is recorded differs now" in result.stderr


def test_each_difference_is_a_line(invoke: Mabe, home: Path) -> None:
    invoke("run", "v1")
    (first,) = RunStore(home).entries()
    request = first.require_request()
    (attempt,) = first.run.attempts()
    provenance.record(first.run, request, attempt)
    folder = first.run.attempt_folder(attempt)
    code = msgspec.json.decode((folder / provenance.CODE).read_bytes())
    if code.get("checkouts"):
        code["checkouts"][0]["commit"] = "0" * 40
    (folder / provenance.CODE).write_bytes(msgspec.json.encode(code))
    packages = (folder / provenance.PACKAGES).read_text()
    older = packages.replace(f"msgspec=={msgspec.__version__}", "msgspec==0.0.1")
    (folder / provenance.PACKAGES).write_text(older + "gone==1.0\n")
    said = invoke("run", "--again", first.id, "--dry-run").stderr
    assert (
        f"differs now: the packages: gone 1.0 is not here, msgspec 0.0.1 → {msgspec.__version__}"
        in said
    )
    assert ("differs now: the code: 000000000" in said) == bool(code.get("checkouts"))


def test_again_is_alone(invoke: Mabe, finished: RunDir) -> None:
    for more in (["v1"], ["--seed", "0"], ["--set", "training.epochs=1"]):
        with pytest.raises(MisuseError, match="--again takes settings"):
            invoke("run", "--again", finished.id, *more)
    with pytest.raises(MisuseError, match="name a version"):
        invoke("run")
    finished.write_request(msgspec.structs.replace(finished.read_request(), imported=True))
    with pytest.raises(RunError, match="was imported"):
        invoke("run", "--again", finished.id)


def test_status_says_what_a_run_was_trained_with(invoke: Mabe, finished: RunDir) -> None:
    assert json.loads(invoke("status", finished.id, "--json").stdout)["provenance"] is None
    with pytest.raises(RunError, match="no record"):
        invoke("status", finished.id, "--packages")
    (attempt,) = finished.attempts()
    provenance.record(finished, finished.read_request(), attempt)
    shown = json.loads(invoke("status", finished.id, "--json").stdout)["provenance"]
    assert shown["attempt"] == attempt
    assert shown["packages"]["msgspec"] == msgspec.__version__
    assert f"{len(shown['packages'])}, Python" in invoke("status", finished.id).stdout
    assert f"msgspec=={msgspec.__version__}\n" in invoke("status", finished.id, "--packages").stdout
    (finished.attempt_folder(attempt) / provenance.DIFF).write_text("--- a\n+++ b\n")
    assert invoke("status", finished.id, "--diff").stdout == "--- a\n+++ b\n"
