"""Faults of the stand-in cloud, as switches that a test sets."""

from dataclasses import dataclass, field

from grpclib import Status


@dataclass
class Faults:
    """All off to begin with. Those that count down turn themselves off."""

    wrong_token: bool = False
    """Every call of a client is refused as unauthenticated."""
    quota_exceeded: bool = False
    """No function can be called: the workspace has spent what it may."""
    calls_before_quota: int | None = None
    """After so many more calls, the workspace has spent what it may."""
    cut_streams_after: list[int] = field(default_factory=list)
    """Each log stream that opens takes one number: it breaks after so many entries."""
    split_messages: bool = False
    """Log entries end anywhere, not only at the end of a line."""
    repeat_entries: int = 0
    """Every so many log entries, one is sent twice."""
    broken_downloads: int = 0
    """So many block downloads break off half way."""
    short_downloads: int = 0
    """So many block downloads end early without an error, which the client fills up with zeros."""
    stripped_blocks: bool = False
    """Blocks come without the zero bytes at their end."""
    damaged_digests: int = 0
    """So many blocks come with the digest of something else."""
    downloads_before_break: int | None = None
    """After so many more blocks, all downloads break off."""
    kills_at_commit: int = 0
    """So many commits are not made: the container is killed at that moment."""
    commit_errors: list[Status | None] = field(default_factory=list)
    """Each commit takes one and is refused with it; ``None``: that one is never answered."""
    commits_before_errors: int = 0
    """So many commits succeed first."""
    refused_outputs: list[Status] = field(default_factory=list)
    """Each question for the outcome of a call takes one: it is refused with that."""
    apps_linger: bool = False
    """A detached app does not stop by itself when its calls have ended."""
    only_last_call_lives: bool = False
    """Once the client of a detached app has left, its calls but the last are cancelled."""
    build_log: list[str] = field(default_factory=list)
    """Images are new, and building them prints these lines."""
    building: bool = False
    """No build ends until this is off again."""
    build_error: str = ""
    """Builds fail, for this reason."""
    no_capacity: bool = False
    """No container is started until this is off again."""

    gpus_taken: tuple[str, ...] = ()
    """Of a list of GPUs, those that no machine is free with."""

    def breaks_download(self) -> bool:
        """Return whether the next block breaks off half way."""
        left = self.downloads_before_break
        if left:
            self.downloads_before_break = left - 1
        return left == 0 or self.take("broken_downloads")

    def commit_fails(self) -> bool:
        """Return whether the next commit takes one of ``commit_errors``."""
        return bool(self.commit_errors) and not self.take("commits_before_errors")

    def take(self, name: str) -> bool:
        """Use up one of a countdown; tell whether there was one."""
        left: int = getattr(self, name)
        if left:
            setattr(self, name, left - 1)
        return bool(left)
