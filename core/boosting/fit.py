"""Fit a run by gradient boosting: one model after the other, then a single epoch that measures all."""

import math
import time
import zlib
from collections.abc import Callable
from typing import Any

import msgspec
import pyarrow as pa
import torch

from core.boosting.learner import WHO, BoostSettings, fit_model
from core.boosting.measuring import measured
from core.boosting.models import BoostedModels
from core.boosting.plan import BoostPlan, LabTable, TrainingTable
from core.config.experiment import to_table
from core.config.task_spec import TaskSpec
from core.data.manifest import source_fingerprint
from core.data.prepared import PreparedData
from core.errors import CheckpointError, ConfigError
from core.run import places
from core.run.emitter import Emitter
from core.run.events import Epoch
from core.run.request import RunRequest
from core.run.rundir import RunDir, epoch_pointer
from core.system.gradient_boosting import require_lightgbm
from core.system.progress import Progress
from core.tasks.actions.build import open_data
from core.tasks.actions.chosen import ChosenVideos
from core.tasks.actions.model import KIND
from core.tasks.actions.settings import ActionsExperiment, actions_of
from core.tasks.actions.spec import SPEC
from core.tasks.task import DataSummary
from core.training.checkpoint import CheckpointStore
from core.training.fit import Complete, keep_evaluation
from core.training.kept_predictions import predictions_file
from core.training.state import TrainingProgress


class BoostLearner:
    """Describes the data of a run for its events and its request."""

    spec: TaskSpec = SPEC

    def __init__(self, experiment: ActionsExperiment, chosen: ChosenVideos, columns: int) -> None:
        self.monitor = experiment.training.monitor
        data, train, validation = chosen.data, chosen.train_rows, chosen.validation_rows
        examples = chosen.examples(train)
        self.summary = DataSummary(
            fingerprint=data.fingerprint,
            train_units=chosen.units(chosen.train),
            validation_units=chosen.units(chosen.validation),
            train_examples=examples,
            validation_examples=chosen.examples(validation),
            train_samples=examples,
            train_label_examples=chosen.label_frames(train),
            validation_label_examples=chosen.label_frames(validation),
            input_size=columns,
            features_by=f"lightgbm {require_lightgbm(WHO).__version__}",
            validation_source=source_fingerprint(data.videos[v] for v in chosen.validation),
            warnings=chosen.remarks,
        )


class BoostFit:
    """Fits a model for each action of each lab, and saves them after each.

    A run that was stopped continues with the first model that has not been fitted. A model depends only on
    the data, the settings and the seed, so the result is the same.

    Args:
        run_dir: of the run.
        request: says what to fit.
        emitter: takes the event of its one epoch.
        progress: called with (done, total, what); what it raises ends the fit, without what has been saved.

    Raises:
        UserError: LightGBM is missing, or the data cannot be used.
    """

    def __init__(
        self, run_dir: RunDir, request: RunRequest, emitter: Emitter, progress: Progress
    ) -> None:
        require_lightgbm(WHO)
        self._run_dir, self._request, self._emitter = run_dir, request, emitter
        self._tell = progress
        self._experiment = actions_of(request.experiment, "boosting")
        cache = places.cache_of_run(run_dir.path)
        data = open_data(self._experiment, request.data, cache, progress).prepared
        self._chosen = ChosenVideos.of(self._experiment, data)
        self._rate = self._experiment.data.frames_per_second
        labs = _labs(self._experiment, self._chosen, data)
        self._plan = BoostPlan(data, self._chosen.train_rows, labs, self._rate)
        self._store = CheckpointStore(run_dir, self._experiment.training.keep_last)
        self._threads = torch.get_num_threads()
        self._texts: dict[str, str] = {}
        self.progress = TrainingProgress()
        self._restore()
        columns = max((len(self._plan.features(t).names) for t in self._plan.tables), default=0)
        self.learner = BoostLearner(self._experiment, self._chosen, columns)

    @property
    def steps_per_epoch(self) -> int:
        """Models: each counts as a step."""
        return self._plan.models

    @property
    def parameters(self) -> int:
        """Leaves of all trees."""
        model = self._experiment.model
        return self._plan.models * model.rounds * model.leaves

    def fit(self) -> Complete:
        """Fit the models that are missing, and measure all of them as one epoch.

        Raises:
            ConfigError: the monitored metric is not measured.
            UserError: the run folder cannot be written.
        """
        if self.progress.epoch:
            return "epochs"
        began = time.perf_counter()
        for table in self._plan.tables:
            missing = [a for a in table.actions if self._plan.label(table, a) not in self._texts]
            if missing:
                self._fit_table(table, missing)
        self._measure(began)
        return "epochs"

    # ── fitting ───────────────────────────────────────────────────────────────────────────────

    def _fit_table(self, table: LabTable, missing: list[int]) -> None:
        model = self._experiment.model
        what = f"models fitted; reading {table.lab}"
        examples = self._plan.read(
            table, model.examples, self._request.seed, lambda: self._beat(what)
        )
        for action in missing:
            label = self._plan.label(table, action)
            self._texts[label] = self._fitted(table, examples, action, label)
            self.progress.step += 1
            self.progress.epoch_step += 1
            self._save(["last"], None)

    def _fitted(self, table: LabTable, examples: TrainingTable, action: int, label: str) -> str:
        rows = examples.annotated[:, action]
        everything = bool(rows.all())
        labels = examples.labels[:, action]
        model = self._experiment.model
        settings = BoostSettings(
            rounds=model.rounds,
            learning_rate=model.shrinkage,
            leaves=model.leaves,
            leaf_examples=model.leaf_examples,
            column_share=model.column_share,
            row_share=model.row_share,
            l2=model.l2,
        )
        return fit_model(
            examples.features if everything else examples.features[rows],
            labels if everything else labels[rows],
            examples.weights if everything else examples.weights[rows],
            self._plan.features(table).names,
            settings,
            zlib.crc32(f"{self._request.seed}/{label}".encode()) >> 1,
            self._threads,
            beat=lambda: self._beat(f"models fitted; {label}"),
        )

    def _beat(self, what: str) -> None:
        self._tell(self.progress.step, self._plan.models, what)

    # ── measuring ─────────────────────────────────────────────────────────────────────────────

    def _measure(self, began: float) -> None:
        if not self.learner.summary.validation_examples:
            self._report({}, began)
            self._save_epoch(self.progress.end_epoch(None), None)
        elif self._experiment.training.keep_predictions:
            with predictions_file(self._run_dir.predictions) as predictions:
                monitored = self._validate(began, predictions.append)
                predictions.kept = True
            self._save_epoch(True, monitored)
        else:
            self._save_epoch(True, self._validate(began, None))

    def _validate(self, began: float, keep: Callable[[pa.Table], object] | None) -> float:
        """Measure all models, and return the monitored metric: that of the one epoch, and thus the best."""
        measure = measured(self._models(), self._experiment, self._chosen, self._tell, keep)
        metrics = {name: float(value) for name, value in measure.metrics().items()}
        monitor = self.learner.monitor
        if monitor not in metrics:
            choices = ", ".join(sorted(metrics))
            raise ConfigError(
                f"training.monitor: {monitor!r} is not measured; choose one of {choices}"
            )
        self._report(metrics, began)
        self.progress.end_epoch(metrics[monitor], rises=self.learner.spec.rises(monitor))
        keep_evaluation(self._run_dir, measure, better=True)
        return metrics[monitor]

    def _report(self, metrics: dict[str, float], began: float) -> None:
        seconds = time.perf_counter() - began
        self._emitter.emit(
            Epoch,
            epoch=1,
            step=self.progress.step,
            seconds=round(seconds, 3),
            train_loss=math.nan,
            learning_rate=self._experiment.model.shrinkage,
            gradient_norm=math.nan,
            frames_per_second=round(self.learner.summary.train_examples / max(seconds, 1e-9), 1),
            metrics=metrics,
        )

    # ── saving ────────────────────────────────────────────────────────────────────────────────

    def _models(self) -> BoostedModels:
        return BoostedModels(
            self._texts,
            self._plan.parts,
            self._chosen.train_rows.actions,
            self._rate,
            self._threads,
        )

    def _restore(self) -> None:
        """Take over the models of the newest checkpoint.

        Raises:
            CheckpointError: it is not a checkpoint of boosted models.
        """
        if (checkpoint := self._store.load("last")) is None:
            return
        try:
            self.progress = msgspec.convert(checkpoint.content["progress"], TrainingProgress)
            texts = checkpoint.content["model"]
            BoostedModels.of_checkpoint(checkpoint.content["input_spec"], texts)
        except (KeyError, ValueError) as error:  # msgspec's are ValueErrors
            raise CheckpointError(
                f"{self._run_dir.checkpoints / checkpoint.pointer.file}: the run cannot go on from it"
                f" ({error})"
            ) from error
        self._texts = dict(texts)

    def _save_epoch(self, better: bool, metric: float | None) -> None:
        pointers = ["best"] if better else []
        if self._experiment.training.save_every == 1:
            pointers.append(epoch_pointer(self.progress.epoch))
        self._save([*pointers, "last"], metric)

    def _save(self, pointers: list[str], metric: float | None) -> None:
        models = self._models()
        content: dict[str, Any] = {
            "experiment": to_table(self._experiment),
            "input_spec": models.input_table(),
            "model": dict(self._texts),
            "average": {},
            "optimizer": {},
            "schedule": {},
            "scaler": {},
            "rng": [],
            "progress": msgspec.to_builtins(self.progress),
            "task": {
                "kind": KIND,
                "labs": list(models.labs),
                "actions": list(models.actions),
                "lab_actions": self._chosen.lab_actions(),
            },
        }
        self._store.save(
            content,
            emitter=self._emitter,
            epoch=self.progress.epoch,
            step=self.progress.step,
            pointers=pointers,
            metric=metric,
        )


def _labs(
    experiment: ActionsExperiment, chosen: ChosenVideos, data: PreparedData
) -> tuple[str, ...]:
    """Return the labs to fit models for: all but the training-only ones, unless there are no others."""
    labs = sorted({data.videos[video].lab_id for video in chosen.train})
    wanted = [lab for lab in labs if lab not in experiment.data.training_only_labs]
    return tuple(wanted or labs)
