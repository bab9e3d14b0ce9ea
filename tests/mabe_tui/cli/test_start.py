"""The modules that a fresh interpreter loads for each command, and the reporting of errors."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.data.synthetic import SyntheticSettings, synthesise
from mabe_tui.cli.main import main

HEAVY = (
    "torch",
    "pandas",
    "pyarrow",
    "numpy",
    "scipy",
    "textual",
    "modal",
    "kaggle",
    "rich",
    "optuna",
    "email",  # by way of importlib.metadata
)

LOOK = """
import json, sys
from mabe_tui.cli.main import run
sys.argv = ["mabe", *{arguments!r}]
try:
    run()
except SystemExit as exit_:
    code = exit_.code
print("\\n" + json.dumps([code, sorted({{name.split(".")[0] for name in sys.modules}})]))
"""


def loaded_by(arguments: list[str], folder: Path) -> tuple[int, set[str]]:
    code, modules = json.loads(
        subprocess.run(
            [sys.executable, "-c", LOOK.format(arguments=arguments)],
            check=True, capture_output=True, text=True, cwd=folder, env=environment(folder),
        ).stdout.splitlines()[-1]
    )  # fmt: skip
    return code, set(modules)


def environment(folder: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MABE_")}
    return {**kept, "MABE_HOME": str(folder / "home")}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["list"],
        ["list", "--measured"],
        ["show", "v6"],
        ["runs"],
        ["runs", "--where", "f1 > 0.4 and tag:sweep", "--sort", "smoothed.f1"],
        ["run", "--help"],
        ["compare", "--help"],
        ["curves", "--help"],
        ["tune", "--help"],
    ],
)
def test_light_commands_load_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    code, modules = loaded_by(arguments, tmp_path)
    assert code == 0
    assert modules & set(HEAVY) == set()


@pytest.mark.parametrize("command", [["check"], ["show"], ["show", "700000001"]])
def test_reading_data_loads_no_pandas(command: list[str], tmp_path: Path) -> None:
    # pyarrow imports it from C, where Ctrl-C is lost
    synthesise(tmp_path / "mice", SyntheticSettings(videos=2, frames=300), workers=1)
    arguments = ["data", command[0], str(tmp_path / "mice"), *command[1:]]
    code, modules = loaded_by(arguments, tmp_path)
    assert code == 0
    assert "pyarrow" in modules
    assert "pandas" not in modules


def test_core_loads_no_front_end() -> None:
    modules = "core.job, core.inference.predictor, core.tasks.behaviour.inference.predictor"
    look = f"import {modules}, sys; print(*{{n.split('.')[0] for n in sys.modules}})"
    output = subprocess.run(
        [sys.executable, "-c", look], check=True, capture_output=True, text=True
    )
    assert (
        set(output.stdout.split()) & {"mabe_tui", "textual", "typer", "rich", "modal", "kaggle"}
        == set()
    )


def mabe(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from mabe_tui.cli.main import run; run()", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment(folder)
    )


def test_a_users_error_is_one_line_on_stderr(tmp_path: Path) -> None:
    result = mabe("show", "v66", folder=tmp_path)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("mabe: ")
    assert result.stderr.count("\n") == 1


def test_a_misused_command_says_so_in_a_line(tmp_path: Path) -> None:
    for arguments, problem in {
        ("show",): "mabe show: missing argument",
        ("show", "v6", "--nope"): "mabe show: no such option: --nope",
        ("show", "v6", "--diff"): "mabe show: option '--diff' requires an argument",
    }.items():
        result = mabe(*arguments, folder=tmp_path)
        assert result.returncode == 2
        assert result.stderr.startswith(problem)
        assert result.stderr.endswith("see `mabe show -h`\n")
        assert result.stderr.count("\n") == 1


def test_an_option_without_its_value_names_the_command_in_a_group(tmp_path: Path) -> None:
    result = mabe("data", "synth", "x", "--noise", folder=tmp_path)
    assert result.returncode == 2
    assert result.stderr.endswith("see `mabe data synth -h`\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["lst"],
        ["data", "chek"],
        ["run", "v1", "--on", "moddal"],
        ["run", "v1", "--max-time", "two"],
        ["run", "v1", "--preset", "dmo"],
        ["run", "v1", "--seeds", "1,x"],
        ["run", "v1", "--seed", "-1"],
        ["runs", "--state", "runing"],
        ["runs", "--json", "--csv"],
    ],
)
def test_every_misuse_ends_with_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("MABE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["mabe", *arguments])
    assert main() == 2
    assert capsys.readouterr().err.count("\n") == 1


STUCK = """
import atexit, sys, threading
from mabe_tui.cli import main
sys.modules["modal"] = sys  # stands in for the package, which waits for its coroutines at exit
atexit.register(threading.Event().wait)
main.EXIT_SECONDS = 0.1
sys.argv = ["mabe", "show", "v66"]
main.run()
"""


def test_a_package_that_does_not_let_go_keeps_no_process(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", STUCK], capture_output=True, text=True, cwd=tmp_path,
        env=environment(tmp_path),
    )  # fmt: skip
    assert result.returncode == 1
    assert result.stderr.startswith("mabe: ")


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    result = mabe("show", "v66", "--debug", folder=tmp_path)
    assert result.returncode == 1
    assert "Traceback" in result.stderr


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -c 'from mabe_tui.cli.main import run; run()' show v6 | head -1"
    result = subprocess.run(
        command, shell=True, capture_output=True, text=True, cwd=tmp_path, env=environment(tmp_path)
    )
    assert result.stdout.startswith("v6")
    assert result.stderr == ""


def test_the_dashboard_without_a_terminal_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from mabe_tui.cli.main import run_dashboard; run_dashboard()"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("mabe-tui: the dashboard needs a terminal")
