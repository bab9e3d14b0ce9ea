"""Draw what a second level is fitted on from the members' predictions: bounded, whatever their size."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core.blending.sample import Sample
from core.errors import ConfigError
from core.evaluation.predictions import LABEL, UNIT, Predictions, require_same_examples
from core.evaluation.stored_predictions import StoredPredictions
from core.system.progress import Progress

TRUE_LABEL = "label"
"""Column of the true label, where exactly one is true."""
MOST_VALUES = 2**25
"""Probabilities in a sample: 128 MiB."""
MOST_ROWS = 400_000
VALUES_AT_ONCE = 2**23
"""Probabilities of all members that are read at a time, unless a unit alone has more."""


def read_together(
    members: Sequence[StoredPredictions], names: Sequence[str], progress: Progress, what: str
) -> Iterator[tuple[pa.Table, NDArray[np.float32]]]:
    """Read the predictions of all members, some units at a time.

    Args:
        members: of the same units and labels.
        names: name of each in an error.
        progress: called with (done, total, what).
        what: is done with the units, such as "units blended".

    Yields:
        The examples, and ``(members, examples, labels)``.

    Raises:
        DataError: they differ in their examples or truths, or a table is damaged.
    """
    first, done = members[0], 0
    for units in first.batches(VALUES_AT_ONCE // (len(members) * len(first.labels))):
        progress(done, len(first.units), what)
        parts = [member.of_units(units) for member in members]
        require_same_examples(parts, names)
        yield parts[0].examples, np.stack([part.probabilities for part in parts])
        done += len(units)
    progress(done, len(first.units), what)


def truth_of(examples: pa.Table, labels: Sequence[str]) -> tuple[NDArray[np.float32], bool]:
    """Return the truth of examples, and whether exactly one label of each is true.

    Args:
        examples: with a column ``label``, the name of the true one; or ``label/NAME`` of each, 1, 0 or −1
            where it is not known.
        labels: names, in the order of the answer's columns.

    Returns:
        ``(examples, labels)`` of 1, 0 and NaN where it is not known.

    Raises:
        ConfigError: they have neither.
    """
    if all(LABEL + label in examples.column_names for label in labels):
        columns = [examples[LABEL + label].to_numpy().astype(np.float32) for label in labels]
        truth = np.stack(columns, axis=1) if columns else np.zeros((len(examples), 0), np.float32)
        truth[truth < 0] = np.nan
        return truth, False
    if TRUE_LABEL not in examples.column_names or not _is_text(examples[TRUE_LABEL].type):
        raise ConfigError(
            "the kept predictions have neither a column 'label' with the true label's name nor 'label/NAME'"
            " of each, so nothing can be fitted to them; --how mean needs none"
        )
    place = pc.index_in(examples[TRUE_LABEL].cast(pa.string()), pa.array(labels, pa.string()))
    found = place.fill_null(-1).to_numpy()
    truth = (found[:, None] == np.arange(len(labels))).astype(np.float32)
    truth[found < 0] = np.nan
    return truth, True


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind.value_type if pa.types.is_dictionary(kind) else kind))


def draw_sample(
    members: Sequence[StoredPredictions],
    names: Sequence[str],
    part_of: Mapping[str, int],
    seed: int,
    progress: Progress,
) -> tuple[Sample, NDArray[np.int64]]:
    """Draw rows of all members, as many as memory allows, and the rarer a label the larger its share.

    Every row belongs to the rarest label that is true in it. Rows of common ones are thinned out, and each
    that stays counts for those that do not. The same arguments give the same sample.

    Args:
        members: of the same units and labels.
        names: name of each in an error.
        part_of: unit → the part that it belongs to.
        seed: of the draw.
        progress: called with (done, total, what).

    Returns:
        The sample, and the part that each row's unit belongs to.

    Raises:
        UserError: the members do not belong together, or their truth cannot be read.
    """
    first = members[0]
    labels = first.labels
    room = min(MOST_ROWS, MOST_VALUES // (len(members) * len(labels)))
    rates = _rates(first, room, progress) if first.examples > room else None
    rng = np.random.default_rng(seed)
    given, truths, weights, parts = [], [], [], []
    exclusive = True
    for examples, probabilities in read_together(members, names, progress, "units sampled"):
        truth, exclusive = truth_of(examples, labels)
        own = np.array([part_of[unit] for unit in examples[UNIT].to_pylist()], np.int64)
        if rates is not None:
            counts, share = rates
            rate = share[_rarest(truth, counts)]
            kept = rng.random(len(truth)) < rate
            truth, own, probabilities = truth[kept], own[kept], probabilities[:, kept]
            weights.append(1 / rate[kept])
        else:
            weights.append(np.ones(len(truth)))
        given.append(probabilities)
        truths.append(truth)
        parts.append(own)
    every = np.concatenate(weights)
    sample = Sample(
        np.concatenate(given, axis=1),
        np.concatenate(truths),
        every / max(every.mean() if len(every) else 1.0, 1e-12),
        exclusive,
    )
    return sample, np.concatenate(parts)


def _rates(
    predictions: StoredPredictions, room: int, progress: Progress
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return how often each label is true, and the share of rows to keep by their rarest label.

    The last share is that of rows without any.
    """
    labels = predictions.labels
    positives = np.zeros(len(labels), np.int64)
    for part in _parts(predictions, progress):
        positives += (truth_of(part.examples, labels)[0] == 1).sum(axis=0)
    rows = np.zeros(len(labels) + 1, np.int64)
    for part in _parts(predictions, progress):
        rarest = _rarest(truth_of(part.examples, labels)[0], positives)
        rows += np.bincount(rarest, minlength=len(rows))
    return positives, np.minimum(1, _even_share(rows, room) / np.maximum(rows, 1))


def _parts(predictions: StoredPredictions, progress: Progress) -> Iterator[Predictions]:
    done = 0
    for units in predictions.batches(VALUES_AT_ONCE // len(predictions.labels)):
        progress(done, len(predictions.units), "units counted")
        yield predictions.of_units(units)
        done += len(units)


def _rarest(truth: NDArray[np.float32], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rarest label that is true in each row; the number of labels where none is."""
    order = np.argsort(counts, kind="stable")
    true = truth[:, order] == 1
    found: NDArray[np.int64] = np.where(true.any(axis=1), order[true.argmax(axis=1)], len(counts))
    return found


def _even_share(rows: NDArray[np.int64], room: int) -> float:
    """Return the most rows that each kind may have, so that all together fit."""
    ordered = np.sort(rows)
    for place, count in enumerate(ordered):
        left = len(ordered) - place
        if count * left > room:
            return room / left
        room -= int(count)
    return float(ordered[-1])
