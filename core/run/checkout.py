"""The git checkout that code comes from: its commit, and what differs from it."""

import hashlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from core.run.redaction import redacted

MOST_DIFF_BYTES = 256 * 1024
"""Bytes of a difference that are kept; its hash is over all of it."""
MOST_NAMES = 200
SECONDS = 20.0
"""Time allowed for one git command."""
_PIECE = 1 << 16


class Checkout(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One git checkout, as it was when an attempt began."""

    folder: str
    """Top folder of the working tree."""
    commit: str | None = None
    """``None`` before the first commit."""
    branch: str | None = None
    """``None`` if a commit was checked out without a branch."""
    changed: tuple[str, ...] = ()
    """Tracked files that differ from the commit, at most :data:`MOST_NAMES`, relative to ``folder``."""
    untracked: tuple[str, ...] = ()
    """Files that git neither tracks nor ignores, by name only, at most :data:`MOST_NAMES`."""
    diff_sha256: str | None = None
    """Over the whole difference between the commit and ``changed``; ``None`` if nothing differs."""
    diff_bytes: int = 0
    """Size of the whole difference, of which at most :data:`MOST_DIFF_BYTES` are kept."""
    redacted: int = 0
    """Number of values that looked like secrets and were replaced in what is kept."""

    @property
    def is_dirty(self) -> bool:
        """Whether tracked files differ from the commit."""
        return bool(self.changed)

    def __str__(self) -> str:
        at = "no commit yet" if self.commit is None else self.commit[:9]
        on = f" on {self.branch}" if self.branch else ""
        parts = [
            f"{len(names)} {what} file{'s' * (len(names) != 1)}"
            for names, what in ((self.changed, "changed"), (self.untracked, "untracked"))
            if names
        ]
        return f"{at}{on}" + (f", {' and '.join(parts)}" if parts else "")


class ReadCheckout(NamedTuple):
    """A checkout, with the kept part of the difference from its commit."""

    checkout: Checkout
    diff: str


def checkouts(paths: Sequence[Path], with_diff: bool = True) -> list[ReadCheckout]:
    """Find the git checkouts that track these files and folders, and how they differ from their commits.

    Paths that no repository tracks, such as an installed package, are left out.

    Args:
        paths: absolute paths of files and folders; what lies elsewhere in a checkout is not looked at.
        with_diff: whether to read the differences; the names of changed files are read either way.

    Raises:
        OSError: git cannot be run, or did not answer in time.
    """
    by_top: dict[str, list[Path]] = {}
    for path in paths:
        if path.exists() and (top := _top_of(path)) is not None:
            by_top.setdefault(top, []).append(path)
    return [_found(Path(top), inside, with_diff) for top, inside in by_top.items()]


def _top_of(path: Path) -> str | None:
    """Return the top folder of the checkout that tracks a path; ``None`` if none does."""
    folder = path if path.is_dir() else path.parent
    if not _git(folder, "ls-files", "-z", "--", str(path)):
        return None
    return _git(folder, "rev-parse", "--show-toplevel").decode(errors="replace").strip() or None


def _found(top: Path, paths: Sequence[Path], with_diff: bool) -> ReadCheckout:
    chosen = ["--", *(str(path) for path in paths)]
    status = ["status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=all"]
    commit = branch = None
    changed, untracked = list[str](), list[str]()
    for record in _git(top, *status, *chosen).decode(errors="replace").split("\0"):
        if record.startswith("# branch.oid "):
            oid = record.split(" ", 2)[2]
            commit = None if oid == "(initial)" else oid
        elif record.startswith("# branch.head "):
            head = record.split(" ", 2)[2]
            branch = None if head == "(detached)" else head
        elif record.startswith("1 "):
            changed.append(record.split(" ", 8)[8])
        elif record.startswith("u "):  # a merge under way
            changed.append(record.split(" ", 10)[10])
        elif record.startswith("? "):
            untracked.append(record[2:])
    checkout = Checkout(
        folder=str(top),
        commit=commit,
        branch=branch,
        changed=tuple(changed[:MOST_NAMES]),
        untracked=tuple(untracked[:MOST_NAMES]),
    )
    if not with_diff or not changed or commit is None:
        return ReadCheckout(checkout, "")
    return _with_difference(checkout, top, chosen)


def _with_difference(checkout: Checkout, top: Path, chosen: Sequence[str]) -> ReadCheckout:
    digest, size, kept = hashlib.sha256(), 0, bytearray()
    options = ["--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"]
    for piece in _pieces(top, "diff", "HEAD", *options, *chosen):
        digest.update(piece)
        size += len(piece)
        kept += piece[: max(0, MOST_DIFF_BYTES - len(kept))]
    whole = bytes(kept) if size <= MOST_DIFF_BYTES else bytes(kept[: kept.rfind(b"\n") + 1])
    text, count = redacted(whole.decode(errors="replace"))
    filled = msgspec.structs.replace(
        checkout, diff_sha256=digest.hexdigest(), diff_bytes=size, redacted=count
    )
    return ReadCheckout(filled, text)


def _command(folder: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    # A file system monitor named in a repository's own settings is a program: it is not run.
    command = ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *arguments]
    return command, os.environ | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def _git(folder: Path, *arguments: str) -> bytes:
    """Run git; return nothing if it refuses, as outside a repository.

    Raises:
        OSError: git cannot be run, or did not answer in time.
    """
    command, environment = _command(folder, *arguments)
    try:
        answer = subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=environment,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"git {arguments[0]} took more than {SECONDS:.0f} s") from error
    return answer.stdout if answer.returncode == 0 else b""


def _pieces(folder: Path, *arguments: str) -> Iterator[bytes]:
    """Run git and yield its output piece by piece, however long it is."""
    command, environment = _command(folder, *arguments)
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        env=environment,
    ) as process:
        assert process.stdout is not None
        while piece := process.stdout.read(_PIECE):
            yield piece
