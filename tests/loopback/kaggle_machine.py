"""Stand-in for a machine of Kaggle: runs a notebook as it is, without `mabe` and without a network."""

import base64
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

HIDDEN = {"core", "mabe_tui", "mabe-0.1.0.dist-info", "numba", "llvmlite"}
"""Never there: what an installation of `mabe` would add, and numba, which compiles for seconds."""

RUNNER = """\
import json
import socket
import sys

sys.path.insert(0, sys.argv[2])
connect = socket.socket.connect


def guarded(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise OSError(f"no network here: {address}")
    return connect(self, address)


def no_names(host, *_, **__):
    raise OSError(f"no network here: {host}")


socket.socket.connect = guarded
socket.getaddrinfo = no_names
names = {"__name__": "__main__"}
for cell in json.load(open(sys.argv[1]))["cells"]:
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
"""


@dataclass
class KaggleMachine:
    """A machine with some packages.

    Args:
        folder: for its files.
        lacking: packages that are not installed, by the names of their modules.
    """

    folder: Path
    lacking: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.site = self.folder / "site"
        self.site.mkdir()
        for path in Path(sysconfig.get_path("purelib")).iterdir():
            module = path.name.partition("-")[0]
            if path.name not in HIDDEN and module not in self.lacking and path.suffix != ".pth":
                (self.site / path.name).symlink_to(path)
        self.input = self.folder / "input"
        self.working = self.folder / "working"
        self.working.mkdir()

    def attach(self, slug: str, files: dict[str, bytes]) -> None:
        """Put a dataset where notebooks find it, with its archives unpacked."""
        for name, content in files.items():
            path = self.input / slug / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if path.suffix == ".zip":
                zipfile.ZipFile(path).extractall(path.with_suffix(""))
                path.unlink()

    def run(self, notebook: str) -> subprocess.CompletedProcess[str]:
        """Run all cells of a notebook; return what was printed."""
        (self.folder / "notebook.ipynb").write_text(notebook)
        (self.folder / "run.py").write_text(RUNNER)
        nowhere = "http://127.0.0.1:9"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "MABE_INPUT": str(self.input),
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "http_proxy": nowhere,
            "https_proxy": nowhere,
        }
        return subprocess.run(
            [sys.executable, "-I", "-S", "../run.py", "../notebook.ipynb", str(self.site)],
            cwd=self.working,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )


def notebook_of(cells: list[str]) -> str:
    """Return a notebook with these cells."""
    made = [{"cell_type": "code", "id": str(n), "source": [c]} for n, c in enumerate(cells)]
    return json.dumps({"cells": made})


def wheel_of(package: str, folder: Path) -> Path:
    """Pack an installed package as a wheel again."""
    distribution = importlib.metadata.distribution(package)
    about = distribution.read_text("WHEEL") or ""
    tag = next(line.split()[1] for line in about.splitlines() if line.startswith("Tag:"))
    name = package.replace("-", "_")
    path = folder / f"{name}-{distribution.version}-{tag}.whl"
    record = []
    with zipfile.ZipFile(path, "w") as archive:
        for file in distribution.files or ():
            if ".." in file.parts or file.suffix == ".pyc" or file.name in ("RECORD", "INSTALLER"):
                continue
            content = Path(str(file.locate())).read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            record.append(f"{file},sha256={digest.decode()},{len(content)}")
            archive.writestr(str(file), content)
        info = f"{name}-{distribution.version}.dist-info/RECORD"
        archive.writestr(info, "\n".join([*record, f"{info},,", ""]))
    return path
