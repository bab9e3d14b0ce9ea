"""The Modal function that measures what a version needs on a GPU; see ``launch/modal/probing.py``."""

import time
from pathlib import Path

import msgspec

from core.run.request import decode_request

SOURCES = ("__init__.py", "modal_probe_app.py")
"""Files of ``mabe_tui`` that the container needs to import this module."""


def is_left_out(path: Path) -> bool:
    """Return whether a file of ``mabe_tui`` is left out of the image."""
    return path.suffix != ".py" or path.name not in SOURCES


def probe(request: str, seconds: float, reserved: int) -> str:
    """Probe this container's GPU and return a :class:`~core.training.probe_report.ProbeReport` as JSON.

    Its ``seconds`` count from the start of this process, the best estimate here of what Modal bills.

    Args:
        request: a ``run.toml``; its data are replaced by a small synthetic set.
        seconds: time limit; batch sizes that would likely exceed it are not tried.
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
