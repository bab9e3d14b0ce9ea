"""Which models a run fits, and the tables that they are fitted on."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.boosting.features import CHUNK, WindowFeatures
from core.boosting.geometry import PARTS_BY_VALUE
from core.boosting.reading import VideoReader, parts_of
from core.boosting.rolling import Columns
from core.boosting.sampling import Strides
from core.data.prepared import PreparedData
from core.tasks.actions.pair_rows import PairRows

MOST_PARTS = 8
"""Body parts that a model sees: their distances grow with the square."""
SPACING_MS = 200.0
"""Training frames are that far from each other, unless an action has few."""
LEAST_FRAMES = 10
"""Of an action in the training videos; with fewer, no model is fitted."""


@dataclass(frozen=True, slots=True)
class LabTable:
    """The rows of one lab, of mice alone or of pairs, and the models that are fitted on them."""

    lab: str
    is_pair: bool
    rows: tuple[int, ...]
    """Among the training rows."""
    actions: tuple[int, ...]
    """Places of those with a model."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingTable:
    """The examples of a :class:`LabTable`."""

    features: Columns
    labels: npt.NDArray[np.bool_]
    """``(examples, actions)``."""
    annotated: npt.NDArray[np.bool_]
    """``(examples, actions)``."""
    weights: npt.NDArray[np.float32]
    """``(examples,)``."""


class BoostPlan:
    """The models of a run, in the order in which they are fitted.

    Args:
        data: the prepared videos.
        rows: of the training videos.
        labs: whose models are wanted: those that are validated on or, without any, all.
        rate: frames per second of the models.
    """

    def __init__(
        self, data: PreparedData, rows: PairRows, labs: Sequence[str], rate: float
    ) -> None:
        self._data, self._rows, self._rate = data, rows, rate
        lab_of = np.array([data.videos[video].lab_id for video in rows.video])
        counts = rows.action_frames(range(len(rows)))
        self.parts = {
            lab: parts_of(
                [
                    self.reader(video)
                    for video in sorted({int(v) for v in rows.video[lab_of == lab]})
                ],
                data.slots,
                PARTS_BY_VALUE,
                MOST_PARTS,
            )
            for lab in labs
            if (lab_of == lab).any()
        }
        self.tables: tuple[LabTable, ...] = tuple(
            LabTable(lab, is_pair, tuple(mine.tolist()), tuple(enough.tolist()))
            for lab in labs
            if self.parts.get(lab)  # nothing is known of a lab without a known body part
            for is_pair in (False, True)
            if (
                mine := np.flatnonzero((lab_of == lab) & (rows.is_pair == is_pair) & rows.tracked)
            ).size
            and (enough := np.flatnonzero(counts[mine].sum(axis=0) >= LEAST_FRAMES)).size
        )

    @property
    def models(self) -> int:
        """Number of models."""
        return sum(len(table.actions) for table in self.tables)

    def label(self, table: LabTable, action: int) -> str:
        """Return the name of a model, ``LAB/ACTION``."""
        return f"{table.lab}/{self._rows.actions[action]}"

    def features(self, table: LabTable) -> WindowFeatures:
        """Return what computes the inputs of a table's models."""
        return WindowFeatures(self.parts[table.lab], self._rate, table.is_pair)

    def reader(self, video: int) -> VideoReader:
        """Return what reads a video at the models' rate."""
        return reader_of(self._data, video, self._rate)

    def read(
        self, table: LabTable, most: int, seed: int, beat: Callable[[], None] = lambda: None
    ) -> TrainingTable:
        """Make the examples of a table; memory is that of about ``most`` of them and one chunk of a video.

        Args:
            table: one of :attr:`tables`.
            most: examples, about.
            seed: of which frames are taken.
            beat: called now and then; what it raises ends the reading.
        """
        taken = list(self._taken(table, most, seed))
        features = self.features(table)
        total = sum(len(frames) for _, frames, _, _ in taken)
        matrix = np.empty((total, len(features.names)), np.float32)
        at = 0
        for row, frames, _, _ in taken:
            video = self.reader(int(self._rows.video[row]))
            read = video.row(int(self._rows.agent_slot[row]), int(self._rows.target_slot[row]))
            for part, values in features.chunks(read, video.frames, CHUNK):
                beat()
                first, stop = np.searchsorted(frames, [part.start, part.stop])
                wanted = frames[first:stop] - part.start
                matrix[at : at + len(wanted)] = values[wanted]
                at += len(wanted)
        return TrainingTable(
            features=matrix,
            labels=np.concatenate([labels for _, _, labels, _ in taken]),
            annotated=np.concatenate(
                [
                    np.repeat(self._rows.mask[row][None], len(frames), 0)
                    for row, frames, _, _ in taken
                ]
            ),
            weights=np.concatenate([weights for *_, weights in taken]),
        )

    def _taken(
        self, table: LabTable, most: int, seed: int
    ) -> Iterator[
        tuple[int, npt.NDArray[np.int64], npt.NDArray[np.bool_], npt.NDArray[np.float32]]
    ]:
        """Yield the frames taken of each row, their labels, and what each stands for."""
        readers = {row: self.reader(int(self._rows.video[row])) for row in table.rows}
        ratios = np.array([readers[row].ratio for row in table.rows])
        counts = (self._rows.action_frames(table.rows) / ratios[:, None]).sum(axis=0)
        frames = sum(reader.frames for reader in readers.values())
        spacing = max(1, round(SPACING_MS / 1000 * self._rate))
        strides = Strides.of(counts.astype(np.int64), frames, most, spacing)
        for row in table.rows:
            labels = self._rows.labels(row, readers[row].nearest()).astype(np.bool_)
            phase = np.random.default_rng([seed, zlib.crc32(table.lab.encode()), row]).random()
            chosen, weights = strides.frames(labels, phase)
            yield row, chosen, labels[chosen], weights


def reader_of(data: PreparedData, video: int, rate: float) -> VideoReader:
    """Return what reads a prepared video at the models' rate."""
    about = data.videos[video]
    return VideoReader(
        data.positions_of(video),
        len(about.mouse_ids),
        about.pixels_per_cm or float("nan"),
        about.frames_per_second / rate,
    )
