"""Archives of runs: the same run again, and nothing that must not be unpacked."""

import hashlib
import shutil
import stat
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from core.errors import RunError
from core.run.records import Handle
from core.run.request import Input
from core.run.rundir import RunDir
from mabe_tui.runs.actions.manage import ARRIVING_PREFIX, plan_gc
from mabe_tui.runs.archives import manifest as manifests
from mabe_tui.runs.archives import unpack as unpacking
from mabe_tui.runs.archives.manifest import MANIFEST, ArchiveManifest
from mabe_tui.runs.archives.pack import missing_checkpoints, pack
from mabe_tui.runs.archives.unpack import UnpackedRun, unpack
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.run_summary import summary_of
from tests.recorded import RECORDINGS, write


def quiet(done: int, total: int, what: str) -> None:
    """Show no progress."""


def packed(run: RunDir, into: Path) -> Path:
    pack(RunEntry(run), into, quiet)
    return into


def unpacked(archive: Path, home: Path) -> UnpackedRun:
    return unpack(archive, home, quiet)


def hashes(run: RunDir) -> dict[str, tuple[str, int]]:
    return {
        path.relative_to(run.path).as_posix(): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in run.path.rglob("*")
        if path.is_file() and not path.name.endswith(".lock")
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A run and, beside its home, its archive."""
    run = write(tmp_path_factory.mktemp("written") / "home", replace(RECORDINGS[0], epochs=3))
    packed(run, run.path.parents[2] / "run.zip")
    return run


@pytest.fixture
def run(written: RunDir, tmp_path: Path) -> RunDir:
    return RunDir(shutil.copytree(written.path, tmp_path / "home" / "runs" / written.id))


@pytest.fixture
def archive(written: RunDir, tmp_path: Path) -> Path:
    return shutil.copy(written.path.parents[2] / "run.zip", tmp_path / "run.zip")


def test_an_unpacked_run_is_the_same_run(run: RunDir, archive: Path, tmp_path: Path) -> None:
    found = unpacked(archive, tmp_path / "elsewhere")
    assert not found.was_here
    assert hashes(found.run) == hashes(run)
    assert "checkpoints/best.json" in hashes(run)
    before, after = summary_of(RunEntry(run)), summary_of(RunEntry(found.run))
    assert after == before
    assert archive.read_bytes() == packed(found.run, tmp_path / "again.zip").read_bytes()


def test_a_run_that_is_here_is_left_alone(run: RunDir, archive: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert unpacked(archive, home).was_here
    (run.path / "about.toml").write_text('note = "another"\n')
    with pytest.raises(RunError, match=r"here already, and its about\.toml is not that"):
        unpacked(archive, home)
    assert (run.path / "about.toml").read_text() == 'note = "another"\n'


def test_what_is_alive_is_refused(run: RunDir, tmp_path: Path) -> None:
    run.claim_attempt()  # a start that has said nothing yet
    target = tmp_path / "run.zip"
    with pytest.raises(RunError, match="is queued; an archive is made of a run that has ended"):
        packed(run, target)
    assert not target.exists()


def test_a_link_in_a_run_is_refused(run: RunDir, tmp_path: Path) -> None:
    (run.path / "link").symlink_to("/etc/hostname")
    with pytest.raises(RunError, match="a link or a device"):
        packed(run, tmp_path / "run.zip")


def test_locks_and_half_written_files_stay_behind(run: RunDir, tmp_path: Path) -> None:
    (run.path / ".run.toml.lock").touch()
    (run.path / "checkpoints" / ".step.pt.1f.tmp").write_bytes(b"half")
    found = unpacked(packed(run, tmp_path / "run.zip"), tmp_path / "elsewhere")
    assert not [*found.run.path.rglob(".*")]


def test_runs_that_it_was_made_of_are_named(run: RunDir, tmp_path: Path) -> None:
    other = write(tmp_path / "home", RECORDINGS[1])
    inputs = (Input(run=other.id, file="step.pt", sha256="0"),)
    run.change_request(lambda request: msgspec.structs.replace(request, inputs=inputs))
    archive = packed(run, tmp_path / "run.zip")
    assert unpacked(archive, tmp_path / "elsewhere").missing == (other.id,)
    assert unpacked(archive, tmp_path / "home").missing == ()


def test_a_checkpoint_that_is_elsewhere_is_named(run: RunDir) -> None:
    assert missing_checkpoints(run) == []
    pointer = run.read_pointer("best")
    assert pointer is not None
    (run.checkpoints / pointer.file).unlink()
    assert "best" in missing_checkpoints(run)


# ── what must not be unpacked ─────────────────────────────────────────────────────────────────


def rewritten(
    archive: Path, change: Callable[[zipfile.ZipFile, ArchiveManifest], ArchiveManifest | None]
) -> Path:
    """Copy an archive, with entries that ``change`` adds, and the manifest that it returns."""
    target = archive.with_name("evil.zip")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            if entry.filename != MANIFEST:
                new.writestr(entry, old.read(entry))
        manifest = msgspec.json.decode(old.read(MANIFEST), type=ArchiveManifest)
        changed = change(new, manifest)
        if changed is not None:
            new.writestr(MANIFEST, msgspec.json.encode(changed))
    return target


def with_file(
    name: str, content: bytes = b"x", mode: int = 0o100644
) -> Callable[..., ArchiveManifest]:
    def change(archive: zipfile.ZipFile, manifest: ArchiveManifest) -> ArchiveManifest:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        archive.writestr(entry, content)
        file = manifests.ArchivedFile(
            path=name, bytes=len(content), sha256=hashlib.sha256(content).hexdigest(), modified_ns=0
        )
        return msgspec.structs.replace(manifest, files=(*manifest.files, file))

    return change


def refused(archive: Path, home: Path, match: str) -> None:
    with pytest.raises(RunError, match=match) as caught:
        unpacked(archive, home)
    assert "\n" not in str(caught.value)
    assert not home.exists() or not [*home.rglob("*.toml")], "nothing is left"


@pytest.mark.parametrize(
    "name",
    ["../out.txt", "/etc/out.txt", "a/../../out", "a\\..\\b", "C:/out", "./a", "a//b", "a\nb"],
)
def test_a_name_that_leads_out_is_refused(archive: Path, tmp_path: Path, name: str) -> None:
    evil = rewritten(archive, with_file(name))
    refused(evil, tmp_path / "elsewhere", "refused: ")
    assert not (tmp_path / "out.txt").exists()


def test_links_are_refused(archive: Path, tmp_path: Path) -> None:
    evil = rewritten(archive, with_file("log", b"/etc/passwd", stat.S_IFLNK | 0o777))
    refused(evil, tmp_path / "elsewhere", "is a link or a device")


def test_a_bomb_is_refused(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = tmp_path / "bomb.zip"
    shutil.copy(archive, evil)
    monkeypatch.setattr(manifests, "LARGE_BYTES", 1 << 20)
    with zipfile.ZipFile(evil, "a", zipfile.ZIP_DEFLATED) as archived:
        archived.writestr("attempts/zeros", bytes(2 << 20))
    refused(evil, tmp_path / "elsewhere", r"would grow 1,0\d\d-fold")


def test_more_than_the_disk_holds_is_refused(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "SPARE_BYTES", 1 << 60)
    refused(archive, tmp_path / "elsewhere", "free some space")


def test_a_changed_file_is_damage(archive: Path, tmp_path: Path) -> None:
    def change(_: zipfile.ZipFile, manifest: ArchiveManifest) -> ArchiveManifest:
        first = msgspec.structs.replace(manifest.files[0], sha256="0" * 64)
        return msgspec.structs.replace(manifest, files=(first, *manifest.files[1:]))

    refused(
        rewritten(archive, change), tmp_path / "elsewhere", "damaged: .* is not what was archived"
    )


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda *_: None, "not an archive of a run"),
        (lambda _, m: msgspec.structs.replace(m, run="../x"), "is not the id of a run"),
        (lambda _, m: msgspec.structs.replace(m, format=9), "newer mabe"),
        (lambda _, m: msgspec.structs.replace(m, files=m.files[1:]), "are not those that"),
        (
            lambda _, m: msgspec.structs.replace(m, run="v6-20261121T031500-k3f9"),
            r"its run\.toml is of",
        ),
    ],
)
def test_a_wrong_manifest_is_refused(archive: Path, tmp_path: Path, change, match: str) -> None:
    refused(rewritten(archive, change), tmp_path / "elsewhere", match)


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.999])
def test_a_file_that_was_cut_off_is_refused(archive: Path, tmp_path: Path, keep: float) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * keep)])
    refused(archive, tmp_path / "elsewhere", "not an archive of a run, or damaged or cut off")


def test_flipped_bytes_are_refused(archive: Path, tmp_path: Path) -> None:
    content = bytearray(archive.read_bytes())
    content[200:210] = bytes(10)
    archive.write_bytes(content)
    refused(archive, tmp_path / "elsewhere", "damaged")


def test_a_handle_of_elsewhere_makes_nothing_alive(run: RunDir, tmp_path: Path) -> None:
    handle = Handle(
        launcher="local", attempt=run.attempts()[-1], reference={"pid": 1, "create_time": 0}
    )
    run.write_handle(handle)
    found = unpacked(packed(run, tmp_path / "run.zip"), tmp_path / "elsewhere")
    assert not summary_of(RunStore(tmp_path / "elsewhere").find(found.run.id)).state.is_alive


def test_what_a_killed_unpacking_left_is_cleaned_up(run: RunDir, tmp_path: Path) -> None:
    home = tmp_path / "home"
    half = home / "runs" / f"{ARRIVING_PREFIX}{run.id}-00ff"
    half.mkdir()
    (half / "run.toml").write_text("half")
    assert [entry.id for entry in RunStore(home).entries()] == [run.id]
    assert half in [path for removal in plan_gc(home, False) for path in removal.paths]
