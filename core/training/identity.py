"""Identity of two runs: equal weights, and equal histories apart from timing.

A run that was killed and resumed must end *identical* to one that never was, on the same machine with
the same torch and number of threads. Wall time, rates and machine readings differ between any two runs
and are excluded.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from core.run.events import Epoch, Finished
from core.run.history import History


def weights_hash(state: Mapping[str, Tensor]) -> str:
    """Return the sha256 of the tensors of a ``state_dict`` in the order of their names.

    Name, type and shape are hashed along with the bytes, so that a renamed or reshaped tensor is detected.
    """
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def projected_history(history: History) -> list[dict[str, Any]]:
    """Reduce a history to the values that must be equal between two identical runs.

    One table for each completed epoch (kind, epoch, step, training loss, learning rate, gradient norm,
    metrics), and one for the end, if it was reached. Step and system events depend on the clock, and
    checkpoints on where a run was stopped: neither is compared.
    """
    rows: list[dict[str, Any]] = []
    for event in history.events:
        match event:
            case Epoch():
                rows.append(
                    {
                        "kind": "epoch",
                        "epoch": event.epoch,
                        "step": event.step,
                        "train_loss": event.train_loss,
                        "learning_rate": event.learning_rate,
                        "gradient_norm": event.gradient_norm,
                        "metrics": dict(event.metrics),
                    }
                )
            case Finished():
                rows.append(
                    {
                        "kind": "finished",
                        "epoch": event.epoch,
                        "step": event.step,
                        "reason": event.reason,
                        "best_epoch": event.best_epoch,
                        "best_metric": event.best_metric,
                    }
                )
            case _:
                pass
    return rows


def history_hash(history: History) -> str:
    """Return one hash of :func:`projected_history`; numbers are hashed with all digits; NaN equals NaN."""
    return hashlib.sha256(
        json.dumps(projected_history(history), sort_keys=True).encode()
    ).hexdigest()
