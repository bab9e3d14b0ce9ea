"""Whole-video inference: chunks with context against half-overlapping windows of 100, averaged.

Both sides get the same inputs and one thread, and run in turns; CPU seconds are counted, so that other
work on the machine disturbs them little. The windows go through in batches of 40, the fastest of 20, 40,
64 and 90. The weights are random: speed does not depend on them, and the label agreement printed (with
one pass over the whole video) says how far each way of cutting is from seeing everything.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from core.models.build import build_model
from core.models.chunks import Probabilities, predict_video, suited_to
from core.models.folding import folded
from core.models.input_spec import InputSpec
from core.models.settings import ModelConfig
from core.tasks.behaviour.probabilities import class_probabilities

FRAMES, FEATURES, WINDOW, ROUNDS = 18_000, 288, 100, 5
SPEC = InputSpec(
    features=FEATURES, outputs=4, mice=4, keypoints=18, blocks={"coordinates": slice(0, 144)}
)
TARGETS = {
    ("conv_bilstm", "conv_bilstm"): 1.3,
    ("tcn", "conv_bilstm"): 6.0,
    ("unet1d", "conv_bilstm"): None,
    ("tcn", "tcn"): None,
}
"""(model in chunks, model in half-overlapping windows) → least ratio of speeds; none is shown only."""


def half_overlapping(model: nn.Module, inputs: Tensor, batch: int = 40) -> Probabilities:
    """Return the mean over windows of 100 at a stride of 50, the last one at the video's end."""
    starts = [*range(0, len(inputs) - WINDOW, WINDOW // 2), len(inputs) - WINDOW]
    total = torch.zeros(len(inputs), SPEC.outputs)
    count = torch.zeros(len(inputs), 1)
    with torch.inference_mode():
        for first in range(0, len(starts), batch):
            part = starts[first : first + batch]
            answers = class_probabilities(
                model(torch.stack([inputs[at : at + WINDOW] for at in part]))
            )
            for at, answer in zip(part, answers, strict=True):
                total[at : at + WINDOW] += answer
                count[at : at + WINDOW] += 1
    return (total / count).numpy()


def chunked(model: nn.Module, inputs: Tensor) -> Probabilities:
    """Do what the predictor does, but for reading and computing features."""
    return predict_video(model, inputs, class_probabilities, suited_to(model, WINDOW))


def one_pass(model: nn.Module, inputs: Tensor) -> Probabilities:
    """Return the answer to the whole video at once."""
    with torch.inference_mode():
        return class_probabilities(model(inputs[None]))[0].numpy()


def random_walk() -> Tensor:
    """Features that move as slowly as mice do, standardised."""
    torch.manual_seed(0)
    steps = torch.randn(FRAMES, FEATURES).cumsum(0)
    smooth = steps - torch.nn.functional.avg_pool1d(steps.T[None], 601, 1, 300)[0].T[: len(steps)]
    return (smooth - smooth.mean(0)) / smooth.std(0)


def calibrated(name: str, inputs: Tensor) -> nn.Module:
    """Build a model whose BatchNorm has seen these inputs, so that activations are as in use."""
    model = build_model(ModelConfig(name=name), SPEC)
    with torch.no_grad():
        for _ in range(20):
            model(inputs[torch.randint(len(inputs) - WINDOW, ()) :][:2000][None])
    return model.eval()


def main() -> None:
    torch.set_num_threads(1)
    inputs = random_walk()
    models = {name: calibrated(name, inputs) for name in ("conv_bilstm", "tcn", "unet1d")}
    loaded = {name: folded(model) for name, model in models.items()}
    ways: dict[str, Callable[[nn.Module, Tensor], Probabilities]] = {
        "chunks": chunked,
        "half-overlapping": half_overlapping,
        "one pass": one_pass,
    }
    seconds: dict[tuple[str, str], list[float]] = {(m, w): [] for m in models for w in ways}
    labels = {}
    for _ in range(ROUNDS):
        for (model, way), taken in seconds.items():
            start = time.process_time()
            answer = ways[way]((loaded if way == "chunks" else models)[model], inputs)
            taken.append(time.process_time() - start)
            labels[model, way] = answer.argmax(1)
    speed = {key: FRAMES / statistics.median(taken) for key, taken in seconds.items()}
    print(
        f"{FRAMES} frames × {FEATURES} features, {torch.get_num_threads()} threads, {ROUNDS} rounds"
    )
    for (model, way), rate in speed.items():
        agreement = np.mean(labels[model, way] == labels[model, "one pass"])
        print(
            f"{model:12} {way:17} {rate / 1000:7.1f} thousand frames per CPU second  labels {agreement:8.3%}"
        )
    for (model, reference), least in TARGETS.items():
        ratio = speed[model, "chunks"] / speed[reference, "half-overlapping"]
        verdict = (
            "" if least is None else f"  (at least {least}: {'ok' if ratio >= least else 'MISSED'})"
        )
        print(f"{model} in chunks / {reference} half-overlapping: {ratio:.2f}×{verdict}")


if __name__ == "__main__":
    main()
