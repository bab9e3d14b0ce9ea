"""What the registry says of a version, on a row."""

import msgspec

from core.config.experiment import Experiment
from core.config.gpus import gpu_text
from core.config.task_spec import task_spec


class VersionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One version, as ``mabe list --json`` gives it."""

    version: str
    status: str
    title: str
    extends: str | None
    task: str
    model: str | None
    data: str
    """Source, mice and keypoints, as in ``competition 4×mabe18``."""
    inputs: tuple[str, ...]
    input_size: int | None
    """Numbers an example: a frame, say."""
    launcher: str
    gpu: str | None
    """What would be rented."""
    device: str
    batch_size: int
    """Windows a step, accumulation counted in."""
    reported_f1_macro: float | None
    """A claim of the original documents."""

    @property
    def runs_on(self) -> str:
        """Launcher and machine, as in ``modal H100`` or ``local auto``."""
        return f"{self.launcher} {self.gpu or self.device}"


def version_row(experiment: Experiment) -> VersionRow:
    """Sum up one version."""
    hardware, training = experiment.hardware, experiment.training
    outline = task_spec(experiment.task).outline(experiment)
    return VersionRow(
        version=experiment.name,
        status=experiment.status,
        title=experiment.title,
        extends=experiment.extends,
        task=experiment.task,
        model=outline.model,
        data=outline.data,
        inputs=outline.inputs,
        input_size=outline.input_size,
        launcher=hardware.launcher,
        gpu=gpu_text(hardware.gpu),
        device=hardware.device,
        batch_size=training.batch_size * training.accumulation_steps,
        reported_f1_macro=experiment.reported.f1_macro if experiment.reported else None,
    )
