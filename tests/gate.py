"""A gate in front of pretended jobs, so that a test decides how far they get and not the clock."""

from pathlib import Path

import pytest

VARIABLE = "FAKE_GATE"


class Gate:
    """Holds every pretended job in the middle of the epoch after the last one that may be completed.

    The jobs (``tests/core/fake_job.py``, ``tests/loopback/fake_job.py``) look at the file that
    ``FAKE_GATE`` names; one that is held there still hears signals.
    """

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        monkeypatch.setenv(VARIABLE, str(path))

    def hold_after(self, epochs: int) -> None:
        """Let jobs complete so many epochs and no more."""
        new = self.path.with_suffix(".new")
        new.write_text(str(epochs))
        new.replace(self.path)

    def open(self) -> None:
        """Let jobs run to their end."""
        self.path.unlink(missing_ok=True)
