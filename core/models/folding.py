"""BatchNorm folded into the convolution before it, for models that only predict."""

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def folded(model: nn.Module) -> nn.Module:
    """Return an evaluating copy of a model with one pass less over the activations a convolution.

    The answers are the same up to rounding. A TCN gains about a seventh on a CPU
    (``tests/bench/bench_inference.py``). The copy cannot be trained: its statistics are gone.
    """
    model = copy.deepcopy(model).eval()
    for sequence in [part for part in model.modules() if isinstance(part, nn.Sequential)]:
        for place in range(len(sequence) - 1):
            convolution, norm = sequence[place], sequence[place + 1]
            if isinstance(convolution, CONVOLUTIONS) and isinstance(norm, NORMS):
                sequence[place] = fuse_conv_bn_eval(convolution, norm)
                sequence[place + 1] = nn.Identity()
    return model
