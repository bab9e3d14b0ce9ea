"""Logistic regression on the members' logits: multinomial where one label is true, else one for each label.

What is fitted is drawn towards the mean of the logits by a quadratic penalty, so that a label without
examples, or very few rows, gives that mean. The fit is convex; torch's L-BFGS solves it. scikit-learn's has
no such prior, and a dependency of every installation would be a high price for one convex function.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax

from core.blending.sample import LEAST, Beat, Probabilities, Sample, log_odds

PENALTY = 1e-3
"""Of the squared distance from the mean of the logits, beside the mean log loss of a row."""
ITERATIONS = 200


class LogisticRegression:
    """Maps logits to probabilities, linearly before the last step.

    Args:
        weights: multinomial ``(members * labels, labels)``; else ``(members, labels)``.
        bias: ``(labels,)``.
        exclusive: whether exactly one label of each row is true.
    """

    def __init__(
        self, weights: NDArray[np.float64], bias: NDArray[np.float64], exclusive: bool
    ) -> None:
        self._weights, self._bias, self._exclusive = weights, bias, exclusive

    @classmethod
    def fitted(cls, sample: Sample, seed: int, beat: Beat) -> "LogisticRegression":
        """Fit weights and bias; there is nothing random in it."""
        del seed
        count, _, labels = sample.members.shape
        if sample.exclusive:
            rows = sample.known.all(axis=1)
            prior = np.tile(np.eye(labels), (count, 1)) / count
            weights, bias = _fit(
                _logs(sample.members[:, rows]),
                sample.truth[rows],
                sample.counted()[rows],
                prior,
                beat,
            )
            return cls(weights, bias, True)
        weights, bias = np.full((count, labels), 1 / count), np.zeros(labels)
        for label, known in enumerate(sample.known.T):
            truth = sample.truth[known, label : label + 1]
            if 0 < truth.sum() < len(truth):
                logits = log_odds(sample.members[:, known, label]).T
                weights[:, label : label + 1], bias[label : label + 1] = _fit(
                    logits, truth, sample.counted(label)[known], weights[:, label : label + 1], beat
                )
        return cls(weights, bias, False)

    @classmethod
    def restored(cls, state: dict[str, Any]) -> "LogisticRegression":
        """Return what :meth:`state` described."""
        return cls(state["weights"].numpy(), state["bias"].numpy(), bool(state["exclusive"]))

    def state(self) -> dict[str, Any]:
        """Return weights and bias as tensors."""
        tensors = {"weights": torch.from_numpy(self._weights), "bias": torch.from_numpy(self._bias)}
        return {**tensors, "exclusive": self._exclusive}

    def words(self, names: list[str]) -> str:
        """Describe what was fitted, for the log."""
        labels = len(self._bias)
        own = self._weights.reshape(len(names), -1, labels)
        mean = own.trace(axis1=1, axis2=2) / labels if self._exclusive else own.mean(axis=(1, 2))
        return ", ".join(f"{name} {w:+.3f}" for name, w in zip(names, mean, strict=True))

    def apply(self, members: NDArray[np.float32]) -> Probabilities:
        """Return the probabilities of ``(members, rows, labels)``."""
        if self._exclusive:
            scores = _logs(members) @ self._weights + self._bias
            scores -= scores.max(axis=1, keepdims=True)
            found: NDArray[np.float64] = np.exp(scores)
            found /= found.sum(axis=1, keepdims=True)
            return found.astype(np.float32)
        scores = np.tile(self._bias, (members.shape[1], 1))
        for member, weights in zip(members, self._weights, strict=True):
            scores += log_odds(member) * weights
        return (1 / (1 + np.exp(-scores))).astype(np.float32)


def _logs(members: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the logarithms of ``(members, rows, labels)`` as ``(rows, members * labels)``."""
    logs: NDArray[np.float64] = np.log(np.maximum(members.astype(np.float64), LEAST))
    return logs.transpose(1, 0, 2).reshape(members.shape[1], -1)


def _fit(
    inputs: NDArray[np.float64],
    truth: NDArray[np.float32],
    shares: NDArray[np.float64],
    prior: NDArray[np.float64],
    beat: Beat,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Minimise the log loss of ``inputs @ weights + bias``, from and towards ``prior`` and 0.

    One column of truth is a label of its own; with several, exactly one is true.
    """
    if not len(inputs):
        return prior, np.zeros(prior.shape[1])
    given, wanted = torch.from_numpy(inputs), torch.from_numpy(truth.astype(np.float64))
    share = torch.from_numpy(shares / shares.sum())
    target = torch.from_numpy(prior)
    weights = target.clone().requires_grad_()
    bias = torch.zeros(prior.shape[1], dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS(
        [weights, bias], max_iter=ITERATIONS, tolerance_grad=1e-7, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        beat()
        solver.zero_grad()
        scores = given @ weights + bias
        if prior.shape[1] == 1:
            each = binary_cross_entropy_with_logits(scores, wanted, reduction="none")[:, 0]
        else:
            each = -(log_softmax(scores, dim=1) * wanted).sum(dim=1)
        total: Tensor = (share * each).sum() + PENALTY * ((weights - target).square().sum())
        torch.autograd.backward(total)
        return total

    with torch.enable_grad():
        solver.step(loss)  # type: ignore[no-untyped-call]
    return weights.detach().numpy(), bias.detach().numpy()
