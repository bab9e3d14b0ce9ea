"""Finding the commit of a run's code by the hash of its sources, in a temporary repository."""

import subprocess
from pathlib import Path

import pytest

from core.run.code_version import code_version
from mabe_tui.runs.comparison.code import CodeState, code_changes


class Repository:
    """A repository with a package ``core`` and something beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "--quiet")

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        command = ["git", "-C", str(self.root), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def write(self, path: str, text: str) -> str:
        """Write a file and give the version that the code has now."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return code_version(self.root / "core")

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", "m")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_the_files_between_two_commits(repository: Repository) -> None:
    repository.write("core/a/one.py", "1")
    repository.write("core/a-b.py", "sorts after the folder a")
    first = repository.write("core/gone.py", "1")
    begin = repository.commit()
    repository.write("core/a/one.py", "2")
    (repository.root / "core/gone.py").unlink()
    second = repository.write("core/new.py", "1")
    end = repository.commit()
    repository.write("docs/page.py", "not the package")
    repository.commit()
    (change,) = code_changes([first, second], repository.root)
    assert (change.first.commit, change.second.commit) == (begin, end)
    assert change.files == ("M core/a/one.py", "D core/gone.py", "A core/new.py")
    assert (change.same, change.problem, change.second.is_here) == (False, None, True)


def test_what_is_not_committed_is_held_against_the_commit(repository: Repository) -> None:
    before = repository.write("core/one.py", "1")
    repository.commit()
    now = repository.write("core/one.py", "2")
    (change,) = code_changes([before, now], repository.root)
    assert (change.second.commit, change.second.is_here) == (None, True)
    assert change.files == ("M core/one.py",)
    (back,) = code_changes([now, before], repository.root)
    assert back.files == ("M core/one.py",)


def test_code_from_elsewhere_is_said_to_be(repository: Repository) -> None:
    here = repository.write("core/one.py", "1")
    repository.commit()
    same, other = code_changes([here, here, "0123456789ab"], repository.root)
    assert same.same
    assert other.files == ()
    assert "0123456789ab is in no commit here" in str(other.problem)


def test_the_commit_is_told_also_of_equal_code(repository: Repository) -> None:
    here = repository.write("core/one.py", "1")
    commit = repository.commit()
    (change,) = code_changes([here, here], repository.root)
    assert (change.same, change.second.commit) == (True, commit)
    assert "uncommitted" not in str(change)


def test_without_a_repository_the_versions_are_all_there_is(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (change,) = code_changes(["a" * 12, "b" * 12], tmp_path)
    assert not change.same
    assert change.problem is not None


def test_the_sources_that_are_imported_are_those_here() -> None:
    (change,) = code_changes([code_version(), code_version()])
    assert change.same
    assert change.first.is_here


def test_code_that_no_commit_has_is_told_by_what_its_run_recorded() -> None:
    state = CodeState(version="00", recorded="1234abc on trunk, 1 changed file")
    assert str(state) == "00 (1234abc on trunk, 1 changed file)"
    assert str(CodeState(version="00", commit="5" * 40, recorded="x")) == f"00 (commit {'5' * 9})"
