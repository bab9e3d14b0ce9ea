"""Measure what `training.checkpoint_activations` saves, and what it costs, for each architecture.

    nice -n 19 python -m tests.bench.bench_recompute --batch 8

Takes two training steps of each at its version's size, on little data, with and without. *Kept* is what the
forward pass keeps for the backward pass, without the weights; one block's activations come on top while its
gradient is computed. Prints MiB, the second step's seconds, and whether the weights are the same to the bit.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

from core.config.registry import default_path, load
from core.config.task_spec import task_spec
from core.system.machine import make_deterministic
from core.tasks.build import build_task
from core.training.identity import weights_hash
from core.training.recompute import recompute_blocks
from mabe_tui.runs.launching.run_requests import new_request

CPU = torch.device("cpu")
MEASURED = {
    "v3, transformer": ("v3", ()),
    "v6, conv_bilstm": ("v6", ()),
    "v7, tcn": ("v7", ()),
    "v6 as unet1d": ("v6", ("model.name=unet1d",)),
    "v8, bigru": ("v8", ()),
    "v8, attention": ("v8", ("model.trunk=attention",)),
    "v8, tcn": ("v8", ("model.trunk=tcn",)),
    "stage1": ("stage1", ()),
    "stage2": ("stage2", ()),
}


def kept(model: nn.Module, inputs: Any) -> tuple[int, Any]:
    """Return the bytes that a forward pass keeps, and its output."""
    weights = {each.untyped_storage().data_ptr() for each in model.parameters()}
    seen: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = model(inputs)
    return sum(seen.values()), output


def measured(
    version: str, settings: tuple[str, ...], batch: int, recompute: bool
) -> tuple[Any, ...]:
    """Return the bytes kept, the seconds of the second step, the hash of the weights, and the blocks."""
    stated = [*settings, f"training.batch_size={batch}", "hardware.device=cpu"]
    experiment = load(default_path()).experiment(version, stated)
    experiment = task_spec(experiment.task).with_little_data(experiment)
    request = new_request(experiment, "local")
    cache = Path(tempfile.gettempdir()) / "bench-recompute"
    cache.mkdir(exist_ok=True)
    task = build_task(request, cache, CPU, lambda *_: None)
    torch.manual_seed(1)
    model = task.build_model().train()
    blocks = recompute_blocks(model) if recompute else 0
    optimiser = torch.optim.SGD(model.parameters(), 0.01)
    size, seconds = 0, 0.0
    for number, part in zip(range(2), task.train_batches(1), strict=False):
        began = time.perf_counter()
        size, output = kept(model, part.inputs)
        loss = task.loss(output, part)
        (loss.total / loss.weight).backward()
        optimiser.step()
        optimiser.zero_grad()
        seconds = time.perf_counter() - began
        del number
    return size, seconds, weights_hash(model.state_dict()), blocks


def main() -> None:
    """Print a row for each architecture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--only", default="", help="part of a row's name")
    options = parser.parse_args()
    torch.set_num_threads(1)
    make_deterministic(CPU)
    print("| model | blocks | kept, MiB | with it | step, s | with it | same weights |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, (version, settings) in MEASURED.items():
        if options.only not in name:
            continue
        plain = measured(version, settings, options.batch, recompute=False)
        saving = measured(version, settings, options.batch, recompute=True)
        sizes = " | ".join(f"{each[0] / 2**20:.1f}" for each in (plain, saving))
        times = " | ".join(f"{each[1]:.2f}" for each in (plain, saving))
        same = "yes" if plain[2] == saving[2] else "no"
        print(f"| {name} | {saving[3]} | {sizes} | {times} | {same} |", flush=True)


if __name__ == "__main__":
    main()
