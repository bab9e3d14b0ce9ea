"""Trials as runs: starting, resuming, pruning and reporting, with fake jobs."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.config.registry import load
from core.config.tuning import Range
from core.errors import RunError
from core.run.emitter import Emitter
from core.run.events import Epoch, Failed, Finished, RunStarted, Stopped
from core.run.request import RunRequest
from core.run.rundir import RunDir, new_run_id
from core.tasks.behaviour.settings import BehaviourExperiment, BehaviourTrainingConfig
from mabe_tui.launch.launcher import RunState, StopOutcome, UnreachableError
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.studies.definition import Prune, StudyDefinition, definition_of
from mabe_tui.runs.studies.savings import savings_of
from mabe_tui.runs.studies.study import Study, best_of, open_study
from mabe_tui.runs.studies.tuning import Tuner
from mabe_tui.runs.summary.run_summary import summary_of

RANGES = {
    "training.learning_rate": Range(low=1e-4, high=1e-1, log=True),
    "training.batch_size": Range(choices=(16, 32)),
}
EXPERIMENT = BehaviourExperiment(
    name="v2",
    tune=RANGES,
    training=BehaviourTrainingConfig(epochs=3, learning_rate=1e-2, batch_size=16),
)
Script = Callable[[RunRequest], tuple[list[float], RunState]]


class PretendLauncher:
    """Lets a run say at once all it will say; ``script`` gives its values an epoch, and its state."""

    name = "local"

    def __init__(self, script: Script) -> None:
        self.script = script
        self.states: dict[str, RunState] = {}
        self.launched: list[str] = []
        self.resumed: list[str] = []
        self.stopped: list[str] = []
        self.away: list[bool] = []
        """Each launch or stop takes one: whether it cannot be reached."""

    def reach(self) -> None:
        if self.away and self.away.pop(0):
            raise UnreachableError("the cloud cannot be reached; try again later")

    def launch_all(self, runs: Sequence[RunDir], *_: object) -> None:
        self.reach()
        for run in runs:
            values, state = self.script(run.read_request())
            self.launched.append(run.id)
            self.speak(run, values, state)

    def speak(self, run: RunDir, values: list[float], state: RunState) -> None:
        self.states[run.id] = state
        attempt = run.claim_attempt()
        with Emitter(attempt, run.events_path(attempt)) as emitter:
            emitter.emit(
                RunStarted, run=run.id, experiment="v2", device="cpu", device_name="c", torch="0",
                threads=1, code_version="c", pid=1, seed=1,
            )  # fmt: skip
            for epoch, value in enumerate(values, start=1):
                emitter.emit(
                    Epoch, epoch=epoch, step=epoch, seconds=2.0, train_loss=1.0, learning_rate=1e-3,
                    gradient_norm=1.0, frames_per_second=1.0, metrics={"f1_macro": value},
                )  # fmt: skip
            if state is RunState.FINISHED:
                emitter.emit(
                    Finished, epoch=3, step=3, reason="epochs", best_epoch=1, best_metric=0.1,
                    monitor="f1_macro", seconds=4.0,
                )  # fmt: skip
            if state is RunState.FAILED:
                emitter.emit(Failed, error="made up", type="ValueError", traceback="")
            if state is RunState.STOPPED:
                emitter.emit(Stopped, epoch=len(values), step=1, reason="time_limit")

    def state(self, run: RunDir) -> RunState:
        return self.states[run.id]

    def stop(self, run: RunDir, _: float) -> StopOutcome:
        self.reach()
        self.stopped.append(run.id)
        self.states[run.id] = RunState.STOPPED
        return StopOutcome.CLEAN

    def resume(self, run: RunDir, *_: object) -> None:
        self.resumed.append(run.id)
        self.speak(run, *self.script(run.read_request()))

    def following(self, _: RunDir, __: object = None) -> AbstractContextManager[object]:
        return nullcontext()


def rate(request: RunRequest) -> float:
    return request.experiment.training.learning_rate


def finishes(request: RunRequest) -> tuple[list[float], RunState]:
    """Small learning rates are the best."""
    return [0.1, 0.5 - rate(request), 0.3], RunState.FINISHED


@pytest.fixture
def request_for(tmp_path: Path) -> Callable[[list[str]], RunRequest]:
    path = tmp_path / "experiments.toml"
    path.write_text("[experiments.v2.training]\nepochs = 3\n")
    registry = load(path)

    def make(overrides: list[str]) -> RunRequest:
        experiment = registry.experiment("v2", overrides)
        now = dt.datetime.now(dt.UTC)
        return RunRequest(
            run=new_run_id("v2", now), created=now, launcher="local", seed=1, experiment=experiment,
            overrides=tuple(overrides),
        )  # fmt: skip

    return make


@pytest.fixture
def tuner(
    home: Path, request_for: Callable[[list[str]], RunRequest]
) -> Callable[..., AbstractContextManager[tuple[Study, Tuner]]]:
    """Open the study ``s`` with a launcher."""

    @contextmanager
    def make(
        launcher: PretendLauncher,
        experiment: BehaviourExperiment = EXPERIMENT,
        prune: Prune = "median",
    ) -> Iterator[tuple[Study, Tuner]]:
        with open_study(home / "tune" / "s", about(experiment), experiment, prune) as study:
            yield study, Tuner(study, "s", home, launcher, request_for, seconds=0.0)

    return make


def about(experiment: BehaviourExperiment) -> StudyDefinition:
    return definition_of(experiment, None, (), None)


MakeTuner = Callable[..., AbstractContextManager[tuple[Study, Tuner]]]


def test_each_trial_is_a_tagged_run(home: Path, tuner: MakeTuner) -> None:
    launcher = PretendLauncher(finishes)
    with tuner(launcher) as (study, work):
        results = list(work.results(trials=4, parallel=2))
        assert study.results() == sorted(results, key=lambda result: result.trial)
    assert [result.outcome for result in results] == ["complete"] * 4
    for result in results:
        run = RunDir(home / "runs" / str(result.run))
        assert run.read_about().tags == ("tune:s", f"trial:{result.trial}")
        request = run.read_request()
        assert set(request.overrides) == {f"{k}={v}" for k, v in result.values.items()}
        assert result.metric == pytest.approx(0.5 - rate(request))
        assert result.epoch == 2
    best = best_of(results, rises=True)
    assert best is not None
    assert best.metric == max(result.metric or 0 for result in results)


def test_the_first_trial_is_the_version_as_it_stands(tuner: MakeTuner) -> None:
    with tuner(PretendLauncher(finishes)) as (_, work):
        first = next(work.results(trials=1, parallel=1))
    assert first.values == {"training.learning_rate": "0.01", "training.batch_size": "16"}


def test_the_first_trial_is_the_version_also_where_no_range_holds_its_values(
    home: Path, tuner: MakeTuner
) -> None:
    training = BehaviourTrainingConfig(
        epochs=3, learning_rate=0.5, batch_size=48, gradient_clip=None
    )
    ranges = RANGES | {"training.gradient_clip": Range(low=0.1, high=9.0)}
    experiment = msgspec.structs.replace(EXPERIMENT, training=training, tune=ranges)
    launcher = PretendLauncher(lambda _: ([0.1], RunState.FINISHED))
    with tuner(launcher, experiment) as (study, work):
        first, *others = work.results(trials=8, parallel=1)
        assert first.values == {
            "training.learning_rate": "0.5",
            "training.batch_size": "48",
            "training.gradient_clip": "none",
        }
        request = RunDir(home / "runs" / str(first.run)).read_request()
        assert request.experiment.training == training
        assert all(0.0001 <= float(each.values["training.learning_rate"]) <= 0.1 for each in others)
        assert study.results()[0] == first


def test_finished_trials_are_not_repeated(tuner: MakeTuner) -> None:
    first, second = PretendLauncher(finishes), PretendLauncher(finishes)
    with tuner(first) as (_, work):
        earlier = list(work.results(trials=3, parallel=1))
    with tuner(second) as (study, work):
        later = list(work.results(trials=5, parallel=1))
        assert [result.trial for result in study.results()] == [0, 1, 2, 3, 4]
    assert len(second.launched) == 2
    drawn = [result.values["training.learning_rate"] for result in [*earlier, *later]]
    assert len(set(drawn)) == 5  # what comes after the break does not repeat what came before
    with tuner(second) as (_, work):
        assert list(work.results(trials=5, parallel=1)) == []


@pytest.mark.parametrize(
    ("state", "resumed"),
    [(RunState.RUNNING, False), (RunState.LOST, True), (RunState.STOPPED, False)],
)
def test_a_trial_that_was_left_is_taken_up(
    home: Path, tuner: MakeTuner, state: RunState, resumed: bool
) -> None:
    launcher = PretendLauncher(lambda _: ([0.1], RunState.RUNNING))
    with tuner(launcher) as (_, work):
        work._begin(work._study.new_trial())  # and here the process is killed
    (run,) = launcher.launched
    if state is RunState.STOPPED:  # by its time limit: there is nothing to go on with
        launcher.speak(RunDir(home / "runs" / run), [0.1], state)
    launcher.states[run] = state
    launcher.script = finishes
    with tuner(launcher) as (study, work):
        results = work.results(trials=1, parallel=1)
        if state is RunState.RUNNING:
            launcher.speak(RunDir(home / "runs" / run), *finishes(request_of(home, run)))
        (result,) = list(results)
        assert len(study.results()) == 1
    assert launcher.launched == [run]
    assert launcher.resumed == ([run] if resumed else [])
    assert (result.run, result.outcome) == (run, "complete")


def request_of(home: Path, run: str) -> RunRequest:
    return RunDir(home / "runs" / run).read_request()


def test_a_run_that_was_being_launched_when_it_was_left_is_named(
    tuner: MakeTuner, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = PretendLauncher(lambda _: ([0.1], RunState.RUNNING))
    speak = launcher.speak

    def interrupted(*arguments: Any) -> None:
        speak(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(launcher, "speak", interrupted)
    with tuner(launcher) as (_, working):
        with pytest.raises(KeyboardInterrupt):
            list(working.results(trials=2, parallel=1))
        assert working.under_way == launcher.launched


def test_a_trial_whose_run_is_gone_is_run_again_with_the_same_values(
    home: Path, tuner: MakeTuner
) -> None:
    with tuner(PretendLauncher(finishes)) as (study, _):
        trial = study.new_trial()
        trial.become("v2-20260101T000000-gone")
        values = trial.values
    launcher = PretendLauncher(finishes)
    with tuner(launcher) as (_, work):
        (result,) = list(work.results(trials=1, parallel=1))
    assert result.values == values
    assert launcher.launched == [result.run]


def test_a_poor_trial_is_stopped_early(tuner: MakeTuner) -> None:
    good = {"left": 6}

    def script(request: RunRequest) -> tuple[list[float], RunState]:
        good["left"] -= 1
        if good["left"] >= 0:
            return [0.5, 0.6, 0.7], RunState.FINISHED
        return [0.1, 0.2], RunState.RUNNING

    launcher = PretendLauncher(script)
    with tuner(launcher) as (_, work):
        results = list(work.results(trials=7, parallel=1))
    assert [result.outcome for result in results] == ["complete"] * 6 + ["pruned"]
    assert launcher.stopped == [results[-1].run]
    assert results[-1].metric == 0.2


def test_a_launcher_that_is_away_for_a_while_is_waited_for(tuner: MakeTuner) -> None:
    launcher, told = PretendLauncher(finishes), list[str]()
    launcher.away = [False, True, True, False, True, False]
    with tuner(launcher) as (_, work):
        work._tell = told.append
        results = list(work.results(trials=3, parallel=1))
    assert [result.outcome for result in results] == ["complete"] * 3
    assert [result.run for result in results] == launcher.launched
    away = [line for line in told if not line.startswith("trial ")]
    assert away == ["the cloud cannot be reached; trying again"] * 2


def test_a_launcher_that_was_never_there_is_said_at_once(home: Path, tuner: MakeTuner) -> None:
    launcher = PretendLauncher(finishes)
    launcher.away = [True]
    with tuner(launcher) as (_, work), pytest.raises(UnreachableError, match="cannot be reached"):
        list(work.results(trials=3, parallel=1))
    assert list((home / "runs").iterdir()) == []
    with tuner(launcher) as (_, work):
        assert [result.trial for result in work.results(trials=1, parallel=1)] == [0]


def test_a_poor_trial_is_stopped_once_that_can_be_asked(tuner: MakeTuner) -> None:
    values = iter([[0.5, 0.6, 0.7]] * 6 + [[0.1, 0.2]])

    def script(_: RunRequest) -> tuple[list[float], RunState]:
        told = next(values)
        return told, RunState.FINISHED if len(told) == 3 else RunState.RUNNING

    launcher = PretendLauncher(script)
    launcher.away = [False] * 7 + [True, True, False]
    with tuner(launcher) as (_, work):
        results = list(work.results(trials=7, parallel=1))
    assert results[-1].outcome == "pruned"
    assert launcher.stopped == [results[-1].run]


def test_a_trial_as_good_as_the_others_is_not_stopped(tuner: MakeTuner) -> None:
    launcher = PretendLauncher(lambda _: ([0.5, 0.6, 0.7], RunState.FINISHED))
    with tuner(launcher) as (_, work):
        list(work.results(trials=8, parallel=1))
    assert launcher.stopped == []


def test_a_failed_run_and_impossible_values_fail_their_trial_only(tuner: MakeTuner) -> None:
    impossible = msgspec.structs.replace(
        EXPERIMENT, tune={"training.min_learning_rate": Range(low=1e-3, high=1.0)}
    )
    with tuner(PretendLauncher(finishes), impossible) as (_, work):
        results = list(work.results(trials=4, parallel=1))
    failed = [result for result in results if result.outcome == "failed"]
    assert failed
    assert all("must not be above training.learning_rate" in str(r.problem) for r in failed)


def test_a_failed_run_fails_its_trial_and_the_study_goes_on(tuner: MakeTuner) -> None:
    outcomes = iter([RunState.FAILED, RunState.FINISHED, RunState.LOST])
    launcher = PretendLauncher(lambda _: ([0.4], next(outcomes)))
    with tuner(launcher) as (_, work):
        results = list(work.results(trials=3, parallel=1))
    assert [r.outcome for r in results] == ["failed", "complete", "failed"]
    assert [r.problem for r in results] == ["made up", None, "its run is lost"]
    best = best_of(results, rises=True)
    assert best is not None
    assert best.trial == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"training": BehaviourTrainingConfig(epochs=4)}, "another training.epochs"),
        ({"tune": {"training.batch_size": Range(choices=(8, 16))}}, "another tune.training"),
    ],
)
def test_a_study_stays_about_one_thing(
    tuner: MakeTuner, change: dict[str, object], message: str
) -> None:
    launcher = PretendLauncher(finishes)
    with tuner(launcher):
        pass
    with tuner(launcher, msgspec.structs.replace(EXPERIMENT, title="only said about it")):
        pass
    changed = msgspec.structs.replace(EXPERIMENT, **change)
    with pytest.raises(RunError, match=message), tuner(launcher, changed):
        pass


def test_a_study_stays_where_its_runs_are(home: Path) -> None:
    with open_study(home / "s", about(EXPERIMENT), EXPERIMENT):
        pass
    there = definition_of(EXPERIMENT, None, (), None, launcher="modal")
    opening = open_study(home / "s", there, EXPERIMENT)
    with (
        pytest.raises(RunError, match="another launcher; give the new one another --name"),
        opening,
    ):
        pass


def test_one_process_at_a_time_works_on_a_study(tuner: MakeTuner) -> None:
    launcher = PretendLauncher(finishes)
    with tuner(launcher), pytest.raises(RunError, match="another `mabe tune`"), tuner(launcher):
        pass


def test_a_damaged_study_is_one_line(home: Path, tuner: MakeTuner) -> None:
    folder = home / "tune" / "s"
    folder.mkdir(parents=True)
    (folder / "study.db").write_text("no database at all " * 100)
    opening = tuner(PretendLauncher(finishes))
    with pytest.raises(RunError, match=r"study\.db: cannot be used") as raised, opening:
        pass
    assert "\n" not in str(raised.value)


def test_a_grid_is_all_combinations_once_also_after_a_break(home: Path) -> None:
    rates = Range(low=1e-3, high=1e-1, log=True, step=10)
    experiment = msgspec.structs.replace(
        EXPERIMENT, tune=RANGES | {"training.learning_rate": rates}
    )
    definition = definition_of(experiment, None, (), None, sampler="grid")
    folder = home / "tune" / "s"
    drawn: list[tuple[str, ...]] = []
    for part in (4, 2):
        with open_study(folder, definition, experiment) as study:
            for _ in range(part):
                trial = study.new_trial()
                drawn.append(tuple(trial.values.values()))
                study.complete(trial, 0.5)
    assert drawn == [(rate, size) for rate in ("0.001", "0.01", "0.1") for size in ("16", "32")]
    again = open_study(folder, about(experiment), experiment)
    with pytest.raises(RunError, match="begun with another sampler"), again:
        pass


def test_hopeless_trials_end_early_and_what_that_saved_is_told(
    tuner: MakeTuner, home: Path
) -> None:
    values = iter([0.5] * 6 + [0.1] * 3)

    def script(_: RunRequest) -> tuple[list[float], RunState]:
        value = next(values)
        return [value], RunState.RUNNING if value < 0.5 else RunState.FINISHED

    launcher = PretendLauncher(script)
    with tuner(launcher) as (study, work):
        found = list(work.results(6, 1))
        assert savings_of(found, RunStore(home)) is None
        for result in work.results(9, 1):
            assert result.outcome == "pruned"
        saved = savings_of(study.results(), RunStore(home))
    assert saved is not None
    assert (saved.trials, saved.epochs, saved.cost_usd) == (3, 6, None)
    ended = [summary_of(RunStore(home).find(run)) for run in launcher.stopped]
    spent = sum(run.elapsed_seconds or 0 for run in ended)
    assert saved.hours == pytest.approx(2 * spent / 3600), "one of three epochs each"
    assert saved.sentence.startswith("3 hopeless trials ended early: 6 epochs not trained")
    assert len(launcher.stopped) == 3
