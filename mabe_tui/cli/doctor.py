"""``mabe doctor``: check the installation and print the command that fixes each problem."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import msgspec
import typer
from msgspec.structs import replace

from core.errors import UserError
from mabe_tui.cli.session import Session, session_of
from mabe_tui.cli.terminal.output import JsonOption, clean, print_json, wrapped
from mabe_tui.launch.launcher import UnreachableError

LEAST_PYTHON = (3, 11)
LEAST_FREE_GIB = 5.0
GIB = 2**30
WHAT, MARGIN = 12, 21
"""Width of the column of names, and of everything before the results."""
PACKAGES = ("torch", "modal", "kaggle", "textual")
NEEDED = ("runs", "registry")
"""Checks that must pass; accounts and remote data are optional."""
Verdict = Literal["good", "missing", "bad"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one check."""

    what: str
    verdict: Verdict
    """``missing`` is optional; ``bad`` prevents training."""
    found: str
    mend: str = ""


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("doctor")(doctor)


def doctor(context: typer.Context, as_json: JsonOption = False) -> None:
    """Check Python, torch, disk, Modal and Kaggle; exit code 1 if training cannot work."""
    findings = list(examine(session_of(context)))
    if as_json:
        print_json(findings)
    else:
        print("\n".join(line for finding in findings for line in _lines(finding)))
    if any(finding.verdict == "bad" for finding in findings):
        raise typer.Exit(1)


def _lines(finding: Finding) -> Iterator[str]:
    """Format a finding; words are not broken on a terminal, so that paths can be copied."""
    margin = " " * MARGIN
    head = f"{finding.what:<{WHAT}}{finding.verdict:<{MARGIN - WHAT}}{clean(finding.found)}"
    yield wrapped(head, margin)
    if finding.mend:
        yield wrapped(f"{margin}mend it: {clean(finding.mend)}", f"{margin}  ")


def examine(session: Session) -> Iterator[Finding]:
    """Run all checks. An error in a check is reported as its finding."""
    looks: list[tuple[str, Callable[[], Finding]]] = [
        ("python", _python),
        ("packages", _packages),
        ("device", _device),
        ("runs", lambda: _disk(session.home)),
        ("registry", lambda: _registry(session)),
        ("modal", _modal),
        ("modal data", _modal_data),
        ("kaggle", lambda: _kaggle(dict(os.environ), Path.home())),
    ]
    said: dict[str, str] = {}
    for what, look in looks:
        try:
            finding = look()
        except UserError as error:
            verdict: Verdict = "bad" if what in NEEDED else "missing"
            mend = "correct what it names" if what == "registry" else ""
            finding = Finding(what=what, verdict=verdict, found=str(error), mend=mend)
        except Exception as error:  # an error that is being diagnosed must not end the diagnosis
            finding = Finding(what=what, verdict="bad", found=f"{type(error).__name__}: {error}")
        first = said.setdefault(finding.found, what)
        yield finding if first == what else replace(finding, found=f"not looked at; see {first}")


def _python() -> Finding:
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < LEAST_PYTHON:
        return Finding(
            what="python", verdict="bad", found=found, mend="install Python 3.11 or newer"
        )
    return Finding(what="python", verdict="good", found=found)


def _packages() -> Finding:
    versions: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    missing = [name for name, found in versions.items() if found is None]
    found = ", ".join(f"{name} {number or 'missing'}" for name, number in versions.items())
    if missing:
        return Finding(
            what="packages", verdict="bad", found=found, mend=f"pip install {' '.join(missing)}"
        )
    return Finding(what="packages", verdict="good", found=found)


def _device() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding(what="device", verdict="good", found=torch.cuda.get_device_name())
    threads = torch.get_num_threads()
    return Finding(
        what="device",
        verdict="good",
        found=f"no CUDA: {threads} CPU thread{'s' * (threads != 1)}; --on modal rents a GPU",
    )


def _disk(home: Path) -> Finding:
    folder = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(folder).free / GIB
    found = f"{home}, {free:.0f} GiB free"
    if not os.access(folder, os.W_OK):
        return Finding(
            what="runs", verdict="bad", found=f"{found}, not writable", mend="export MABE_HOME=DIR"
        )
    if free < LEAST_FREE_GIB:
        return Finding(what="runs", verdict="bad", found=found, mend="mabe gc, mabe trash empty")
    return Finding(what="runs", verdict="good", found=found)


def _registry(session: Session) -> Finding:
    from mabe_tui.runs.actions.trash_settings import kept_days
    from mabe_tui.runs.alerts.rules import rules_of

    names = session.registry.versions
    kept_days(session.registry)
    for rule in rules_of(session.registry):
        if rule.url:
            rule.secret.read()
    where = session.found_registry or "the copy in the package"
    return Finding(what="registry", verdict="good", found=f"{where}: {', '.join(names)}")


def _modal() -> Finding:
    from mabe_tui.launch.modal import client as modal_client

    try:
        modal_client.require()
    except UnreachableError as error:
        return Finding(what="modal", verdict="missing", found=str(error))
    except UserError as error:
        return Finding(what="modal", verdict="missing", found=str(error), mend="modal token new")
    return Finding(what="modal", verdict="good", found="credentials are accepted")


def _modal_data() -> Finding:
    from mabe_tui.launch.modal import data as modal_data

    folders = [f"/vol/{folder.name}" for folder in modal_data.folders()]
    if not folders:
        return Finding(
            what="modal data", verdict="missing", found="nothing", mend="mabe data push DIR"
        )
    return Finding(what="modal data", verdict="good", found=", ".join(folders))


def _kaggle(environment: dict[str, str], home: Path) -> Finding:
    """Return where credentials are, never their values."""
    from mabe_tui.kaggle_io.credentials import HOW, find_credentials

    found = find_credentials(environment, home)
    if found is not None:
        return Finding(what="kaggle", verdict="good", found=found.source)
    return Finding(what="kaggle", verdict="missing", found="no credentials", mend=HOW)
