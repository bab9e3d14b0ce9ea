"""Turn what the user asked for into requests that can be started, for `mabe run` and the dashboard."""

import datetime as dt
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import msgspec

from core.config.experiment import Experiment
from core.config.registry import Registry
from core.config.section import LARGEST_SEED
from core.config.task_modules import load_attribute
from core.config.task_spec import task_source, task_spec
from core.errors import ConfigError, MisuseError
from core.run.limits import Limits
from core.run.request import RunRequest
from core.run.rundir import new_run_id
from mabe_tui.launch.launcher import launcher_named

DIGITS = len(str(LARGEST_SEED))


class LaunchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a start; nothing in it has been checked."""

    version: str
    launcher: str | None = None
    """``None``: the launcher in the registry."""
    data: Path | None = None
    """A folder in the competition's layout; ``None``: the version uses synthetic data."""
    overrides: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    """One run per seed; empty: one run with the registry's seed."""
    folds: int | None = None
    """Number of folds, with one run per fold and seed; ``None``: as the version's ``data`` says."""
    preset: str | None = None
    limits: Limits = Limits()

    @property
    def runs(self) -> int:
        """Number of runs that are asked for."""
        return max(1, len(self.seeds)) * (self.folds or 1)


def new_request(
    experiment: Experiment,
    launcher: str,
    *,
    overrides: Sequence[str] = (),
    preset: str | None = None,
    data: Path | None = None,
    limits: Limits | None = None,
    registry: Path | None = None,
) -> RunRequest:
    """Build a request under a new run id. Touches no file."""
    now = dt.datetime.now(dt.UTC)
    return RunRequest(
        run=new_run_id(experiment.name, now),
        created=now,
        launcher=launcher,
        seed=experiment.training.seed,
        experiment=experiment,
        overrides=tuple(overrides),
        preset=preset,
        data=str(data.resolve()) if data is not None else None,
        limits=limits or Limits(),
        registry=str(registry.resolve()) if registry is not None else None,
        task_source=task_source(experiment.task),
    )


def experiment_for(
    registry: Registry,
    options: LaunchOptions,
    seed: int | None = None,
    fold: int | None = None,
) -> Experiment:
    """Resolve the version with preset and overrides, and with the settings that data, seed and fold imply.

    Raises:
        ConfigError: names the key, the allowed values, and the nearest correct spelling.
    """
    implied = [f"training.seed={seed}"] if seed is not None else []
    if fold is not None:
        implied += [f"data.folds={options.folds}", f"data.fold={fold}"]
    if options.data is not None:
        implied += registry.spec(options.version).with_data
    return registry.experiment(options.version, [*options.overrides, *implied], options.preset)


def request_for(
    registry: Registry,
    options: LaunchOptions,
    seed: int | None = None,
    fold: int | None = None,
) -> RunRequest:
    """Build the request of one run, with the limits that its launcher imposes. Touches no file.

    Raises:
        UserError: the run is not possible as specified; says why.
    """
    experiment = experiment_for(registry, options, seed, fold)
    if experiment.ensemble is not None:
        raise ConfigError(
            f"{experiment.name} is an ensemble, which is not trained: `mabe run {experiment.name}` makes it"
            f" of runs of {', '.join(experiment.ensemble.members)}"
        )
    launcher = launcher_named(options.launcher or experiment.hardware.launcher)
    request = new_request(
        experiment,
        launcher.name,
        overrides=options.overrides,
        preset=options.preset,
        data=options.data,
        limits=options.limits,
        registry=registry.path,
    )
    return launcher.prepare(request)


def requests_for(registry: Registry, options: LaunchOptions) -> list[RunRequest]:
    """Build one request for each seed and fold; see :func:`request_for`."""
    folds = range(options.folds) if options.folds is not None else (None,)
    return [
        request_for(registry, options, seed, fold)
        for seed in options.seeds or (None,)
        for fold in folds
    ]


def check_data(request: RunRequest) -> str:
    """Describe the data of a run, after checking that they exist.

    Raises:
        ConfigError: the version needs a data folder and none was given.
        DataError: the path is not a data folder, or holds nothing to train on or to validate on.
    """
    experiment = request.experiment
    spec = task_spec(experiment.task)
    if not spec.makes_data(experiment):
        if request.data is None:
            raise ConfigError(_how_to_name_data(request))
        if request.launcher != "local":
            launcher_named(request.launcher).quote(
                request
            )  # rejects a path that cannot be seen from there
            return request.data
    folder = None if request.data is None else Path(request.data)
    if spec.describe_data is None:
        return "made by the run" if folder is None else str(folder)
    return str(load_attribute(spec.describe_data)(experiment, folder))  # imported late: pyarrow


def _how_to_name_data(request: RunRequest) -> str:
    """Return the same command with all given options and with a data folder."""
    name = request.experiment.name
    words = ["mabe", "run", name, "--data", "DIR"]
    words += ["--on", "local"] if request.experiment.hardware.launcher != "local" else []
    words += ["--preset", request.preset] if request.preset else []
    words += [word for text in request.overrides for word in ("--set", text)]
    elsewhere = request.launcher != "local"
    there = "; where you rent, `mabe data push DIR` brings it first" if elsewhere else ""
    return (
        f"{name} learns from a data folder: `{shlex.join(words)}`"
        f" (`mabe data synth DIR` makes one to try it on){there}"
    )


def parse_seeds(text: str, name: str = "--seeds") -> tuple[int, ...]:
    """Read ``42,2023``.

    Args:
        text: the text to parse.
        name: how the error refers to it.

    Raises:
        MisuseError: not whole numbers, a number is too large, or one is repeated.
    """
    numbers = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch(r"[0-9]+", number) for number in numbers):
        raise MisuseError(f"{name} {text}: write whole numbers from 0, as in 42,2023")
    if any(len(number.lstrip("0")) > DIGITS or int(number) > LARGEST_SEED for number in numbers):
        raise MisuseError(f"{name}: a seed is a whole number from 0 to {LARGEST_SEED}")
    chosen = tuple(int(number) for number in numbers)
    if len(set(chosen)) != len(chosen):
        raise MisuseError(f"{name} {text}: a seed is named twice; each is one run")
    return chosen
