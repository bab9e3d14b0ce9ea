"""What runs inside Modal to find out what a version takes on a GPU; see ``launch/modal/probing.py``."""

import time
from pathlib import Path

import msgspec

from core.run.request import decode_request

SOURCES = ("__init__.py", "modal_probe_app.py")
"""Of ``mabe_tui``, what the container needs to import this module."""


def is_left_out(path: Path) -> bool:
    """Return whether a file of ``mabe_tui`` stays at home."""
    return path.suffix != ".py" or path.name not in SOURCES


def probe(request: str, seconds: float, reserved: int) -> str:
    """Probe this container's GPU and return a :class:`~core.training.probe_report.ProbeReport` as JSON.

    Its ``seconds`` are those since this process began: what Modal charges for, as far as can be told here.

    Args:
        request: a ``run.toml``; its data are replaced by a little of made-up ones.
        seconds: no batch is tried that would likely end later.
        reserved: bytes of the data that training will keep on the GPU.
    """
    import psutil

    from core.training.probe import probe_machine

    asked = decode_request(request)
    report = probe_machine(
        asked, Path("/tmp/mabe-probe"), lambda *_: None, reserved=reserved, seconds=seconds
    )
    lived = time.time() - psutil.Process().create_time()
    return msgspec.json.encode(msgspec.structs.replace(report, seconds=lived)).decode()
