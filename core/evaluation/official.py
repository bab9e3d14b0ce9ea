"""The competition's score as a statistic of evaluation rows, and its parts.

Rows have the unit ``LAB/VIDEO`` and the label ``LAB/ACTION``. The score is the mean over labs of the mean
over the lab's actions of F1 of the frames pooled over the lab's videos; an action counts where it has any
frame, in the truth or predicted. Sums over a bootstrap resample of the videos are scored like the whole, so
intervals and verdicts need nothing else.

:func:`core.evaluation.competition.score` differs in one point: it also counts an action all of whose rows
have no frames, with an F1 of 0. Counts cannot show such an action.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from core.errors import DataError
from core.evaluation.competition import CompetitionScore, pooled_score
from core.evaluation.rows import COLUMNS, FN, FP, TP, Floats, Rows, Statistic, f1_per_label

SEPARATOR = "/"
"""Between the two parts of a unit, ``LAB/VIDEO``, and of a label, ``LAB/ACTION``."""


def lab_and_rest(name: str) -> tuple[str, str]:
    """Return the two parts of a unit ``LAB/VIDEO`` or a label ``LAB/ACTION``.

    Raises:
        DataError: the name has no two parts.
    """
    lab, _, rest = name.partition(SEPARATOR)
    if not lab or not rest:
        raise DataError(f"{name!r} does not name a lab and its video or action, as in LAB/sniff")
    return lab, rest


def score_for(labels: Sequence[str]) -> Statistic:
    """Return the official score as a function of counts ``(..., labels, 5)``; 0 where nothing has frames.

    Args:
        labels: ``LAB/ACTION`` of each label, in order.

    Raises:
        DataError: a label does not name a lab and an action.
    """
    labs = [lab_and_rest(label)[0] for label in labels]
    places = {lab: place for place, lab in enumerate(dict.fromkeys(labs))}
    member = np.zeros((len(labs), len(places)))
    member[np.arange(len(labs)), [places[lab] for lab in labs]] = 1

    def official_score(counts: ArrayLike) -> Floats:
        c = np.asarray(counts, dtype=np.float64)
        actions = _counting(c) @ member  # (..., labs)
        totals = f1_per_label(c) @ member  # F1 is 0 where an action does not count
        lab_scores = np.divide(totals, actions, out=np.zeros_like(totals), where=actions > 0)
        labs_counting = (actions > 0).sum(axis=-1)
        return np.asarray(lab_scores.sum(axis=-1) / np.maximum(labs_counting, 1))

    return official_score


def score_of(rows: Rows) -> CompetitionScore:
    """Return the score of all units together, with its parts by lab and action.

    Raises:
        DataError: a label does not name a lab and an action, or no label has a frame.
    """
    pooled = rows.pooled
    names = [lab_and_rest(label) for label in rows.labels]
    table = pd.DataFrame(names, columns=["lab_id", "action"])
    table = table.assign(tp=pooled[:, TP], fp=pooled[:, FP], fn=pooled[:, FN])
    counting = table[_counting(pooled) > 0]
    if counting.empty:
        raise DataError("no action has a frame, in the truth or predicted; nothing can be scored")
    return pooled_score(counting)


def rows_of(counts: pd.DataFrame) -> Rows:
    """Return the counts of each key (:func:`core.evaluation.competition.key_counts`) as evaluation rows."""
    units = (counts["lab_id"] + SEPARATOR + counts["video_id"]).to_numpy()
    labels = (counts["lab_id"] + SEPARATOR + counts["action"]).to_numpy()
    unit_names, unit = np.unique(units.astype(str), return_inverse=True)
    label_names, label = np.unique(labels.astype(str), return_inverse=True)
    summed = np.zeros((len(unit_names), len(label_names), len(COLUMNS)))
    for place, name in ((TP, "tp"), (FP, "fp"), (FN, "fn")):
        np.add.at(summed[..., place], (unit, label), counts[name].to_numpy(np.float64))
    return Rows(tuple(unit_names.tolist()), tuple(label_names.tolist()), summed)


def _counting(counts: Floats) -> Floats:
    """Return 1 for each label that has a frame, in the truth or predicted, and otherwise 0."""
    return np.asarray(counts[..., [TP, FP, FN]].any(axis=-1), dtype=np.float64)
