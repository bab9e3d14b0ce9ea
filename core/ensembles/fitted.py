"""An ensemble whose second level is fitted: weights, ranks, a logistic regression or a stack.

The validation units are distributed over parts. For each part a second level is fitted on the others and
answers for it, so that no row of the ensemble's predictions comes from a second level that has seen its unit.
One more is fitted on everything: it is the checkpoint, with which the ensemble predicts. A checkpoint is
saved after each, and a run that was killed goes on with the next one.
"""

import time
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.blending.blend import BLENDERS, Blender, blended_rows
from core.blending.sample import Sample
from core.blending.saved import WHOLE, blend_table
from core.config.experiment import EnsembleConfig, to_table
from core.ensembles.measured import DataOfRuns, emit_epoch, measure_of, require_same_source
from core.ensembles.members import groups_of, members_of, open_inputs
from core.ensembles.parts import parts_of_units
from core.ensembles.sampling import draw_sample, read_together
from core.errors import CheckpointError, ConfigError
from core.evaluation.predictions import UNIT, Predictions
from core.evaluation.stored_predictions import StoredPredictions, require_same_units
from core.run.emitter import Emitter
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.system.progress import Progress
from core.training.attempt import say
from core.training.checkpoint import CheckpointStore
from core.training.fit import Complete, keep_evaluation
from core.training.kept_predictions import predictions_file
from core.training.state import TrainingProgress


class BlendFit:
    """Fits the second level of an ensemble, and measures it.

    Args:
        run_dir: of the ensemble; its members are beside it.
        request: names them, and the way to combine them.
        emitter: takes the events of the checkpoints and of its one epoch.
        progress: called with (done, total, what); what it raises ends the work.

    Raises:
        UserError: a member is gone or has changed, kept no predictions, or does not belong with the others.
    """

    parameters = 0

    def __init__(
        self, run_dir: RunDir, request: RunRequest, emitter: Emitter, progress: Progress
    ) -> None:
        self._began = time.perf_counter()
        self._run_dir, self._request, self._emitter, self._tell = (
            run_dir,
            request,
            emitter,
            progress,
        )
        self._config = config_of(request)
        inputs = open_inputs(run_dir.path.parent, request.inputs)
        members = members_of(inputs)
        require_same_source(members)
        self._names = [member.name for member in members]
        self._groups = groups_of(members, inputs)
        self._members = [member.predictions() for member in members]
        require_same_units(self._members, self._names)
        first = self._members[0]
        folds = [[run.resolved.validation_units for run in member.runs] for member in members]
        config = self._config
        self._part_of = parts_of_units(first.rows, folds, config.folds, config.seed)
        self._parts = max(self._part_of.values()) + 1
        self.learner = DataOfRuns(request, inputs, first)
        self._store = CheckpointStore(run_dir)
        self.progress = TrainingProgress()
        self._fitted: dict[str, Blender] = {}
        """By the number of the part that it has not seen; and one that has seen all."""
        self._restore()

    @property
    def steps_per_epoch(self) -> int:
        """Second levels to fit: one for each part, and one for all."""
        return self._parts + 1

    def fit(self) -> Complete:
        """Fit what is not fitted yet, predict each part, and measure."""
        if self.progress.epoch:
            return "epochs"
        self._fit_all()
        predictions = self._predict()
        measure = measure_of(self._request, predictions)
        metrics = {name: float(value) for name, value in measure.metrics().items()}
        monitor = self.learner.monitor
        if monitor not in metrics:
            choices = ", ".join(sorted(metrics))
            raise ConfigError(
                f"training.monitor: {monitor!r} is not measured; choose one of {choices}"
            )
        seconds = time.perf_counter() - self._began
        emit_epoch(self._emitter, self.progress.step, seconds, metrics)
        self.progress.end_epoch(metrics[monitor], rises=self.learner.spec.rises(monitor))
        keep_evaluation(self._run_dir, measure, better=True)
        self._save(["best", "last"], metrics[monitor])
        return "epochs"

    # ── fitting ───────────────────────────────────────────────────────────────────────────────

    def _fit_all(self) -> None:
        missing = [key for key in (*map(str, range(self._parts)), WHOLE) if key not in self._fitted]
        if not missing:
            return
        seed = self._config.seed
        sample, part = draw_sample(self._members, self._names, self._part_of, seed, self._tell)
        for key in missing:
            self._fitted[key] = self._one(key, sample, part)
            self.progress.step += 1
            self.progress.epoch_step += 1
            self._save(["last"], None)
        say(f"{self._config.how}: {self._fitted[WHOLE].words(self._names)}")

    def _one(self, key: str, sample: Sample, part: NDArray[np.int64]) -> Blender:
        """Fit on all parts but the one of the key."""
        rows = np.ones(len(part), np.bool_) if key == WHOLE else part != int(key)
        what = f"second levels fitted, by {self._config.how}"

        def beat() -> None:
            self._tell(self.progress.step, self.steps_per_epoch, what)

        return BLENDERS[self._config.how].fitted(sample.of(rows), self._config.seed, beat)

    def _predict(self) -> StoredPredictions:
        """Write the predictions, each from the second level that has not seen its part."""
        labels = self._members[0].labels
        with predictions_file(self._run_dir.predictions) as file:
            read = read_together(self._members, self._names, self._tell, "units blended")
            for examples, given in read:
                units = examples[UNIT].to_pylist()
                part = np.array([self._part_of[unit] for unit in units], np.int64)
                found = np.empty(given.shape[1:], np.float32)
                for number in np.unique(part):
                    rows = part == number
                    found[rows] = blended_rows(self._fitted[str(number)], given[:, rows])
                file.append(Predictions(examples, labels, found).table())
            file.kept = True
        return StoredPredictions([self._run_dir.predictions])

    # ── saving ────────────────────────────────────────────────────────────────────────────────

    def _restore(self) -> None:
        """Take over what the newest checkpoint has.

        Raises:
            CheckpointError: it is of something else.
        """
        if (checkpoint := self._store.load("last")) is None:
            return
        content = checkpoint.content
        try:
            self.progress = msgspec.convert(content["progress"], TrainingProgress)
            kind = BLENDERS[self._config.how]
            self._fitted = {key: kind.restored(state) for key, state in content["model"].items()}
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise CheckpointError(
                f"{self._run_dir.checkpoints / checkpoint.pointer.file}: the ensemble cannot go on from it"
                f" ({error})"
            ) from error

    def _save(self, pointers: list[str], metric: float | None) -> None:
        done = self.progress.epoch > 0
        states = {key: each.state() for key, each in self._fitted.items()}
        content: dict[str, Any] = {
            "experiment": to_table(self._request.experiment),
            "input_spec": blend_table(self._config.how, self._groups, self._members[0].labels),
            "model": {WHOLE: states[WHOLE]} if done else states,
            "average": {},
            "optimizer": {},
            "schedule": {},
            "scaler": {},
            "rng": [],
            "progress": msgspec.to_builtins(self.progress),
            "task": {"members": [msgspec.to_builtins(each) for each in self._request.inputs]},
        }
        self._store.save(
            content,
            emitter=self._emitter,
            epoch=self.progress.epoch,
            step=self.progress.step,
            pointers=pointers,
            metric=metric,
        )


def config_of(request: RunRequest) -> EnsembleConfig:
    """Return how an ensemble's members are combined.

    Raises:
        ConfigError: its request does not say.
    """
    found = request.experiment.ensemble
    if found is None:
        raise ConfigError(f"{request.run}: run.toml has no [experiment.ensemble]")
    return found
