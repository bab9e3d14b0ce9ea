"""A pass over the validation examples."""

from collections.abc import Callable

import torch
from torch import nn

from core.system.tree import in_float32
from core.tasks.task import Measure, Task
from core.training.kept_predictions import PredictionsWriter
from core.training.precision import Precision


def evaluate(
    model: nn.Module,
    task: Task,
    precision: Precision,
    interrupted: Callable[[], bool] = lambda: False,
    predictions: PredictionsWriter | None = None,
) -> Measure | None:
    """Measure the model on all validation examples; it is left in training mode.

    Args:
        model: the network.
        task: supplies the batches and the measures.
        precision: numeric precision of the forward pass.
        interrupted: called before each batch; if it returns true, the result is ``None``.
        predictions: receives a table for each batch, if predictions are kept.
    """
    measure = task.measure()
    model.eval()
    try:
        # Not inference_mode: a task may keep the buffers it creates here and train with them later.
        with torch.no_grad():
            for batch in task.validation_batches():
                if interrupted():
                    return None
                with precision.autocast():
                    output = model(batch.inputs)
                output = in_float32(output)
                measure.update(output, batch)
                if predictions is not None:
                    predictions.append(task.predict(output, batch))
    finally:
        model.train()
    return measure
