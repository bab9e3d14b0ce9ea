"""One network for what a subject does alone and another for what it does to a partner, behind one door.

Rows are windows of one (agent, target): with itself or with another. The two kinds see different things and
answer for different outputs, and share no weight.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from core.models.chunking import Chunking, within_reach
from core.models.temporal import store_channels_last
from core.models.trunks import ParallelConvolutions, TrunkKind, build_trunk

ABSENT_LOGIT = -30.0
"""Logit of an output that a row's trunk does not have: a probability of 1e-13, in reach of float16."""
USUAL_FRAMES_PER_SECOND = 30.0
"""The rate at which the embedding of the frame rate is nought."""
ROWS_AT_ONCE = 16
"""Windows in one call when whole videos are predicted: on a CPU more are no faster."""


class Trunk(nn.Module):
    """Parallel convolutions, what is known of the row, layers of context, and one linear layer.

    Args:
        features: width of the input.
        outputs: width of the output.
        categories: name of an input of ids → how many there are; id 0 is "unknown".
        trunk: which layers give context.
        width: of the layers.
        layers: how many; none: the trunk's own number.
        kernels: odd; frames that each of the parallel convolutions sees.
        heads: attention heads.
        dropout: share of activations dropped.
        embedding: numbers learnt for each id.
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
        learnt = [embed(row[name]) for name, embed in self.embeddings.items()]
        known = self.known(torch.cat([*learnt, rate], dim=-1))
        logits: Tensor = self.head(self.context(self.convolutions(features) + known[:, None]))
        return logits


class TwoTrunk(nn.Module):
    """Two networks of the same form, with no weight in common: for single subjects and for pairs.

    It reads a dict, as a batch has it, and every tensor's first axis is the rows, in any order:
    ``features`` (rows, time, features) float32, ``is_pair`` (rows,) bool, ``fps`` (rows,) float32 above
    0, and for each category its ids (rows,) int64, 0 for unknown. A batch may hold rows of one kind only;
    the other network is then not computed, and its gradients are none.

    Under ``torch.compile`` each number of rows of a kind is compiled apart: batches should hold the same
    number of pairs each.

    Args:
        features: width of the input.
        outputs: width of the output.
        self_outputs: places of the outputs of single subjects; the others are those of pairs.
        categories: name of an input of ids → how many there are, the unknown among them.
        self_features: columns that single subjects have, the first ones; none: all.
        trunk: which layers give context.
        width: of the layers.
        layers: how many; none: the trunk's own number, :data:`core.models.trunks.DEFAULT_LAYERS`.
        kernels: odd; frames that each of the parallel convolutions sees.
        heads: attention heads; the width divided by them must be even.
        dropout: share of activations dropped.
        embedding: numbers learnt for each id.
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
        """Choose windows of whole videos: with all the context an output depends on, if that has an end.

        Otherwise they are as long as in training, and an eighth at either end is dropped.
        """
        reach = self.pair_trunk.reach
        if reach is not None:
            return within_reach(reach)
        context = window // 8
        return Chunking(max(1, window - 2 * context), context, batch=ROWS_AT_ONCE)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Compute the logits of a batch.

        Returns:
            ``(rows, time, outputs)``; :data:`ABSENT_LOGIT` where an output is of the other kind of rows.
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
