"""Description of a registered version, as one row."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from core.config.experiment import Experiment
from core.config.gpus import gpu_text
from mabe_tui.runs.tasks import spec_of


class VersionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One version, as ``mabe list --json`` prints it."""

    version: str
    group: str | None
    status: str
    title: str
    extends: str | None
    model: str | None
    data: str
    """Source and shape, as in ``competition 4×mabe18``."""
    inputs: tuple[str, ...]
    input_size: int | None
    """Values per example, such as a frame."""
    launcher: str
    gpu: str | None
    """The GPU to rent."""
    device: str
    batch_size: int
    """Windows per step, accumulation included."""
    reported: float | None
    """Value of ``metric`` that the original documents report."""
    task: str
    metric: str
    """The task's primary metric."""
    metric_label: str
    metric_rises: bool

    @property
    def runs_on(self) -> str:
        """Launcher and machine, as in ``modal H100`` or ``local auto``."""
        return f"{self.launcher} {self.gpu or self.device}"


def version_row(experiment: Experiment) -> VersionRow:
    """Summarise one version."""
    hardware, training, spec = experiment.hardware, experiment.training, spec_of(experiment)
    outline, metric = spec.outline(experiment), spec.primary_metric
    ensemble = experiment.ensemble
    claims = msgspec.structs.asdict(experiment.reported) if experiment.reported else {}
    return VersionRow(
        version=experiment.name,
        group=experiment.group,
        status=experiment.status,
        title=experiment.title,
        extends=experiment.extends,
        model=outline.model if ensemble is None else f"{ensemble.how} of {len(ensemble.members)}",
        data=outline.data,
        inputs=outline.inputs,
        input_size=outline.input_size,
        launcher=hardware.launcher,
        gpu=gpu_text(hardware.gpu),
        device=hardware.device,
        batch_size=training.batch_size * training.accumulation_steps,
        reported=claims.get(metric.name),
        task=experiment.task,
        metric=metric.name,
        metric_label=metric.label,
        metric_rises=metric.rises,
    )


Row = TypeVar("Row", bound=VersionRow)


def by_group(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with those of a group together: first those of none, else in their order."""
    groups = dict.fromkeys([None, *(row.group for row in rows)])
    return [row for group in groups for row in rows if row.group == group]


def version_table(row: VersionRow) -> dict[str, object]:
    """Return a version for JSON; the reported value bears its metric's name: ``reported_f1_macro``."""
    table = msgspec.structs.asdict(row)
    return {f"reported_{row.metric}" if k == "reported" else k: v for k, v in table.items()}
