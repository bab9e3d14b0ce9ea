"""Records beside ``run.toml`` in a run's folder: handle, checkpoint pointers, tags and note."""

import msgspec


class Handle(msgspec.Struct, frozen=True, kw_only=True):
    """``handle.toml``: how the launcher reaches the newest attempt."""

    launcher: str
    attempt: str
    reference: dict[str, str | int | float]
    """Process id and start time; or app id, function-call id, server, workspace and environment."""


class Pointer(msgspec.Struct, frozen=True, kw_only=True):
    """``checkpoints/last.json`` or ``best.json``: a file name, and the hash that verifies the file."""

    file: str
    sha256: str
    bytes: int
    epoch: int
    step: int
    attempt: str
    seq: int
    """``seq`` of the ``checkpoint_saved`` event that announced it."""
    metric: float | None = None


class About(msgspec.Struct, frozen=True, kw_only=True):
    """``about.toml``: the user's notes on a run; they may change at any time."""

    tags: tuple[str, ...] = ()
    note: str = ""
