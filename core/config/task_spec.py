"""What a task declares about itself, and how a task is found by its name.

Listing, curves, comparison and the dashboard know a task through its :class:`TaskSpec` alone. Reading one
loads neither numpy nor torch, so ``mabe list`` stays instant; what trains is named by dotted path and
imported when a job starts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Literal

import msgspec

from core.config.experiment import DEFAULT_TASK as DEFAULT_TASK
from core.config.experiment import Experiment
from core.config.strict import nearest
from core.config.task_modules import folder_of, load_attribute, travelling
from core.errors import ConfigError

GROUP = "mabe.tasks"
"""Entry points of this group are tasks: ``pairs = "my_package.pairs:SPEC"``."""
BUILT_IN = {DEFAULT_TASK: "core.tasks.behaviour.spec:SPEC"}
"""Name of a task → where its spec is, as ``module:attribute``."""
SUPPORT = "support/"
"""An epoch's metrics count the validation examples of each label under ``support/<label>``."""

View = Literal["classes", "confusion", "video", "ethogram"]
"""What the dashboard can show of a run besides its curves, which every task has."""


class MetricSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One validation metric: its name in ``epoch.metrics``, how it is shown, and which way is better."""

    name: str
    """Key in ``epoch.metrics``; with ``per_label`` the part before the slash, as in ``f1/mating``."""
    label: str
    """For table heads and axes, such as ``F1``."""
    title: str = ""
    """For the head of a chart, where the label says too little; empty: the label."""
    rises: bool = True
    """Whether a larger value is better. ``loss`` falls."""
    per_label: bool = False
    statistic: str | None = None
    """``module:function`` that maps rows ``(..., labels, columns)`` of additive counts to ``(...)`` scores
    (:mod:`core.evaluation.rows`), to ``(..., labels)`` with ``per_label``; ``None`` where the rows are not
    enough, as for average precision."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A word for what is counted, in both numbers."""

    one: str
    many: str

    def count(self, number: int) -> str:
        """Return a count in words: ``1 video``, ``12 videos``."""
        return f"{number:,} {self.one if number == 1 else self.many}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """An experiment's data and model in a few words, for one row of a table."""

    data: str
    """Source and shape, as in ``competition 4×mabe18``."""
    model: str | None = None
    inputs: tuple[str, ...] = ()
    """Names of what the model sees."""
    input_size: int | None = None
    """Numbers an example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSizes:
    """How large the data of an experiment are, for estimates of time and memory."""

    bytes_per_example: int
    """That training keeps on a GPU."""
    examples: int | None = None
    """Of the data that the experiment makes itself, validation included; ``None``: it makes none."""
    samples: int | None = None
    """Of an epoch on these data."""


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """One thing that can be learned, as everything but the trainer knows it."""

    name: str
    title: str
    """One line for people."""
    unit: Noun
    """What a bootstrap resamples: the largest piece of data that is independent of the others."""
    example: Noun
    """What a metric counts and a training rate is in: frames, say."""
    sample: Noun = Noun("sample", "samples")
    """What a batch holds: windows of frames, say."""
    metrics: tuple[MetricSpec, ...]
    primary: str
    """The metric that leads in lists, curves and verdicts."""
    primary_where_absent: str | None = None
    """The one that leads instead where some label has no validation example; ``None``: the same."""
    charted: tuple[str, ...] = ()
    """Metrics of the same scale that share a chart with the primary one."""
    labels: Callable[[Any], tuple[str, ...]]
    """Names of what is told apart, in index order."""
    label: Noun = Noun("class", "classes")
    """What one of ``labels`` is."""
    outline: Callable[[Any], Outline] = field(default=lambda _: Outline(data=""))
    """Sums up the task's own settings of an ``experiment``."""
    experiment: type[Experiment]
    """Adds the task's own settings to those that all tasks have."""
    problems: Callable[[Any], list[tuple[str, str]]] = field(default=lambda _: [])
    """Cross-checks of an ``experiment``: pairs of key path and sentence."""
    makes_data: Callable[[Any], bool] = field(default=lambda _: True)
    """Whether an ``experiment`` makes or finds its own data, so that a run needs no data folder."""
    with_data: tuple[str, ...] = ()
    """Overrides that naming a data folder implies, such as ``data.source=competition``."""
    describe_data: str | None = None
    """``module:function``, called before a run starts as ``(experiment, folder or None)``; returns a sentence
    on the data, or raises :class:`~core.errors.UserError` where nothing can be learned from them."""
    data_key: str | None = None
    """``module:function``, called as ``(experiment, folder)``; returns a text that changes with the files
    that training would read, or raises :class:`~core.errors.DataError` where they cannot be read."""
    data_sizes: str | None = None
    """``module:function``, called as ``(experiment)``; returns :class:`DataSizes`."""
    with_little_data: Callable[[Any], Any] = field(default=lambda experiment: experiment)
    """Returns an ``experiment`` that makes little data of its own, where it can, with the same steps: for
    probes of time and memory."""
    build: str
    """``module:function``, called by the job as ``(request, cache, device, progress)``; returns a
    :class:`core.tasks.task.Task`."""
    prepare: str | None = None
    """``module:function``, called as ``(request, cache, progress)`` before probes of time and memory: makes
    what the cache keeps for all runs on the same data; ``None`` where there is nothing to keep."""
    score_predictions: str | None = None
    """``module:function``, called as ``(experiment, predictions)`` with validation predictions
    (:class:`core.evaluation.predictions.Predictions`); returns a :class:`core.tasks.task.Measure` that has
    taken them. ``None``: runs of this task cannot be averaged to an ensemble."""
    requirements: tuple[str, ...] = ()
    """Packages that a rented machine needs besides those of ``core``."""
    views: frozenset[View] = frozenset()

    def metric(self, name: str) -> MetricSpec | None:
        """Return the spec of ``f1_macro`` or ``f1/mating``; ``None`` where the task does not declare it."""
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
        assert found is not None  # as __post_init__ has seen
        return found

    @property
    def label_metric(self) -> MetricSpec | None:
        """The first metric that is measured for each label; ``None`` where there is none."""
        return next((metric for metric in self.metrics if metric.per_label), None)

    @property
    def rate_unit(self) -> str:
        """The unit of a training rate, such as ``frames/s``."""
        return f"{self.example.many}/s"

    def label_of(self, name: str) -> str:
        """Return a metric's label for table heads; its name where the task does not declare it."""
        found = self.metric(name)
        return name if found is None else found.label

    def rises(self, name: str) -> bool:
        """Return whether a larger value of a metric is better; an undeclared metric rises."""
        found = self.metric(name)
        return found is None or found.rises

    def falling(self, experiment: Experiment) -> tuple[str, ...]:
        """Return the names of the metrics of which a smaller value is better."""
        return tuple(name for name in self.metric_names(experiment) if not self.rises(name))

    def metric_names(self, experiment: Experiment) -> tuple[str, ...]:
        """Return every declared name, those of each label spelled out."""
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
            metrics: of an epoch. Where they count no example for some label, a macro average over all
                labels has a ceiling below 1, and the metric over those present leads.
        """
        absent = any(value == 0 for name, value in metrics.items() if name.startswith(SUPPORT))
        other = self.primary_where_absent
        return other if absent and other is not None and other in metrics else self.primary


def task_spec(name: str) -> TaskSpec:
    """Return the spec of a task.

    Args:
        name: of a built-in task, of an entry point of the group ``mabe.tasks``, or ``module:ATTRIBUTE``.

    Raises:
        ConfigError: there is no such task, or what is there is none.
    """
    return _spec(name)


def task_names() -> tuple[str, ...]:
    """Return the names of all tasks that are installed."""
    return tuple(sorted({*BUILT_IN, *(point.name for point in entry_points(group=GROUP))}))


def labels_of(experiment: Experiment) -> tuple[str, ...]:
    """Return the names of what an experiment tells apart, in index order; its classes, say.

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
    """Return the folder of a task that is named ``module:ATTRIBUTE``, for a job to find it in.

    ``None`` where the task is ours or installed under its name.
    """
    return folder_of(name) if ":" in name else None


def _place(name: str) -> str:
    """Return where the spec of a task is, as ``module:attribute``."""
    where = BUILT_IN.get(name) or _entry_point(name) or (name if ":" in name else None)
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


def _entry_point(name: str) -> str | None:
    return next((point.value for point in entry_points(group=GROUP, name=name)), None)
