"""The set-up run by ``make``, with scripts in place of Python, uv and nvidia-smi."""

import ast
import importlib
import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / ".setup"
TORCH = next(
    line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith("torch")
)
PYTHON = """#!/bin/sh
echo "python $*" >> log
case "$*" in
  *"config list"*) cat settings ;;
  *" uv") test -e uv_offered && cp uv_offered .venv/bin/uv ;;
  *--dry-run*) test -e cpu_from_pip ;;
  *--editable*) test ! -e pip_fails || { echo "the disk is full"; exit 1; } ;;
esac
"""
UV = """#!/bin/sh
echo "uv $*" >> log
case "$*" in
  *--dry-run*--torch-backend*) test -e cpu_from_backend ;;
  *--dry-run*) test -e cpu_from_index ;;
  *--editable*) echo "Resolved 2 packages"; test ! -e uv_fails || { echo "no network"; exit 2; } ;;
esac
"""


class Checkout:
    """A copy of the files that the set-up needs, with scripts in place of every program it calls."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(SCRIPTS, root / ".setup", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "constraints.txt", root)
        (root / "settings").touch()
        self.script(".venv/bin/python", PYTHON)
        self.script("uv_offered", UV)

    def script(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def has(self, *names: str) -> None:
        for name in names:
            (self.root / name).touch()

    def install(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, ".setup/install.py", *arguments],
            cwd=self.root, env={"PATH": f"{self.root / 'bin'}:/usr/bin:/bin"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False,
        )  # fmt: skip

    @property
    def installations(self) -> list[str]:
        """Return the commands that would install the project."""
        log = (self.root / "log").read_text().splitlines()
        return [line for line in log if "--editable" in line]

    @property
    def stamps(self) -> set[str]:
        return {path.name for path in (self.root / ".venv").glob(".installed*")}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module, imported as if run as a script."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield importlib.import_module("install")
    for name in ("install", "commands"):
        sys.modules.pop(name, None)


def test_uv_installs_the_cpu_build_that_an_index_offers(checkout: Checkout) -> None:
    checkout.has("cpu_from_index")
    result = checkout.install()
    assert result.returncode == 0, result.stdout
    (command,) = checkout.installations
    assert command.startswith("uv pip install")
    assert command.endswith(f"{TORCH}+cpu --editable .")
    assert checkout.stamps == {".installed"}
    assert "fetching uv" in result.stdout
    assert "installed in" in result.stdout


def test_developers_tools_come_on_demand(checkout: Checkout) -> None:
    assert checkout.install("--dev").returncode == 0
    assert checkout.installations[0].endswith("--editable .[dev]")
    assert checkout.stamps == {".installed", ".installed-dev"}


def test_a_uv_on_the_path_is_used(checkout: Checkout) -> None:
    checkout.script("bin/uv", UV)
    assert "fetching uv" not in checkout.install().stdout
    assert checkout.installations[0].startswith("uv")


def test_a_uv_on_the_path_that_does_not_run_is_passed_over(checkout: Checkout) -> None:
    checkout.script("bin/uv", "#!/bin/sh\nexit 127\n")
    assert "fetching uv" in checkout.install().stdout
    assert checkout.installations[0].startswith("uv")


def test_uv_is_asked_for_a_cpu_build_where_no_index_offers_one(checkout: Checkout) -> None:
    checkout.has("cpu_from_backend")
    assert checkout.install().returncode == 0
    assert checkout.installations[0].endswith(f"--torch-backend cpu {TORCH} --editable .")


def test_the_default_build_is_announced(checkout: Checkout) -> None:
    result = checkout.install()
    assert result.returncode == 0
    assert checkout.installations[0].endswith(f" {TORCH} --editable .")
    assert "CPU build is not to be had here" in result.stdout


def test_a_gpu_gets_the_default_build_without_words(checkout: Checkout) -> None:
    checkout.has("cpu_from_index")
    checkout.script("bin/nvidia-smi", "#!/bin/sh\nexit 0\n")
    result = checkout.install()
    assert checkout.installations[0].endswith(f" {TORCH} --editable .")
    assert "CPU build" not in result.stdout


@pytest.mark.parametrize("from_pip", [True, False])
def test_pip_installs_where_uv_is_not_to_be_had(checkout: Checkout, from_pip: bool) -> None:
    (checkout.root / "uv_offered").unlink()
    if from_pip:
        checkout.has("cpu_from_pip")
    result = checkout.install()
    assert result.returncode == 0
    assert "uv is not to be had here" in result.stdout
    (command,) = checkout.installations
    assert command.startswith("python -m pip install")
    assert command.endswith(f" {TORCH}{'+cpu' if from_pip else ''} --editable .")
    assert ("CPU build is not to be had" in result.stdout) is not from_pip


def test_pip_goes_on_where_uv_fails(checkout: Checkout) -> None:
    checkout.has("uv_fails", "cpu_from_index", "cpu_from_pip")
    result = checkout.install()
    assert result.returncode == 0
    assert [command.split()[0] for command in checkout.installations] == ["uv", "python"]
    assert "no network" in result.stdout
    assert "uv failed, so pip goes on" in result.stdout


def test_a_failure_leaves_no_stamp_and_the_next_try_continues(checkout: Checkout) -> None:
    checkout.has("uv_fails", "pip_fails", "cpu_from_index")
    result = checkout.install()
    assert result.returncode == 1
    assert "the disk is full" in result.stdout
    assert "Traceback" not in result.stdout
    assert result.stdout.splitlines()[-1].startswith("mabe: not installed")
    assert not checkout.stamps
    (checkout.root / "uv_fails").unlink()
    assert checkout.install().returncode == 0


def test_packages_that_were_broken_off_are_installed_again(checkout: Checkout) -> None:
    packages = checkout.root / ".venv/lib/python3.11/site-packages"
    for name in ("whole-1.dist-info", "half-1.dist-info"):
        (packages / name).mkdir(parents=True)
        (packages / name / "METADATA").touch()
    (packages / "whole-1.dist-info/INSTALLER").touch()
    checkout.install()
    assert [path.name for path in packages.iterdir()] == ["whole-1.dist-info"]


def test_uv_is_given_what_pip_is_configured_with(checkout: Checkout) -> None:
    settings = "global.find-links='/elsewhere'\nglobal.extra-index-url='/one /two'\n"
    (checkout.root / "settings").write_text(f"{settings}:env:.find-links='/wheels'\n")
    checkout.install()
    (command,) = checkout.installations
    assert "--find-links /wheels" in command
    assert "/elsewhere" not in command
    assert "--index /one --index /two" in command
    assert "--index-strategy unsafe-best-match" in command


def test_what_uv_is_configured_with_itself_stands(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"index-url": "/one", "no-index": "true", "cert": "/ca", "timeout": "9"}
    for name in (*setup.UV_INDEXES, *setup.UV_VARIABLES.values()):
        monkeypatch.delenv(name, raising=False)
    assert setup.uv_options(settings) == ["--default-index", "/one", "--no-index"]
    assert setup.uv_variables(settings) == {"SSL_CERT_FILE": "/ca", "UV_HTTP_TIMEOUT": "9"}
    monkeypatch.setenv("UV_INDEX", "/two")
    monkeypatch.setenv("SSL_CERT_FILE", "/other")
    assert setup.uv_options(settings) == []
    assert setup.uv_variables(settings) == {"UV_HTTP_TIMEOUT": "9"}


def test_an_environment_that_does_not_work_is_made_anew(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(setup, "PYTHON", tmp_path / "bin/python")
    monkeypatch.setattr(setup, "follow", lambda command: not commands.append(command))
    setup.make_venv()
    assert commands == [[sys.executable, "-m", "venv", "--clear", str(setup.VENV)]]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    setup.make_venv()
    assert len(commands) == 1


@pytest.mark.parametrize("has_uv", [True, False])
def test_uv_makes_the_environment_where_python_cannot(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_uv: bool
) -> None:
    commands: list[list[str]] = []

    def follow(command: list[str]) -> bool:
        commands.append(command)
        return command[0] == "uv"

    monkeypatch.setattr(setup, "PYTHON", tmp_path / "bin/python")
    monkeypatch.setattr(setup, "follow", follow)
    monkeypatch.setattr(setup.shutil, "which", lambda _: "uv" if has_uv else None)
    if has_uv:
        setup.make_venv()
    else:
        with pytest.raises(SystemExit, match="is Python's venv module installed"):
            setup.make_venv()
    assert [command[:3] for command in commands] == [
        [sys.executable, "-m", "venv"],
        *([["uv", "venv", "--seed"]] if has_uv else []),
    ]


def test_an_old_python_reads_the_script_and_is_refused(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in SCRIPTS.glob("*.py"):
        ast.parse(path.read_text(), feature_version=(3, 7))
    monkeypatch.setattr(setup, "OLDEST", (9, 0))
    monkeypatch.setattr(sys, "argv", ["install.py"])
    with pytest.raises(SystemExit, match="mabe needs Python"):
        setup.main()


class Terminal(io.StringIO):
    """A standard output that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_one_line_on_a_terminal(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert setup.follow(["sh", "-c", "echo Downloading torch; echo ' + torch==2'"])
    shown = terminal.getvalue()
    assert "0 s  Downloading torch" in shown
    assert "+ torch" not in shown
    assert "\n" not in shown


def test_progress_is_seen_in_lines_elsewhere(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.modules["commands"], "PLAIN_SECONDS", 0.0)
    assert not setup.follow(["sh", "-c", "echo one; echo two; exit 3"], last=1)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert [line.rpartition("  ")[2] for line in lines] == ["one", "two", "two"]


def test_what_is_still_downloaded_is_shown(setup: ModuleType) -> None:
    downloads = sys.modules["commands"].Downloads()
    assert downloads.read("Resolved 2 packages in 3ms") == "Resolved 2 packages in 3ms"
    assert downloads.read("Downloading torch (1.2GiB)") == "Downloading torch (1.2GiB)"
    downloads.read("Downloading numpy (16.1MiB)")
    assert downloads.read(" Downloaded numpy") == "Downloading torch (1.2GiB)"
    assert downloads.read(" Downloaded torch") == " Downloaded torch"
    pip = "Downloading numpy-2.4.6.whl (16.1 MB)"
    assert downloads.read(pip) == pip
    assert downloads.read("Installed 2 packages in 1s") == "Installed 2 packages in 1s"
