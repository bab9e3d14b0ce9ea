"""Moving average of the weights, whose predictions are steadier than those of any single step."""

import copy
from typing import Any

from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class WeightAverage:
    """Exponential moving average of a model's weights (Polyak & Juditsky 1992; EMA).

    After update n every value becomes ``d × average + (1 - d) × weight``, where d is the configured decay,
    but at most ``(1 + n) / (10 + n)``: otherwise a short run would end on an average that still contains
    its random initial weights (the rule of TensorFlow's ``ExponentialMovingAverage``).
    Running statistics of batch norm are averaged like weights, to match them; counters are copied.

    Args:
        model: the trained model; the average starts as its copy.
        decay: 0 to 1, exclusive.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False)
        self._decay = decay
        self._updates = 0
        # References: loading a state changes these tensors in place.
        pairs = list(
            zip(self.model.state_dict().values(), model.state_dict().values(), strict=True)
        )
        self._averaged = [own for own, _ in pairs if own.is_floating_point()]
        self._trained = [theirs for own, theirs in pairs if own.is_floating_point()]
        self._counters = [pair for pair in pairs if not pair[0].is_floating_point()]

    def update(self) -> None:
        """Update the average with the model's weights, after an optimiser step."""
        self._updates += 1
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        blend = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call] # untyped in torch
        blend(self._averaged, self._trained, self._updates)
        for own, theirs in self._counters:
            own.copy_(theirs)

    def state_dict(self) -> dict[str, Any]:
        """Return the averaged weights, under the model's own names, and the number of updates."""
        return {"model": self.model.state_dict(), "updates": self._updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a saved average.

        Raises:
            KeyError: the state contains none.
            RuntimeError: it belongs to another model.
        """
        self.model.load_state_dict(state["model"])
        self._updates = int(state["updates"])
