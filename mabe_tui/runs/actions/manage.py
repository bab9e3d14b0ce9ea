"""Tags, notes, and cleaning up: what can be removed, what is kept, and the space that is freed."""

import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from core.errors import CheckpointError, RunError
from core.run import places
from core.run.records import About
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import RunState, launcher_named, unknown_words
from mabe_tui.runs.actions.sizes import folder_size
from mabe_tui.runs.listing.catalog import FILE as CATALOG
from mabe_tui.runs.reading.thin_history import thin_history
from mabe_tui.runs.store import RunEntry, RunStore, is_run_id
from mabe_tui.runs.summary.checkpoints import CORE_POINTERS, pointer_names
from mabe_tui.runs.summary.run_summary import state_of

CHECKPOINT_PATTERN = "*.pt"
TEMPORARY_PATTERN = ".*.tmp"
REMOVED_PREFIX = ".removed-"
ARRIVING_PREFIX = ".arriving-"
"""Prefix of a folder into which an archive is being unpacked: no list shows it."""
LEFT_OVER = (REMOVED_PREFIX, ARRIVING_PREFIX)
TAG_LENGTH, NOTE_LENGTH = 64, 2000
"""Maximum lengths in characters: a tag fits a column, a note a screen."""
SHOWN_LENGTH = 20
"""Characters of an overlong text that an error quotes."""


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be removed, and why."""

    what: str
    """A run's id, or ``cache``."""
    reason: str
    paths: tuple[Path, ...]
    """In the order of removal: a pointer before the file that it names."""
    bytes: int
    for_good: bool = False
    """Whether it is not kept in the trash: it can be made again, or was cut short."""


def tag(run: RunDir, add: Iterable[str] = (), remove: Iterable[str] = ()) -> About:
    """Add and remove tags; each is kept once, in the order in which they were added.

    Raises:
        RunError: a tag is empty, too long, or holds white space, a comma or a control character.
        UserError: they cannot be written.
    """
    added, gone = [require_tag(name) for name in add], set(remove)

    def changed(about: About) -> About:
        tags = tuple(dict.fromkeys(t for t in (*about.tags, *added) if t not in gone))
        return msgspec.structs.replace(about, tags=tags)

    return run.change_about(changed)


def require_tag(name: str) -> str:
    """Return a valid tag.

    Raises:
        RunError: it is empty, too long, or holds white space, a comma or a control character.
    """
    if not name or any(c.isspace() or c == "," or not c.isprintable() for c in name):
        raise RunError(f"{name!r} cannot be a tag: one word, without commas")
    if len(name) > TAG_LENGTH:
        raise RunError(
            f"{name[:SHOWN_LENGTH]}… cannot be a tag: {len(name)} characters, {TAG_LENGTH} at most"
        )
    return name


def note(run: RunDir, text: str) -> About:
    """Replace the note; an empty one removes it.

    Raises:
        RunError: it is too long.
        UserError: it cannot be written.
    """
    text = text.strip()
    if len(text) > NOTE_LENGTH:
        raise RunError(f"the note has {len(text)} characters; {NOTE_LENGTH} at most")
    return run.change_about(lambda about: msgspec.structs.replace(about, note=text))


Ensembles = Mapping[str, Sequence[str]]
"""Run → the ensembles that predict with it."""


def removal_of(
    entry: RunEntry, whole: bool, force: bool = False, ensembles: Ensembles | None = None
) -> Removal:
    """Plan the removal of one run: of all files, or of those that ``compare`` does not need.

    Args:
        entry: the run.
        whole: remove all files.
        force: also if it cannot be determined whether the run is alive; this does not stop it.
        ensembles: what :func:`ensembles_of` found, if the removals of several runs are planned.

    Raises:
        RunError: it is running, or may be; or the folder is not a run of ours.
    """
    _require_dead(entry, force)
    if not is_run_id(entry.id):
        raise RunError(
            f"{entry.run.path}: not named like a run; remove it by hand if it is not needed"
        )
    if ensembles is None:
        ensembles = ensembles_of(entry.run.path.parent.parent)
    loss = _loss(ensembles.get(entry.id, ()))
    if whole:
        return _removal(entry.id, f"the whole run{loss}", [entry.run.path])
    pointers = [entry.run.checkpoints / f"{name}.json" for name in pointer_names(entry.run)]
    logs = [entry.run.log_path(attempt) for attempt in entry.run.attempts()]
    heavy = [*pointers, entry.run.checkpoints, *logs]
    if entry.request is None:
        raise RunError(
            f"{entry.problem}; what `mabe compare` needs of it cannot be told from the rest:"
            f" `mabe rm --all {entry.id}` removes all of it"
        )
    reason = "checkpoints and logs; settings, events and evaluation stay for compare" + loss
    return _removal(entry.id, reason, [path for path in heavy if path.exists()])


def ensembles_of(home: Path) -> Ensembles:
    """Return which ensembles predict with the checkpoints of each run."""
    found: dict[str, list[str]] = {}
    for entry in RunStore(home).entries():
        if entry.request is not None:
            for member in dict.fromkeys(each.run for each in entry.request.inputs):
                found.setdefault(member, []).append(entry.id)
    return found


def _loss(ensembles: Sequence[str]) -> str:
    """Say which ensembles cannot predict any more without a run's checkpoints."""
    return f"; {', '.join(ensembles)} cannot predict without it" if ensembles else ""


def plan_gc(home: Path, everything: bool) -> list[Removal]:
    """List what can be removed: checkpoints of single epochs, runs without results, caches.

    Everything that ``compare`` needs (settings, events, evaluation, the best checkpoint) stays, and live
    runs are not touched. ``everything`` also removes failed and lost runs that completed epochs.
    """
    entries = RunStore(home).entries()
    readable = [entry for entry in entries if entry.request is not None]
    states = {entry.id: state_of(entry) for entry in readable}
    removals: list[Removal] = []
    for entry in readable:
        removals += _run_removals(entry, states[entry.id], everything)
    halves = sorted(path for prefix in LEFT_OVER for path in places.runs(home).glob(f"{prefix}*"))
    removals.append(_removal("runs", "left over by a removal cut short", halves, for_good=True))
    busy = any(state.is_alive for state in states.values())
    for path in [] if busy else _children(places.cache(home)):
        reason = f"{path.name}: can be made again"
        removals.append(_removal("cache", reason, [path], for_good=True))
    return [removal for removal in removals if removal.paths]


def remove(removals: Sequence[Removal]) -> int:
    """Remove the planned items for good; return the number of bytes freed.

    :func:`mabe_tui.runs.actions.discard.discard` moves runs to the trash instead.

    Folders are renamed first, so that an interrupted removal leaves no partial run behind.

    Raises:
        RunError: an item cannot be removed; those before it are gone.
    """
    for path in (path for removal in removals for path in removal.paths):
        try:
            _remove(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise RunError(f"{path}: cannot be removed ({error.strerror or error})") from error
    return sum(removal.bytes for removal in removals)


def _run_removals(entry: RunEntry, state: RunState, everything: bool) -> list[Removal]:
    if state.is_alive or state is RunState.UNKNOWN or not is_run_id(entry.id):
        return []
    saved = (entry.run.checkpoints / "last.json").exists()
    came_to_nothing = not saved and not thin_history(entry.run).epochs
    failed = state in (RunState.FAILED, RunState.LOST)
    if came_to_nothing or (everything and failed):
        reason = f"{state} before its first epoch was over" if came_to_nothing else f"{state}"
        return [_removal(entry.id, reason, [entry.run.path])]
    return [
        _removal(entry.id, "checkpoints of single epochs", _spare_checkpoints(entry.run)),
        _removal(
            entry.id,
            "left over by writes and removals cut short",
            _left_over(entry.run),
            for_good=True,
        ),
    ]


def _spare_checkpoints(run: RunDir) -> list[Path]:
    """List pointers that keep single epochs only, then the files that no other pointer names."""
    try:
        kept = {p.file for name in CORE_POINTERS if (p := run.read_pointer(name)) is not None}
    except CheckpointError:
        return []  # the damaged pointer may name any file: keep everything
    spare = [name for name in pointer_names(run) if name not in CORE_POINTERS]
    files = [path for path in run.checkpoints.glob(CHECKPOINT_PATTERN) if path.name not in kept]
    return [*(run.checkpoints / f"{name}.json" for name in spare), *sorted(files)]


def _left_over(run: RunDir) -> list[Path]:
    halves = sorted(run.path.glob(f"{REMOVED_PREFIX}*"))
    temporary = sorted(path for path in run.path.rglob(TEMPORARY_PATTERN) if path.is_file())
    return [*halves, *(path for path in temporary if not set(path.parents) & set(halves))]


def _require_dead(entry: RunEntry, force: bool) -> None:
    state, handle = state_of(entry), entry.run.read_handle()
    if entry.request is None and handle is not None:  # its job may still be running
        state = launcher_named(handle.launcher).state(entry.run)
    if state.is_alive:
        raise RunError(f"{entry.id} is {state}; stop it first (mabe stop {entry.id})")
    is_unknown = entry.request is not None or handle is not None
    if state is RunState.UNKNOWN and is_unknown and not force:
        raise RunError(
            f"{unknown_words(entry.run)}; nothing was removed (--force removes what is here of it, and"
            " stops nothing)"
        )


def _removal(what: str, reason: str, paths: Sequence[Path], for_good: bool = False) -> Removal:
    size = sum(folder_size(path) for path in paths)
    return Removal(what=what, reason=reason, paths=tuple(paths), bytes=size, for_good=for_good)


def _children(folder: Path) -> list[Path]:
    found = folder.iterdir() if folder.is_dir() else ()
    # the list of runs is small and rebuilt at the next look; a lock is empty
    return sorted(path for path in found if path.name != CATALOG and path.suffix != ".lock")


def _remove(path: Path) -> None:
    if not path.is_dir() or path.is_symlink():
        path.unlink()
        return
    hidden = path.with_name(f"{REMOVED_PREFIX}{path.name}-{secrets.token_hex(4)}")
    path.rename(hidden)
    shutil.rmtree(hidden)
