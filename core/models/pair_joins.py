"""Two vectors, one of each image → one answer."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

FUSIONS = ("difference", "concatenation", "product", "cosine", "distance", "residual")
"""How two vectors are put together."""
HEADS = ("difference", "concatenation", "product", "cosine", "distance")
LEAST_NORM = 1e-6
"""Added to what a square root is taken of: its slope at 0 is infinite."""


class Difference(nn.Module):
    """The answer from the difference of the two vectors alone.

    Args:
        features: length of a vector.
        dropout: share of hidden units that are dropped in training.
    """

    def __init__(self, features: int, dropout: float) -> None:
        super().__init__()
        self.head = _head(features, features, dropout)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return logits ``(pairs,)`` of vectors ``(pairs, features)``."""
        answer: Tensor = self.head(first - second).squeeze(1)
        return answer


class Concatenation(nn.Module):
    """The answer from both vectors and their difference.

    Args:
        features: length of a vector.
        dropout: share of hidden units that are dropped in training.
    """

    def __init__(self, features: int, dropout: float) -> None:
        super().__init__()
        self.head = _head(3 * features, features, dropout)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return logits ``(pairs,)`` of vectors ``(pairs, features)``."""
        joined = torch.cat([first, second, first - second], dim=1)
        answer: Tensor = self.head(joined).squeeze(1)
        return answer


class Fusions(nn.Module):
    """Several ways to put two vectors together, :data:`FUSIONS`, with learned weights.

    Each fusion is projected to the length of a vector; their sum goes to the head, by softmax weights that
    are 1 on average.

    Args:
        features: length of a vector.
        dropout: share of hidden units that are dropped in training.
    """

    def __init__(self, features: int, dropout: float) -> None:
        super().__init__()
        self.fuse = nn.ModuleDict({name: Fusion(name, features) for name in FUSIONS})
        self.weights = nn.Parameter(torch.zeros(len(FUSIONS)))
        self.head = _head(features, features, dropout)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return logits ``(pairs,)`` of vectors ``(pairs, features)``."""
        fused = torch.stack([fuse(first, second) for fuse in self.fuse.values()])
        weights = self.weights.softmax(0) * len(FUSIONS)
        answer: Tensor = self.head(torch.einsum("f,fpn->pn", weights, fused)).squeeze(1)
        return answer


class Heads(nn.Module):
    """An answer from each of :data:`HEADS`, averaged with learned weights.

    Args:
        features: length of a vector.
        dropout: share of hidden units that are dropped in training.
    """

    def __init__(self, features: int, dropout: float) -> None:
        super().__init__()
        self.fuse = nn.ModuleDict({name: Fusion(name, features) for name in HEADS})
        self.heads = nn.ModuleDict({name: _head(features, features, dropout) for name in HEADS})
        self.weights = nn.Parameter(torch.zeros(len(HEADS)))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return logits ``(pairs,)`` of vectors ``(pairs, features)``."""
        answers = [self.heads[name](fuse(first, second)) for name, fuse in self.fuse.items()]
        return torch.cat(answers, dim=1) @ self.weights.softmax(0)


class Fusion(nn.Module):
    """One way to put two vectors together, projected to the length of a vector.

    Args:
        name: one of :data:`FUSIONS`.
        features: length of a vector.
    """

    def __init__(self, name: str, features: int) -> None:
        super().__init__()
        self.name = name
        lengths = {"concatenation": 2 * features, "cosine": 1, "distance": 1}
        if name == "residual":
            self.change = nn.Sequential(nn.Linear(features, features), nn.ReLU())
        self.project = nn.Sequential(nn.Linear(lengths.get(name, features), features), nn.ReLU())

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return ``(pairs, features)``."""
        result: Tensor = self.project(self._fused(first, second))
        return result

    def _fused(self, first: Tensor, second: Tensor) -> Tensor:
        if self.name == "concatenation":
            return torch.cat([first, second], dim=1)
        if self.name == "product":
            return first * second
        if self.name == "cosine":  # of random vectors, its variance is 1 / features
            cosine = functional.cosine_similarity(first, second, dim=1)[:, None]
            return cosine * math.sqrt(first.shape[1])
        if self.name == "distance":
            squares = ((first - second) ** 2).mean(dim=1, keepdim=True)
            return torch.sqrt(squares + LEAST_NORM)
        if self.name == "residual":
            changed: Tensor = self.change(second - first)
            return first + changed
        return first - second


def _head(inputs: int, hidden: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 1)
    )
