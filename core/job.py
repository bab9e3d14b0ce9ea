"""``python -m core.job RUN_DIR [--attempt NAME]``: the one entry point of every launcher.

Trains what ``run.toml`` asks for, going on from the newest checkpoint where there is one, and ends
with exactly one ending event. Exit code 0: finished, stopped or preempted, with the state saved;
1: failed, and starting again without a change would fail again.

Signals: SIGINT is a preemption, SIGTERM and SIGUSR1 are a request to stop. Prepared data are
kept in ``$MABE_CACHE``, else in ``cache`` beside the ``runs`` folder that the run lies in.
"""

import argparse
import io
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from core.config.task_modules import load_attribute
from core.config.task_spec import task_spec
from core.errors import RunError, UserError
from core.run import places, provenance
from core.run.emitter import Emitter
from core.run.events import Failed, Finished
from core.run.free_metrics import reporting_to
from core.run.inputs import is_fitted
from core.run.request import RunRequest
from core.run.rundir import ATTEMPT, RunDir
from core.training.stopping import StopWatch

if TYPE_CHECKING:  # torch takes a second or two: it is imported once the signal handlers stand
    from core.training.attempt import FitBuilder, TaskBuilder


def main(arguments: Sequence[str] | None = None, build: "TaskBuilder | None" = None) -> int:
    """Run a job and give its exit code; no exception leaves it.

    Args:
        arguments: the command line; none takes that of the process.
        build: makes the task; none makes the one that the experiment names.
    """
    warnings.showwarning = _log_warning
    watch = StopWatch()
    watch.install()
    _speak_utf_8()
    options = _parser().parse_args(arguments)
    run_dir = RunDir(options.run_dir.resolve())
    try:
        code = _start(run_dir, options.attempt, watch, build)
    except UserError as error:
        code = _complain(str(error))
    except OSError as error:
        code = _complain(_in_words(error, run_dir))
    _let_go_of_output()
    return code


def _log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Log a library's warning as one plain line, without the place in its source."""
    del filename, lineno, file, line
    print(" ".join(f"{category.__name__}: {message}".split()), file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core.job", description="Train one run.")
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR", help="a folder with a run.toml")
    parser.add_argument("--attempt", help="an attempt that the launcher has claimed")
    return parser


def _start(
    run_dir: RunDir, attempt: str | None, watch: StopWatch, build: "TaskBuilder | None"
) -> int:
    run_dir.search_task()
    request = run_dir.read_request()
    history = run_dir.history()
    if (finished := history.last(Finished)) is not None:
        print(f"{run_dir.id} is already finished, at epoch {finished.epoch}")
        return 0
    name = _claimed(run_dir, attempt) if attempt else run_dir.claim_attempt()
    watch.watch(run_dir, name, request.limits, earlier=history)
    provenance.record(run_dir, request, name)
    with Emitter(name, run_dir.events_path(name)) as emitter, reporting_to(emitter):
        try:
            from core.training.attempt import TrainingAttempt

            cache = places.cache_of_run(run_dir.path)
            TrainingAttempt(
                run_dir,
                request,
                emitter,
                watch,
                cache,
                build or _other_build(run_dir, request),
                _other_fit(request),
            ).run()
        except UserError as error:
            return _fail(emitter, str(error), error)
        except OSError as error:
            return _fail(emitter, _in_words(error, run_dir), error, traceback.format_exc())
        except Exception as error:
            line = " ".join(f"{type(error).__name__}: {error}".split())
            return _fail(emitter, line, error, traceback.format_exc())
    return 0


def _other_build(run_dir: RunDir, request: RunRequest) -> "TaskBuilder | None":
    """Return what builds a task that also learns from what other runs predict."""
    training = request.experiment.training
    if training.pseudo_labels is None and training.teacher is None:
        return None
    from core.inference.other_runs import build_with_others

    return partial(build_with_others, run_dir.path.parent)


def _other_fit(request: RunRequest) -> "FitBuilder | None":
    """Return what fits a run that is not trained by epochs: made of other runs, or as its task says."""
    if request.averaged:
        from core.ensembles.weights import WeightsFit

        return WeightsFit
    if request.inputs:
        return _ensemble_fit(request)
    where = task_spec(request.experiment.task).fit(request.experiment)
    if where is None:
        return None
    builder: FitBuilder = load_attribute(where)
    return builder


def _ensemble_fit(request: RunRequest) -> "FitBuilder":
    """Return what makes an ensemble of the runs that a request names."""
    if not is_fitted(request):
        from core.ensembles.mean import MeanFit

        return MeanFit
    from core.ensembles.fitted import BlendFit

    return BlendFit


def _claimed(run_dir: RunDir, attempt: str) -> str:
    """Check that a claimed attempt is there and has not been used.

    Raises:
        RunError: no such attempt, or its events have begun.
    """
    if not ATTEMPT.fullmatch(attempt) or not run_dir.attempt_folder(attempt).is_dir():
        raise RunError(
            f"{run_dir.path}: has no attempt {attempt!r}; leave --attempt out to claim one"
        )
    if run_dir.events_path(attempt).exists():
        raise RunError(f"{run_dir.path}: attempt {attempt} was started before; claim a new one")
    return attempt


def _in_words(error: OSError, run_dir: RunDir) -> str:
    return (
        f"{error.filename or run_dir.path}: {error.strerror or error};"
        " check free space and the folder's permissions"
    )


def _fail(emitter: Emitter, line: str, error: Exception, trace: str = "") -> int:
    """Say that the run failed, as the attempt's last event."""
    emitter.emit(Failed, error=line, type=type(error).__name__, traceback=trace)
    return 1


def _complain(line: str) -> int:
    print(f"error: {line}", file=sys.stderr)
    return 1


def _speak_utf_8() -> None:
    """Print UTF-8 whatever the locale: the launcher reads events from what is printed."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None where it is closed
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _let_go_of_output() -> None:
    """Keep Python from complaining, when it ends, that whoever read our output is gone."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
