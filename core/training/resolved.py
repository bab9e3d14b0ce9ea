"""What an attempt resolves, and how that differs from the first attempt."""

from collections.abc import Iterator

import torch

from core.run.request import Resolved
from core.tasks.task import Learner

CHANGES = {
    "code_version": "the code",
    "data_fingerprint": "the data",
    "train_units": "the training set",
    "validation_units": "the validation set",
    "torch": "torch",
    "threads": "the number of threads",
    "device": "the device",
    "processes": "the number of processes",
    "features_by": "what computes features",
}
"""Fields that a resume compares, with their descriptions."""


def resolved(learner: Learner, device: torch.device, code_version: str, processes: int) -> Resolved:
    """Return what is recorded in ``run.toml`` once the data are known.

    Args:
        learner: what is trained, with its data.
        device: the device it runs on.
        code_version: version of this program's code.
        processes: number of processes that share each batch.
    """
    return Resolved(
        code_version=code_version,
        data_fingerprint=learner.summary.fingerprint,
        train_units=learner.summary.train_units,
        validation_units=learner.summary.validation_units,
        torch=str(torch.__version__),
        threads=torch.get_num_threads(),
        device=device.type,
        processes=processes,
        features_by=learner.summary.features_by,
        validation_source=learner.summary.validation_source,
    )


def changes(first: Resolved, now: Resolved) -> Iterator[tuple[str, str]]:
    """Yield the code and message of a warning for everything that has changed."""
    keys = dict(zip(Resolved.__struct_fields__, Resolved.__struct_encode_fields__, strict=True))
    for field, words in CHANGES.items():
        before, after = getattr(first, field), getattr(now, field)
        if before == after:
            continue
        shown = "" if isinstance(after, tuple) else f" ({before} → {after})"
        sentence = (
            f"{words} changed since the run began{shown};"
            " the rest of the run is not what an uninterrupted one would have been"
        )
        yield f"changed_{keys[field]}", sentence
