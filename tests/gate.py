"""A gate for fake jobs, so that a test and not the clock decides how far they get."""

from pathlib import Path

import pytest

VARIABLE = "FAKE_GATE"


class Gate:
    """Holds every fake job in the middle of the epoch after the last one that may be completed.

    The jobs (``tests/core/fake_job.py``, ``tests/loopback/fake_job.py``) read the file that
    ``FAKE_GATE`` names; a job held there still receives signals.
    """

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        monkeypatch.setenv(VARIABLE, str(path))

    def hold_after(self, epochs: int) -> None:
        """Let jobs complete the given number of epochs and no more."""
        new = self.path.with_suffix(".new")
        new.write_text(str(epochs))
        new.replace(self.path)

    def open(self) -> None:
        """Let jobs run to the end."""
        self.path.unlink(missing_ok=True)
