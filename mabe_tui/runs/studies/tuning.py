"""Trials as runs: start them, check their states, and report their results to the study."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import ConfigError
from core.run import places
from core.run.events import Failed, Stopped
from core.run.history import History
from core.run.request import RunRequest
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import Launcher, RunState, UnreachableError
from mabe_tui.runs.following.connection import turns
from mabe_tui.runs.launching.start import start_run
from mabe_tui.runs.reading.thin_history import thin_history
from mabe_tui.runs.store import STUDY_TAG
from mabe_tui.runs.studies.study import Study, StudyTrial, TrialResult

STOP_GRACE = 60.0
LIMITS = ("time_limit", "budget")
"""Stop reasons that end every trial alike: the result until then counts."""
DEAD = (RunState.STOPPED, RunState.PREEMPTED, RunState.LOST)


@dataclass
class _Active:
    """A trial whose run has started."""

    trial: StudyTrial
    run: RunDir
    monitor: str
    epochs: int
    told: int = 0
    """Number of epochs reported."""
    context: ExitStack = field(default_factory=ExitStack)
    """Keeps the run's folder up to date."""


class Tuner:
    """Works through a study, running several trials in parallel, each as a run.

    Args:
        study: chooses the values to try.
        name: name of the study, for the tags of the runs.
        home: home folder of the runs.
        launcher: starts them.
        request_for: returns the request of a trial from its overrides.
        seconds: seconds between two checks of the runs.
        tell: called with a line for every new trial and each of its epochs, and when the
            launcher cannot be reached, which is retried indefinitely.
    """

    def __init__(
        self,
        study: Study,
        name: str,
        home: Path,
        launcher: Launcher,
        request_for: Callable[[list[str]], RunRequest],
        seconds: float = 1.0,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._study, self._name = study, name
        self._home, self._launcher = home, launcher
        self._request_for = request_for
        self._seconds, self._tell = seconds, tell
        self._active: list[_Active] = []
        self._has_begun = self._is_away = False

    @property
    def under_way(self) -> list[str]:
        """The runs of trials that have not ended, including one that is being launched now."""
        runs = [self._run_of(trial) for trial in self._study.unfinished()]
        return [run.id for run in runs if run is not None and run.attempts()]

    def results(self, trials: int, parallel: int) -> Iterator[TrialResult]:
        """Yield the result of each trial as it ends, until the study has this many trials.

        Trials that were running when the study was interrupted come first. Leaving early leaves the runs
        running, and the study keeps track of them.

        Raises:
            UserError: a run cannot be started, stopped or resumed.
        """
        left = self._study.unfinished()
        try:
            while True:
                yield from self._begin_some(left, trials, parallel)
                if not (self._active or left):
                    return
                yield from self._look_at_all()
                time.sleep(self._seconds if self._active or self._is_away else 0)
        finally:
            for each in self._active:
                each.context.close()

    def _begin_some(
        self, left: list[StudyTrial], trials: int, parallel: int
    ) -> Iterator[TrialResult]:
        """Start as many trials as there is room for; yield those that failed at once."""
        while len(self._active) < parallel and (trial := self._next(left, trials)):
            try:
                failed = self._begin(trial)
            except UnreachableError as error:
                if not self._has_begun:
                    raise
                left.insert(0, trial)
                self._say_away(error)
                return
            self._has_begun, self._is_away = True, False
            if failed is not None:
                yield failed

    def _say_away(self, error: UnreachableError) -> None:
        if not self._is_away:
            self._tell(f"{str(error).partition(';')[0]}; trying again")
        self._is_away = True

    def _next(self, left: list[StudyTrial], trials: int) -> StudyTrial | None:
        if left:
            return left.pop(0)
        return self._study.new_trial() if self._study.begun() < trials else None

    def _begin(self, trial: StudyTrial) -> TrialResult | None:
        """Start or resume the run of a trial; if its values are incompatible, the trial fails."""
        run = self._run_of(trial)
        if run is not None and (run.path / "run.toml").exists():
            self._take_up(trial, run)
            return None
        try:
            request = self._request_for([f"{path}={value}" for path, value in trial.values.items()])
        except ConfigError as error:
            return self._study.fail(trial, str(error))
        trial.become(request.run)
        tags = [f"{STUDY_TAG}{self._name}", f"trial:{trial.number}"]
        self._follow(trial, start_run(self._home, request, self._launcher, tags, self._tell))
        return None

    def _run_of(self, trial: StudyTrial) -> RunDir | None:
        return RunDir(places.runs(self._home) / trial.run) if trial.run else None

    def _take_up(self, trial: StudyTrial, run: RunDir) -> None:
        """Continue with a run that was running when the study was interrupted."""
        state = self._launcher.state(run)
        reached_limit = state is RunState.STOPPED and _stop_reason(run) in LIMITS
        if state in DEAD and not reached_limit and not trial.to_be_pruned:
            self._launcher.resume(run, self._tell)
        self._follow(trial, run)

    def _follow(self, trial: StudyTrial, run: RunDir) -> None:
        training = run.read_request().experiment.training
        active = _Active(trial, run, training.monitor, training.epochs)
        self._tell(f"trial {trial.number}: {run.id}")
        active.context.enter_context(self._following(run))
        self._active.append(active)

    def _following(self, run: RunDir) -> AbstractContextManager[object]:
        return self._launcher.following(run, turns(self._tell, run.id))

    # ── looking ───────────────────────────────────────────────────────────────────────────────

    def _look_at_all(self) -> Iterator[TrialResult]:
        for each in [*self._active]:
            try:
                result = self._look(each)
            except UnreachableError as error:
                self._say_away(error)
                continue
            if result is not None:
                self._active.remove(each)
                each.context.close()
                yield result

    def _look(self, each: _Active) -> TrialResult | None:
        """Report new epochs to the study; return the result if the run has ended."""
        state = self._launcher.state(each.run)
        history = thin_history(each.run)  # after the state: it can only be newer
        for epoch in history.epochs:
            value = epoch.metrics.get(each.monitor, math.nan)
            if math.isfinite(value):
                each.trial.report(epoch.epoch, value)
            if epoch.epoch > each.told:
                each.told = epoch.epoch
                self._tell(
                    f"trial {each.trial.number}: epoch {epoch.epoch}/{each.epochs}"
                    f"  {each.monitor} {value:.4f}"
                )
        if state.is_alive and (each.trial.to_be_pruned or each.trial.should_be_pruned()):
            each.trial.prune()
            self._launcher.stop(each.run, STOP_GRACE)
            state, history = self._launcher.state(each.run), thin_history(each.run)
        if state is RunState.PREEMPTED:
            self._launcher.resume(each.run, self._tell)
            each.context.close()  # it followed the attempt that has ended
            each.context.enter_context(self._following(each.run))
            return None
        if state.may_speak:
            return None
        return self._ended(each, state, history)

    def _ended(self, each: _Active, state: RunState, history: History) -> TrialResult:
        best = history.best_epoch(each.monitor)
        if state in (RunState.FAILED, RunState.LOST) or best is None:
            ending = history.ending
            problem = ending.error if isinstance(ending, Failed) else f"its run is {state}"
            return self._study.fail(each.trial, problem)
        if state is RunState.STOPPED and _stop_reason(each.run) not in LIMITS:
            return self._study.prune(each.trial)
        return self._study.complete(each.trial, best.metrics[each.monitor])


def _stop_reason(run: RunDir) -> str | None:
    ending = thin_history(run).ending
    return ending.reason if isinstance(ending, Stopped) else None
