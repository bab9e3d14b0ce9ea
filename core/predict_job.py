"""``python -m core.predict_job BUNDLE --data DIR --output submission.csv``: what Kaggle's notebook runs.

It predicts every video of ``test.csv`` with each run of a bundle (:mod:`core.submission.bundle`), the most
valuable run first, and writes the submission after each, so the file is valid whatever ends the program. A
time limit may end it early. Exit code 0 means that a submission was written.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core.data.competition import Bouts, LeftOut, Video, labelled, read_bouts, read_videos
from core.errors import DataError, UserError
from core.evaluation.pair_probabilities import PairProbabilities
from core.inference.pair_predictor import PairPredictor, load_pair_predictor
from core.inference.pair_sums import PairSums
from core.inference.predictor import Device
from core.postprocess.decide import decide
from core.postprocess.rules import Rules
from core.postprocess.store import read_rules
from core.run.rundir import RunDir
from core.submission.bundle import Bundle, read_bundle, unpack
from core.submission.lab_actions import LabActions, lab_actions
from core.submission.rows import scored_only
from core.submission.writer import Submitted, write_submission
from core.system.progress import Progress, sparing
from core.tasks.videos import predictable

SECONDS_BETWEEN_LINES = 60.0
Load = Callable[[RunDir, Device], PairPredictor]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedSubmission:
    """What became of a submission."""

    written: Submitted
    models: tuple[str, ...]
    """Runs that have predicted every video."""
    left_out: tuple[LeftOut, ...]
    """Videos that no model could predict, and why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Predict a submission; return the exit code.

    Args:
        arguments: the command line; ``None``: that of the process.
    """
    parser = argparse.ArgumentParser(prog="python -m core.predict_job", description=__doc__)
    parser.add_argument("bundle", type=Path, help="folder with the runs")
    parser.add_argument("--data", type=Path, required=True, help="folder with test.csv")
    parser.add_argument("--output", type=Path, required=True, help="the submission, a .csv")
    options = parser.parse_args(arguments)
    try:
        predict_submission(options.bundle, options.data, options.output)
    except UserError as error:
        _say(f"predict_job: {error}")
        return 1
    return 0


def predict_submission(
    folder: Path,
    data: Path,
    output: Path,
    load: Load = load_pair_predictor,
    say: Say | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> PredictedSubmission:
    """Predict the videos of ``test.csv``; write the submission after each model.

    Args:
        folder: of the bundle.
        data: a folder in the competition's layout.
        output: the submission.
        load: loads the model of a run for a device.
        say: called with a sentence for each step; by default they are printed.
        clock: returns the time in seconds.

    Raises:
        DataError: the bundle or the data cannot be used, or no model has predicted any video in time.
        UserError: the submission cannot be written.
    """
    say = say or _say
    bundle = read_bundle(folder)
    deadline = clock() + bundle.seconds
    videos, missing = predictable(data, "test")
    models: list[str] = []
    problems: list[str] = []
    written: Submitted | None = None
    with tempfile.TemporaryDirectory(prefix="mabe-predict-") as scratch:
        place = Path(scratch) / "runs"
        unpack(folder, bundle, place)
        rules = _rules(place, bundle)
        weights = Counter(bundle.runs)
        allowed = _annotated_actions(data)
        sums = PairSums(Path(scratch))
        left_out = {each.video.video_id: each for each in missing}
        for number, (run, weight) in enumerate(weights.items(), start=1):
            name = f"model {number} of {len(weights)} ({run})"
            try:
                predictor = load(RunDir(place / run), bundle.device)
                for video in _until(deadline, clock, videos, _progress(say, name)):
                    _add(
                        partial(predictor.pair_probabilities, tta=bundle.tta),
                        video,
                        weight,
                        sums,
                        left_out,
                    )
            except Exception as error:  # a model that fails must not cost the others' predictions
                problems.append(f"{name}: {type(error).__name__}: {error}")
                say(f"left out: {problems[-1]}")
                continue
            try:
                written = write_submission(output, _decided(videos, sums, rules), allowed)
            except DataError as error:  # nothing to write yet; another model may predict something
                problems.append(f"{name}: {error}")
                say(problems[-1])
                continue
            say(f"{name}: {written.rows} rows for {written.videos} of {len(videos)} videos")
            if clock() >= deadline:
                say("time is up; the file has the predictions made so far")
                break
            models.append(run)
    if written is None:
        raise DataError("; ".join(problems))
    return PredictedSubmission(
        written=written, models=tuple(models), left_out=tuple(left_out.values())
    )


def _until(
    deadline: float, clock: Callable[[], float], videos: Sequence[Video], progress: Progress
) -> Iterator[Video]:
    """Yield videos until time is up."""
    for done, video in enumerate(videos):
        if clock() >= deadline:
            return
        progress(done, len(videos), "videos")
        yield video
    progress(len(videos), len(videos), "videos")


def _add(
    predict: Callable[[Video], PairProbabilities],
    video: Video,
    weight: int,
    sums: PairSums,
    left_out: dict[str, LeftOut],
) -> None:
    try:
        sums.add(predict(video), weight)
    except DataError as error:  # of this video; another model may not need what is damaged
        left_out[video.video_id] = LeftOut(video, str(error))
        _say(f"left out: {error}")
    else:
        left_out.pop(video.video_id, None)


def _decided(
    videos: Iterable[Video], sums: PairSums, rules: Rules
) -> Iterator[tuple[Video, Bouts, int]]:
    for video in videos:
        if (mean := sums.mean(video.video_id)) is not None:
            yield video, decide(scored_only(video, mean), rules), mean.frames


def _rules(place: Path, bundle: Bundle) -> Rules:
    if bundle.rules is None:
        return Rules.constant(bundle.threshold)
    return read_rules(place / bundle.rules)


def _annotated_actions(data: Path) -> LabActions | None:
    """Return the actions in each lab's training annotations; ``None`` if there are no annotations here."""
    if not (data / "train.csv").is_file():
        return None
    usable, _ = labelled(read_videos(data))
    try:
        return lab_actions((video, read_bouts(video)) for video in usable)
    except DataError as error:  # the comparison is not essential: it only saves points
        _say(f"actions are not compared with the training annotations: {error}")
        return None


def _progress(say: Say, name: str) -> Progress:
    return sparing(
        lambda done, total, what: say(f"{name}: {done} of {total} {what}"), SECONDS_BETWEEN_LINES
    )


def _say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
