"""Install mabe into ``.venv``: what ``make`` runs, ``python .setup/install.py [--dev]``.

Only the standard library is used, and only syntax that Python 3.7 reads, so that an old interpreter gets
as far as the message that it is too old. uv installs in a fraction of pip's time, so pip only fetches uv
where it can be had, and does the work itself where it cannot or where uv fails. An installation that was
broken off continues where it was.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import time

from commands import ROOT, follow, say, succeeds

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CONSTRAINTS = ROOT / "constraints.txt"
OLDEST = (3, 11)
STAMPS = {"": ".installed", "dev": ".installed-dev"}
"""The empty file that records, for ``make``, that an extra is installed."""

UV_FLAGS = {
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "trusted-host": "--allow-insecure-host",
    "constraint": "--constraint",
}
"""What uv calls those settings of pip that may have several values."""
UV_VARIABLES = {"cert": "SSL_CERT_FILE", "proxy": "ALL_PROXY", "timeout": "UV_HTTP_TIMEOUT"}
UV_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
"""Where one of these is set, uv is configured already and pip's configuration does not count."""


def make_venv() -> None:
    """Make ``.venv`` unless there is a working one; one that was broken off is made anew.

    Raises:
        SystemExit: it could not be made.
    """
    check = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
    if succeeds([str(PYTHON), "-c", check]):
        return
    version = ".".join(map(str, sys.version_info[:3]))
    say(f"[1/3] making .venv with Python {version}")
    if follow([sys.executable, "-m", "venv", "--clear", str(VENV)]):
        return
    uv = shutil.which("uv")
    if uv and follow([uv, "venv", "--seed", "--clear", "--python", sys.executable, str(VENV)]):
        return
    raise SystemExit("mabe: .venv could not be made; is Python's venv module installed?")


def remove_half_installed() -> None:
    """Remove the metadata of packages whose installation was broken off, so that they are installed again.

    uv and pip take a package for installed once it has metadata, but write INSTALLER after all its files.
    """
    for folder in VENV.glob("lib/python*/site-packages/*.dist-info"):
        if not (folder / "INSTALLER").is_file():
            shutil.rmtree(folder)


def find_uv() -> str | None:
    """Return a uv that runs: one that is on the PATH, or else one that pip installs into ``.venv``."""
    installed = str(VENV / "bin" / "uv")
    for candidate in (shutil.which("uv"), installed):
        if candidate and succeeds([candidate, "--version"]):
            return candidate
    say("[2/3] fetching uv, which installs faster than pip")
    if follow([*pip_install(), "uv"], last=1) and succeeds([installed, "--version"]):
        return installed
    say("      uv is not to be had here, so pip installs everything, which takes a few minutes")
    return None


def pip_install() -> list[str]:
    """Return the beginning of a command that installs with pip."""
    options = ["--disable-pip-version-check", "--no-compile", "--constraint", str(CONSTRAINTS)]
    return [str(PYTHON), "-m", "pip", "install", *options]


def pip_settings() -> dict[str, str]:
    """Return pip's settings for an installation, from its files and its environment variables."""
    command = [str(PYTHON), "-m", "pip", "config", "list"]
    listed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    return parse_settings(listed.stdout)


def parse_settings(listed: str) -> dict[str, str]:
    """Read what ``pip config list`` prints, lines such as ``global.find-links='/wheels'``.

    Settings of ``pip install`` alone override those of every command, and the environment overrides both.
    """
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in found:
            found[section][name] = str(ast.literal_eval(value))
    return {**found["global"], **found["install"], **found[":env:"]}


def uv_options(settings: dict[str, str]) -> list[str]:
    """Translate pip's settings into options of uv, which does not read them by itself."""
    if any(name in os.environ for name in UV_INDEXES):
        return []
    options = [
        word
        for name, flag in UV_FLAGS.items()
        for value in settings.get(name, "").split()
        for word in (flag, value)
    ]
    if settings.get("extra-index-url"):  # pip takes the best of all indexes
        options += ["--index-strategy", "unsafe-best-match"]
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        options.append("--no-index")
    return options


def uv_variables(settings: dict[str, str]) -> dict[str, str]:
    """Translate pip's settings into those variables of uv that are not set yet."""
    return {
        variable: settings[name]
        for name, variable in UV_VARIABLES.items()
        if settings.get(name) and variable not in os.environ
    }


def wants_cpu_build() -> bool:
    """Return whether torch's default build would bring CUDA's libraries (3 GB) that nothing here can use."""
    return sys.platform == "linux" and not succeeds(["nvidia-smi", "-L"])


def choose_torch(
    install: list[str], builds: list[list[str]], variables: dict[str, str] | None = None
) -> list[str]:
    """Return the arguments for the first build of torch that an installer can get.

    Args:
        install: the beginning of the installer's command.
        builds: arguments that ask for a CPU build, the best way first.
        variables: added to the environment.
    """
    default = [torch_requirement()]
    if not wants_cpu_build():
        return default
    for build in builds:
        if succeeds([*install, "--dry-run", *build], variables):
            return build
    say("      torch's CPU build is not to be had here: this is the default one, with libraries")
    say("      for NVIDIA GPUs, about 5 GB instead of 2")
    return default


def torch_requirement() -> str:
    """Return the line of ``constraints.txt`` that pins torch."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("torch=="))


def install_with_uv(uv: str, project: str) -> bool:
    """Install the project and torch with uv; return whether that succeeded."""
    settings = pip_settings()
    variables = uv_variables(settings)
    install = [uv, "pip", "install", "--python", str(PYTHON), "--constraint", str(CONSTRAINTS)]
    install += uv_options(settings)
    torch = torch_requirement()
    builds = [[f"{torch}+cpu"], ["--torch-backend", "cpu", torch]]
    return follow(
        [*install, *choose_torch(install, builds, variables), "--editable", project], variables
    )


def install_with_pip(project: str) -> bool:
    """Install the project and torch with pip; return whether that succeeded."""
    install = pip_install()
    torch = choose_torch([*install, "--no-deps"], [[f"{torch_requirement()}+cpu"]])
    return follow([*install, *torch, "--editable", project])


def install(extra: str) -> None:
    """Make ``.venv`` and install the project with an extra ("" for none) into it.

    Raises:
        SystemExit: neither uv nor pip could.
    """
    began = time.monotonic()
    make_venv()
    remove_half_installed()
    uv = find_uv()
    project = f".[{extra}]" if extra else "."
    what = "mabe and its developers' tools" if extra else "mabe"
    say(f"[3/3] installing {what} with {'uv' if uv else 'pip'}")
    done = uv is not None and install_with_uv(uv, project)
    if uv and not done:
        say("      uv failed, so pip goes on, which takes a few minutes")
    if not done and not install_with_pip(project):
        raise SystemExit("mabe: not installed, for the reason above; `make` continues from here")
    say(f"      installed in {time.monotonic() - began:.0f} s")


def main() -> None:
    """Install what the command line asks for and record it for ``make``.

    Raises:
        SystemExit: this Python is too old, or the installation failed or was interrupted.
    """
    parser = argparse.ArgumentParser(description="Install mabe into .venv.")
    parser.add_argument("--dev", action="store_true", help="with the developers' tools")
    extra = "dev" if parser.parse_args().dev else ""
    if sys.version_info < OLDEST:
        raise SystemExit("mabe needs Python 3.11 or newer: make PYTHON=python3.11 …")
    try:
        install(extra)
    except KeyboardInterrupt:
        raise SystemExit("\nmabe: interrupted; `make` continues from here") from None
    for name in {"", extra}:
        (VENV / STAMPS[name]).touch()


if __name__ == "__main__":
    main()
