"""The declaration of a task, and the lookup of a task by its name.

Listing, curves, comparison and the dashboard know a task only through its :class:`TaskSpec`. Reading one
imports neither numpy nor torch, so ``mabe list`` stays instant; training code is named by dotted path and
imported when a job starts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import msgspec

from core.config.experiment import DEFAULT_TASK as DEFAULT_TASK
from core.config.experiment import Experiment
from core.config.strict import nearest
from core.config.task_modules import folder_of, load_attribute, travelling
from core.errors import ConfigError

GROUP = "mabe.tasks"
"""Entry points of this group are tasks: ``pairs = "my_package.pairs:SPEC"``."""
BUILT_IN = {
    DEFAULT_TASK: "core.tasks.behaviour.spec:SPEC",
    "actions": "core.tasks.actions.spec:SPEC",
    "pairs": "core.tasks.pairs.spec:SPEC",
}
"""Name of a task → where its spec is, as ``module:attribute``."""
SUPPORT = "support/"
"""Prefix of the metrics that count the validation examples of each label: ``support/<label>``."""

ViewName = Literal["classes", "confusion", "video", "ethogram", "examples"]
"""Views that the dashboard can show besides the curves, which every task has."""


class MetricSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One validation metric: its name in ``epoch.metrics``, its display, and which direction is better."""

    name: str
    """Key in ``epoch.metrics``; with ``per_label``, the part before the slash, as in ``f1/mating``."""
    label: str
    """Label for table headings and axes, such as ``F1``."""
    title: str = ""
    """Title of a chart, if the label is not enough; empty: the label."""
    rises: bool = True
    """Whether a larger value is better; ``False`` for a loss."""
    per_label: bool = False
    statistic: str | None = None
    """``module:function`` that maps rows ``(..., labels, columns)`` of additive counts to ``(...)`` scores
    (:mod:`core.evaluation.rows`), to ``(..., labels)`` with ``per_label``; ``None`` where the rows are not
    enough, as for average precision."""
    for_labels: bool = False
    """Whether ``statistic`` is called with the names of the labels first, and returns that function: for a
    score that treats labels differently. :func:`core.evaluation.statistic.statistic_of` resolves either."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun for what is counted, in singular and plural."""

    one: str
    many: str

    def count(self, number: int) -> str:
        """Return a count in words: ``1 video``, ``12 videos``."""
        return f"{number:,} {self.one if number == 1 else self.many}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A short description of an experiment's data and model, for one row of a table."""

    data: str
    """Source and shape, as in ``competition 4×mabe18``."""
    model: str | None = None
    inputs: tuple[str, ...] = ()
    """Names of the model's inputs."""
    input_size: int | None = None
    """Values per example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSizes:
    """Sizes of an experiment's data, for estimates of time and memory."""

    bytes_per_example: int
    """Bytes that training keeps on a GPU."""
    examples: int | None = None
    """Examples of synthetic data, validation included; ``None`` if the data are not synthetic."""
    samples: int | None = None
    """Samples of one epoch on these data."""


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """One learning task, as everything except the trainer knows it."""

    name: str
    title: str
    """One-line description for users."""
    unit: Noun
    """Unit that a bootstrap resamples: the largest independent piece of data."""
    example: Noun
    """Unit of metric counts and training rates: frames, say."""
    sample: Noun = Noun("sample", "samples")
    """Content of a batch: windows of frames, say."""
    metrics: tuple[MetricSpec, ...]
    primary: str
    """The metric that leads in lists, curves and verdicts."""
    primary_where_absent: str | None = None
    """The metric that leads instead if some label has no validation example; ``None``: the same."""
    charted: tuple[str, ...] = ()
    """Metrics of the same scale that share a chart with the primary one."""
    labels: Callable[[Any], tuple[str, ...]]
    """Names of the predicted labels, in index order."""
    label: Noun = Noun("class", "classes")
    """The noun for one of ``labels``."""
    outline: Callable[[Any], Outline] = field(default=lambda _: Outline(data=""))
    """Summarises the task's own settings of an ``experiment``."""
    experiment: type[Experiment]
    """Adds the task's own settings to those that all tasks have."""
    problems: Callable[[Any], list[tuple[str, str]]] = field(default=lambda _: [])
    """Cross-checks of an ``experiment``: pairs of key path and sentence."""
    makes_data: Callable[[Any], bool] = field(default=lambda _: True)
    """Whether an ``experiment`` generates or finds its own data, so that a run needs no data folder."""
    with_data: tuple[str, ...] = ()
    """Overrides that naming a data folder implies, such as ``data.source=competition``."""
    describe_data: str | None = None
    """``module:function``, called before a run starts as ``(experiment, folder or None)``; returns a sentence
    about the data, or raises :class:`~core.errors.UserError` if they cannot be used for training."""
    data_key: str | None = None
    """``module:function``, called as ``(experiment, folder)``; returns a string that changes with the files
    that training would read, or raises :class:`~core.errors.DataError` if they cannot be read."""
    data_sizes: str | None = None
    """``module:function``, called as ``(experiment)``; returns :class:`DataSizes`."""
    with_little_data: Callable[[Any], Any] = field(default=lambda experiment: experiment)
    """Returns an ``experiment`` with a little synthetic data, if possible, and the same steps: for
    probes of time and memory."""
    build: str
    """``module:function``, called by the job as ``(request, cache, device, progress)``; returns a
    :class:`core.tasks.task.Task`."""
    fit: Callable[[Any], str | None] = field(default=lambda _: None)
    """Returns ``module:function`` for an ``experiment`` that is not trained by epochs of steps, else
    ``None``. The job calls it as ``(run_dir, request, emitter, progress)``; it returns a
    :class:`core.training.fit.Fit`."""
    prepare: str | None = None
    """``module:function``, called as ``(request, cache, progress)`` before probes of time and memory: fills
    the cache shared by all runs on the same data; ``None`` if there is nothing to cache."""
    score_predictions: str | None = None
    """``module:function``, called as ``(experiment, predictions)`` with validation predictions
    (:class:`core.evaluation.predictions.Predictions`); returns a :class:`core.tasks.task.Measure` that has
    processed them. ``None``: runs of this task cannot be averaged to an ensemble."""
    predictor: str | None = None
    """``module:function``, called as ``(members, device)`` with the loaded checkpoints
    (:class:`core.tasks.loaded.LoadedCheckpoint`) of one or several members; returns a
    :class:`core.tasks.predictor.Predictor` of their mean. ``None``: checkpoints of this task cannot be
    applied to data."""
    pictures: str | None = None
    """``module:function``, which a task with the view ``examples`` needs: called as ``(request, cache, units,
    progress)``, it returns the grey images of each unit, ``(height, width)`` from 0 to 1, in the order of the
    units. It raises :class:`~core.errors.UserError` if the data are gone or not those of the run."""
    requirements: tuple[str, ...] = ()
    """Packages that a rented machine needs in addition to those of ``core``."""
    system_packages: tuple[str, ...] = ()
    """Debian packages that these need, and slim images lack."""
    views: frozenset[ViewName] = frozenset()

    def metric(self, name: str) -> MetricSpec | None:
        """Return the spec of ``f1_macro`` or ``f1/mating``; ``None`` if the task does not declare it."""
        head, slash, _ = name.partition("/")
        return next(
            (m for m in self.metrics if m.name == head and m.per_label == bool(slash)), None
        )

    def __post_init__(self) -> None:
        if self.metric(self.primary) is None:
            raise ConfigError(
                f"task {self.name!r}: its primary metric {self.primary!r} is not among its metrics"
            )

    @property
    def primary_metric(self) -> MetricSpec:
        """The spec of the primary metric."""
        found = self.metric(self.primary)
        assert found is not None  # checked by __post_init__
        return found

    @property
    def label_metric(self) -> MetricSpec | None:
        """The first metric that is measured for each label; ``None`` if there is none."""
        return next((metric for metric in self.metrics if metric.per_label), None)

    @property
    def rate_unit(self) -> str:
        """The unit of a training rate, such as ``frames/s``."""
        return f"{self.example.many}/s"

    def label_of(self, name: str) -> str:
        """Return a metric's label for table headings; its name if the task does not declare it."""
        found = self.metric(name)
        return name if found is None else found.label

    def rises(self, name: str) -> bool:
        """Return whether a larger value of a metric is better; ``True`` for an undeclared metric."""
        found = self.metric(name)
        return found is None or found.rises

    def falling(self, experiment: Experiment) -> tuple[str, ...]:
        """Return the names of the metrics for which a smaller value is better."""
        return tuple(name for name in self.metric_names(experiment) if not self.rises(name))

    def metric_names(self, experiment: Experiment) -> tuple[str, ...]:
        """Return every declared name, with those of each label expanded."""
        labels = self.labels(experiment)
        return tuple(
            name
            for metric in self.metrics
            for name in (
                [f"{metric.name}/{label}" for label in labels]
                if metric.per_label
                else [metric.name]
            )
        )

    def leading(self, metrics: Mapping[str, float]) -> str:
        """Return the metric that leads for one epoch's metrics.

        Args:
            metrics: metrics of an epoch. If they count no example for some label, a macro average over all
                labels has an upper bound below 1, and the metric over the labels present leads.
        """
        absent = any(value == 0 for name, value in metrics.items() if name.startswith(SUPPORT))
        other = self.primary_where_absent
        return other if absent and other is not None and other in metrics else self.primary


def task_spec(name: str) -> TaskSpec:
    """Return the spec of a task.

    Args:
        name: a built-in task, an entry point of the group ``mabe.tasks``, or ``module:ATTRIBUTE``.

    Raises:
        ConfigError: there is no such task, or the object is not a task.
    """
    return _spec(name)


def task_names() -> tuple[str, ...]:
    """Return the names of all installed tasks."""
    return tuple(sorted({*BUILT_IN, *_installed()}))


def labels_of(experiment: Experiment) -> tuple[str, ...]:
    """Return the labels that an experiment predicts, such as its classes, in index order.

    Raises:
        ConfigError: there is no such task.
    """
    return task_spec(experiment.task).labels(experiment)


def task_modules(name: str) -> tuple[str, ...]:
    """Return the top-level modules that a task needs besides ours, for a machine that lacks them.

    Raises:
        ConfigError: there is no such task.
    """
    return travelling(_place(name), task_spec(name).build)


def task_source(name: str) -> str | None:
    """Return the folder of a task that is named ``module:ATTRIBUTE``, where its job can import it.

    ``None`` if the task is ours or installed.
    """
    return folder_of(name) if ":" in name else None


def _place(name: str) -> str:
    """Return the location of a task's spec, as ``module:attribute``."""
    where = BUILT_IN.get(name) or _installed().get(name) or (name if ":" in name else None)
    if where is None:
        raise ConfigError(
            f"no task {name!r}{nearest(name, task_names())}; a task of your own is named"
            ' module:ATTRIBUTE, as in task = "my_tasks:PAIRS"'
        )
    return where


@cache
def _spec(name: str) -> TaskSpec:
    where = _place(name)
    spec = load_attribute(where)
    if not isinstance(spec, TaskSpec):
        raise ConfigError(f"task {name!r}: {where} is no TaskSpec")
    return spec


def _installed() -> dict[str, str]:
    """Return the tasks of installed packages: name → ``module:attribute``."""
    from importlib.metadata import entry_points  # slow to import, and listing v1 to v7 needs none

    return {point.name: point.value for point in entry_points(group=GROUP)}
