"""The checkpoints of a run: immutable files, and pointers that say which of them count.

A file is written completely (:mod:`core.training.checkpoint_file`) before pointers (``last.json``,
``best.json``, ``epoch-0005.json``) refer to it with its sha256. A file without a pointer does not count
and is removed after the next save; a file with a pointer is never modified.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import CheckpointError
from core.run.emitter import Emitter
from core.run.events import CheckpointSaved
from core.run.records import Pointer
from core.run.rundir import EPOCH_POINTER, RunDir
from core.training.checkpoint_file import read_checkpoint, write_checkpoint

FILE = re.compile(r"step-\d{7,}(-\d+)?\.pt")
"""Pattern of a checkpoint's file name."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint in memory, with its tensors on the CPU."""

    pointer: Pointer
    content: dict[str, Any]
    """The parts of :data:`~core.training.checkpoint_file.PARTS`, and ``format``."""


class CheckpointStore:
    """The checkpoints of one run. One attempt writes; any process may read.

    Args:
        run_dir: the run's folder.
        keep_last: how many checkpoints of single epochs to keep; ``None`` keeps all.
    """

    def __init__(self, run_dir: RunDir, keep_last: int | None = None) -> None:
        self._run_dir = run_dir
        self._keep_last = keep_last
        self._folder = run_dir.checkpoints

    def save(
        self,
        content: dict[str, Any],
        *,
        emitter: Emitter,
        epoch: int,
        step: int,
        pointers: Sequence[str],
        metric: float | None = None,
    ) -> Pointer:
        """Write a checkpoint, set ``pointers`` to it, and announce it.

        The file itself lists its pointers, so that a kill between two of them can be
        repaired: see :meth:`settle`.

        Raises:
            UserError: the folder cannot be written; earlier checkpoints are unchanged.
        """
        file = self._free_name(step)
        before = self._last_file()
        sha256, size = write_checkpoint(self._folder / file, {**content, "pointers": [*pointers]})
        written: list[Pointer] = []

        def announce(seq: int) -> tuple[type[CheckpointSaved], dict[str, Any]]:
            pointer = Pointer(
                file=file,
                sha256=sha256,
                bytes=size,
                epoch=epoch,
                step=step,
                attempt=emitter.attempt,
                seq=seq,
                metric=metric,
            )
            for name in pointers:
                self._run_dir.write_pointer(name, pointer)
            written.append(pointer)
            shown = tuple(name for name in pointers if name in ("last", "best"))
            return CheckpointSaved, {
                "epoch": epoch,
                "step": step,
                "file": file,
                "sha256": sha256,
                "bytes": size,
                "pointers": shown,
                "metric": metric,
            }

        emitter.reserve(announce)
        self._forget_epochs()
        self._remove_unnamed(kept=before)
        return written[0]

    def load(self, name: str) -> Checkpoint | None:
        """Read the checkpoint that ``last``, ``best`` or ``epoch-0005`` points to; ``None`` without one.

        Raises:
            CheckpointError: the pointer or the file is damaged or has a newer format.
        """
        pointer = self._run_dir.read_pointer(name)
        if pointer is None:
            return None
        return Checkpoint(pointer, read_checkpoint(self._folder / pointer.file, pointer.sha256))

    def load_newest(self, tell: Callable[[str], None]) -> Checkpoint | None:
        """Read the valid checkpoint with the most steps; ``None`` if the run has none at all.

        A damaged one is reported in a sentence, and the next older one is used instead.

        Raises:
            CheckpointError: there are checkpoints, but none can be read.
        """
        problems: list[str] = []
        for pointer in self._pointers(problems):
            try:
                content = read_checkpoint(self._folder / pointer.file, pointer.sha256)
            except CheckpointError as error:
                problems.append(str(error))
                continue
            for problem in problems:
                tell(f"{problem}; going on from {pointer.file} (step {pointer.step}) instead")
            return Checkpoint(pointer, content)
        if problems:
            raise CheckpointError(
                f"{problems[0]}; no other checkpoint can be used: remove {self._folder}, and"
                " `mabe resume --from-scratch` starts again"
            )
        return None

    def settle(self, checkpoint: Checkpoint) -> None:
        """Set all pointers of a checkpoint that should refer to it, before training continues from it.

        A kill between two pointers leaves some of them on an older checkpoint, where they would stay if
        training ended right there.
        """
        named = self.pointers()
        for name in checkpoint.content["pointers"]:
            if named.get(name) != checkpoint.pointer:
                self._run_dir.write_pointer(str(name), checkpoint.pointer)

    def pointers(self) -> dict[str, Pointer]:
        """Return all readable pointers by name, without opening what they name."""
        return dict(self._read_pointers([]))

    def _pointers(self, problems: list[str]) -> list[Pointer]:
        """Return the files that count, newest first, without duplicates; append errors to ``problems``."""
        found = {pointer.file: pointer for _, pointer in self._read_pointers(problems)}
        return sorted(
            found.values(), key=lambda p: (p.step, p.epoch, p.attempt, p.seq), reverse=True
        )

    def _read_pointers(self, problems: list[str]) -> list[tuple[str, Pointer]]:
        found: list[tuple[str, Pointer]] = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                pointer = self._run_dir.read_pointer(path.stem)
            except CheckpointError as error:
                problems.append(str(error))
                continue
            if pointer is None:
                continue
            if FILE.fullmatch(pointer.file):
                found.append((path.stem, pointer))
            else:
                problems.append(f"{path}: not a checkpoint pointer (names {pointer.file!r})")
        return found

    def _free_name(self, step: int) -> str:
        """Return the next file name: a file that counts is never overwritten, even if a step is repeated."""
        named = {pointer.file for pointer in self.pointers().values()}
        file, ordinal = f"step-{step:07d}.pt", 1
        while file in named:
            ordinal += 1
            file = f"step-{step:07d}-{ordinal}.pt"
        return file

    def _forget_epochs(self) -> None:
        """Remove the pointers to single epochs' checkpoints, except for the newest ones."""
        if self._keep_last is None:
            return
        kept = {
            name: pointer.epoch
            for name, pointer in self.pointers().items()
            if EPOCH_POINTER.fullmatch(name)
        }
        for name in sorted(kept, key=lambda each: kept[each])[: -self._keep_last]:
            (self._folder / f"{name}.json").unlink(missing_ok=True)

    def _last_file(self) -> str | None:
        try:
            pointer = self._run_dir.read_pointer("last")
        except CheckpointError:
            return None
        return pointer.file if pointer is not None else None

    def _remove_unnamed(self, kept: str | None) -> None:
        """Remove files without a pointer, but keep the previous ``last`` until the next save.

        A volume's commit takes a while: it may have captured the older pointer, whose file must then still
        exist.
        """
        problems: list[str] = []
        named = {kept, *(pointer.file for _, pointer in self._read_pointers(problems))}
        if problems:
            return  # the target of a damaged pointer is unknown: keep everything
        whole = [path for path in self._folder.glob("step-*.pt") if FILE.fullmatch(path.name)]
        cut_short = self._folder.glob(".step-*.tmp")  # left by a kill: our own write is complete
        for path in (*whole, *cut_short):
            if path.name not in named:
                path.unlink(missing_ok=True)
