"""Code changes between two runs, if their versions are in the repository at hand.

A run keeps a hash over the sources of ``core`` (:mod:`core.run.code_version`), which works wherever it was
trained, without git. This module searches the commits for one whose sources have that hash. If there is
none, the run was trained with uncommitted changes, or on other sources.
"""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

import core
from core.run.code_version import code_version, version_of

PACKAGE = "core"
MOST_COMMITS = 200
"""Number of commits searched, newest first; a hundred take a second."""


class CodeState(msgspec.Struct, frozen=True, kw_only=True):
    """The code that a run was trained with."""

    version: str
    """As in ``run.toml``."""
    commit: str | None = None
    """The newest commit with these sources; ``None``: uncommitted changes, or other sources."""
    is_here: bool = False
    """Whether these are the current sources on this computer."""
    recorded: str | None = None
    """Commit, branch and number of changed files, as the run recorded them."""

    def __str__(self) -> str:
        if self.commit is not None:
            return f"{self.version} (commit {self.commit[:9]})"
        if self.recorded is not None and not self.is_here:
            return f"{self.version} ({self.recorded})"
        return (
            f"{self.version} ({'as it is here, uncommitted' if self.is_here else 'no commit here'})"
        )


class CodeChange(msgspec.Struct, frozen=True, kw_only=True):
    """The difference between the code of two runs."""

    first: CodeState
    second: CodeState
    same: bool
    files: tuple[str, ...] = ()
    """Changed files of ``core``, each after its status letter in git (A added, D deleted, M changed)."""
    problem: str | None = None
    """Why the changed files cannot be listed, although the versions differ."""

    def __str__(self) -> str:
        files = ", ".join(self.files) or self.problem or "no file that git knows"
        return f"{self.first} → {self.second}: {files}"


class _Source(NamedTuple):
    path: str
    blob: str


def code_changes(
    versions: Sequence[str], root: Path | None = None, recorded: Sequence[str | None] = ()
) -> list[CodeChange]:
    """Compare the code of each run with that of the first.

    Args:
        versions: from ``run.toml``, two or more.
        recorded: for each version, the checkout that its run recorded, in words.
        root: the folder that holds ``core``; by default, the one it was imported from.
    """
    root = root or Path(core.__file__).resolve().parents[1]
    here = code_version(root / PACKAGE)
    head = _git(root, "rev-parse", "HEAD")
    commits = _commits_of(frozenset(versions), root, head[0]) if head else {}
    states = [
        CodeState(
            version=version, commit=commits.get(version), is_here=version == here, recorded=words
        )
        for version, words in zip_longest(versions, recorded)
    ]
    return [_change(states[0], state, root) for state in states[1:]]


def _change(first: CodeState, second: CodeState, root: Path) -> CodeChange:
    if first.version == second.version:
        return CodeChange(first=first, second=second, same=True)
    unknown = [s.version for s in (first, second) if s.commit is None and not s.is_here]
    if unknown:
        whose = f"{unknown[0]} is in no" if len(unknown) == 1 else "neither is in a"
        problem = f"{whose} commit here, so the changed files are not known"
        return CodeChange(first=first, second=second, same=False, problem=problem)
    return CodeChange(first=first, second=second, same=False, files=_files(first, second, root))


def _files(first: CodeState, second: CodeState, root: Path) -> tuple[str, ...]:
    """List the changed files; the working tree represents a side that is not committed."""
    if first.commit is None:
        ends = ["-R", second.commit or ""]
    else:
        ends = [first.commit, *([second.commit] if second.commit else [])]
    lines = _git(root, "diff", "--no-renames", "--name-status", *ends, "--", f"{PACKAGE}/*.py")
    return tuple(line.replace("\t", " ") for line in lines)


@cache
def _commits_of(wanted: frozenset[str], root: Path, head: str) -> dict[str, str]:
    """Find the newest commit of each version; stop when all are found.

    A version that no commit has costs a search of them all, hence the cache.
    """
    found: dict[str, str] = {}
    count = f"--max-count={MOST_COMMITS}"
    commits = _git(root, "log", head, count, "--format=%H", "--", f"{PACKAGE}/*.py")
    if not commits:
        return found
    with _contents(root) as read:
        known: dict[str, bytes] = {}
        for commit in commits:
            if wanted <= found.keys():
                break
            sources = _sources(root, commit)
            for source in sources:
                if source.blob not in known:
                    known[source.blob] = read.blob(source.blob)
            version = version_of((source.path, known[source.blob]) for source in sources)
            if version in wanted:
                found.setdefault(version, commit)
    return found


def _sources(root: Path, commit: str) -> list[_Source]:
    lines = _git(root, "ls-tree", "-r", "--format=%(objectname) %(path)", commit, f"{PACKAGE}/")
    pairs = (line.split(" ", 1) for line in lines if line.endswith(".py"))
    return [_Source(path.removeprefix(f"{PACKAGE}/"), blob) for blob, path in pairs]


def _git(root: Path, *arguments: str) -> list[str]:
    """Run git; return nothing if there is no git, or no repository."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return []
    return answer.stdout.splitlines()


class _Reader:
    """Return the contents of blobs, read by one git process."""

    def __init__(self, ask: IO[bytes], answer: IO[bytes]) -> None:
        self._ask, self._answer = ask, answer

    def blob(self, name: str) -> bytes:
        self._ask.write(f"{name}\n".encode())
        self._ask.flush()
        size = int(self._answer.readline().split()[2])
        return self._answer.read(size + 1)[:-1]


@contextmanager
def _contents(root: Path) -> Iterator[_Reader]:
    command = ["git", "-C", str(root), "cat-file", "--batch"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield _Reader(process.stdin, process.stdout)
        process.stdin.close()
