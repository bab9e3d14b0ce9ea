"""A network for what a subject does alone and one for what it does to a partner, as a single module.

A row is a window of one (agent, target); a target equal to the agent means a subject alone. The two kinds of
rows have different inputs and outputs, and share no weights.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from core.models.chunking import Chunking, like_training, within_reach
from core.models.temporal import store_channels_last
from core.models.trunks import ParallelConvolutions, TrunkKind, build_trunk

ABSENT_LOGIT = -30.0
"""Logit of an output that a row's trunk does not have: a probability of 1e-13, and within float16's range."""
USUAL_FRAMES_PER_SECOND = 30.0
"""The rate whose input to the network is 0."""
ROWS_AT_ONCE = 16
"""Windows per call when whole videos are predicted: on a CPU, more are no faster."""


class Trunk(nn.Module):
    """Parallel convolutions, the row's metadata added to every frame, context layers, and a linear layer.

    Args:
        features: width of the input.
        outputs: width of the output.
        categories: name of each id input → number of ids; id 0 is "unknown".
        trunk: kind of context layers.
        width: width of the layers.
        layers: number of context layers; ``None``: the default of the trunk.
        kernels: odd kernel sizes of the parallel convolutions, in frames.
        heads: attention heads.
        dropout: share of activations dropped.
        embedding: length of the vector learned for each id.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        categories: Mapping[str, int],
        trunk: TrunkKind,
        width: int,
        layers: int | None,
        kernels: Sequence[int],
        heads: int,
        dropout: float,
        embedding: int,
    ) -> None:
        super().__init__()
        self.convolutions = ParallelConvolutions(features, width, tuple(kernels), dropout)
        self.embeddings = nn.ModuleDict(
            {name: nn.Embedding(count, embedding) for name, count in sorted(categories.items())}
        )
        self.known = nn.Linear(embedding * len(categories) + 1, width)
        self.context = build_trunk(trunk, width, layers, heads, dropout)
        self.head = nn.Linear(self.context.width, outputs)
        reach = self.context.reach
        self.reach = None if reach is None else reach + max(kernels) // 2
        store_channels_last(self)

    def forward(self, features: Tensor, row: Mapping[str, Tensor]) -> Tensor:
        """Compute logits.

        Args:
            features: ``(rows, time, features)``.
            row: ids and ``fps``, each ``(rows,)``.

        Returns:
            ``(rows, time, outputs)``.
        """
        rate = torch.log2(row["fps"].float() / USUAL_FRAMES_PER_SECOND)[:, None]
        embedded = [embed(row[name]) for name, embed in self.embeddings.items()]
        known = self.known(torch.cat([*embedded, rate], dim=-1))
        logits: Tensor = self.head(self.context(self.convolutions(features) + known[:, None]))
        return logits


class TwoTrunk(nn.Module):
    """Two networks of the same form that share no weights: one for single subjects, one for pairs.

    The input is a batch's dict. The first axis of every tensor is the rows, in any order: ``features`` (rows,
    time, features) float32, ``is_pair`` (rows,) bool, ``fps`` (rows,) float32 above 0, and the ids of each
    category, (rows,) int64, 0 for unknown. If a batch holds rows of one kind only, the other network does not
    run, and its gradients stay ``None``.

    ``torch.compile`` compiles anew for every number of rows of a kind, so all batches should hold the same
    number of pairs.

    Args:
        features: width of the input.
        outputs: width of the output.
        self_outputs: indices of the outputs of single subjects; the others are those of pairs.
        categories: name of each id input → number of ids, including "unknown".
        self_features: how many of the first columns single subjects have; ``None``: all.
        trunk: kind of context layers.
        width: width of the layers.
        layers: number of context layers; ``None``: :data:`core.models.trunks.DEFAULT_LAYERS`.
        kernels: odd kernel sizes of the parallel convolutions, in frames.
        heads: attention heads; the width divided by them must be even.
        dropout: share of activations dropped.
        embedding: length of the vector learned for each id.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        self_outputs: Sequence[int],
        categories: Mapping[str, int],
        self_features: int | None = None,
        trunk: TrunkKind = "bigru",
        width: int = 256,
        layers: int | None = None,
        kernels: Sequence[int] = (3, 5, 7, 9),
        heads: int = 8,
        dropout: float = 0.2,
        embedding: int = 16,
    ) -> None:
        super().__init__()
        self.outputs = outputs
        self.self_features = self_features or features
        alone = sorted(self_outputs)
        paired = sorted(set(range(outputs)) - set(alone))
        form = (categories, trunk, width, layers, kernels, heads, dropout, embedding)
        self.self_trunk = Trunk(self.self_features, len(alone), *form)
        self.pair_trunk = Trunk(features, len(paired), *form)
        self.register_buffer("self_outputs", torch.tensor(alone), persistent=False)
        self.register_buffer("pair_outputs", torch.tensor(paired), persistent=False)

    def chunking(self, window: int) -> Chunking:
        """Choose windows of whole videos: with all the context that an output depends on, if it is bounded.

        Otherwise, windows are as long as in training, and an eighth at either end is dropped.
        """
        reach = self.pair_trunk.reach
        if reach is not None:
            return within_reach(reach)
        return like_training(window, ROWS_AT_ONCE)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Compute the logits of a batch.

        Returns:
            ``(rows, time, outputs)``; :data:`ABSENT_LOGIT` for outputs that belong to the other kind of rows.
        """
        features, is_pair = inputs["features"], inputs["is_pair"]
        rows, time, _ = features.shape
        answer = torch.full((rows, time, self.outputs), ABSENT_LOGIT, device=features.device)
        kinds = (
            (~is_pair, self.self_trunk, self.self_outputs, self.self_features),
            (is_pair, self.pair_trunk, self.pair_outputs, features.shape[-1]),
        )
        for chosen, trunk, outputs, columns in kinds:
            numbers = chosen.nonzero().squeeze(1)
            if not len(numbers):
                continue
            row = {name: tensor[numbers] for name, tensor in inputs.items() if tensor.dim() == 1}
            logits = trunk(features[numbers, :, :columns], row).float()
            blank = logits.new_full((len(numbers), time, self.outputs), ABSENT_LOGIT)
            answer = answer.index_copy(0, numbers, blank.index_copy(2, outputs, logits))
        return answer
