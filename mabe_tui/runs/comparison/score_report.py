"""The competition's score of a submission or a run, with its parts."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from core.config.registry import Registry
from core.config.task_modules import load_attribute
from core.errors import ConfigError
from core.system.progress import Progress
from mabe_tui.runs.comparison.found import find_side
from mabe_tui.runs.comparison.judgement import WhichEpoch
from mabe_tui.runs.comparison.pooling import table_of
from mabe_tui.runs.comparison.version_tables import read_table
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.tasks import spec_of

if TYPE_CHECKING:  # numpy and pandas
    from core.evaluation.competition import CompetitionScore
    from core.evaluation.rows import Rows


class ScoredLab(msgspec.Struct, frozen=True, kw_only=True):
    """One lab: the mean F1 over its actions."""

    lab: str
    score: float
    actions: int
    videos: int
    true_frames: int
    predicted_frames: int


class ScoredAction(msgspec.Struct, frozen=True, kw_only=True):
    """One action over the labs where it counts: the mean of its F1."""

    action: str
    score: float
    labs: int
    lowest: float
    highest: float
    true_frames: int
    predicted_frames: int


class ScoredLabAction(msgspec.Struct, frozen=True, kw_only=True):
    """One action of one lab, its frames pooled over the lab's videos."""

    lab: str
    action: str
    score: float
    """F1."""
    precision: float
    recall: float
    tp: int
    fp: int
    fn: int


class ScoredVideo(msgspec.Struct, frozen=True, kw_only=True):
    """One video alone: the mean F1 over the actions that it has, in the truth or predicted."""

    lab: str
    video: str
    score: float
    actions: int
    true_frames: int
    predicted_frames: int


class ScoreReport(msgspec.Struct, frozen=True, kw_only=True):
    """The score, its 95 % interval over videos, and its parts."""

    scored: str
    """The submission or the run."""
    data: str
    """What it was scored on."""
    score: float
    low: float | None = None
    high: float | None = None
    """Bounds of the bootstrap interval over videos; ``None`` for a single video."""
    videos: int
    labs: tuple[ScoredLab, ...]
    actions: tuple[ScoredAction, ...]
    labs_actions: tuple[ScoredLabAction, ...]
    by_video: tuple[ScoredVideo, ...]
    """The lowest score first."""
    remarks: tuple[str, ...] = ()
    """What is to be known before trusting the score."""


def score_of_submission(
    path: Path, data: Path, progress: Progress | None = None, leave_out: Sequence[str] = ()
) -> ScoreReport:
    """Score a submission against all annotations of a data folder.

    Args:
        path: a CSV or parquet file.
        data: a folder in the competition's layout.
        progress: called with (done, total, what) while the annotations are read.
        leave_out: labs to leave out, by name or pattern.

    Raises:
        DataError: a file cannot be read, or the competition would reject the submission; names the row.
        ConfigError: a pattern matches no lab.
    """
    from core.evaluation.competition import key_counts, pooled_score
    from core.evaluation.official import rows_of
    from core.submission.reading import read_submission, read_truth

    submission = read_submission(path)
    truth = read_truth(data, progress, leave_out)
    counts = key_counts(truth.table, submission)
    known, predicted = set(truth.table["video_id"]), set(submission["video_id"].astype(str))
    remarks = []
    if truth.missing:
        remarks.append(
            f"{truth.missing} of {truth.missing + len(truth.videos)} labelled videos have no"
            " annotation file; left out"
        )
    if unpredicted := len(known - predicted):
        remarks.append(
            f"the submission has no row for {unpredicted} of {len(known)} annotated videos, all of"
            " whose frames count as missed"
        )
    if foreign := len(predicted - known):
        remarks.append(f"{foreign} videos of the submission have no annotation here; ignored")
    return _report(str(path), str(data), pooled_score(counts), rows_of(counts), tuple(remarks))


def score_of_run(
    name: str, store: RunStore, registry: Registry, epoch: WhichEpoch = "best"
) -> ScoreReport:
    """Score a run on its validation videos; a version over all folds, out of fold.

    Args:
        name: a run, or a version: its newest run, or the newest complete set of folds.
        store: the runs.
        registry: the versions.
        epoch: the epoch whose evaluation counts.

    Raises:
        ConfigError: no such run, no run of the version, or a task without this score.
        DataError: the run kept no evaluation.
    """
    from core.evaluation.official import score_for, score_of

    found = find_side(name, store, registry, latest=False)
    task = spec_of(found.experiment)
    statistic = task.primary_metric.statistic
    if statistic is None or load_attribute(statistic) is not score_for:
        raise ConfigError(
            f"{name} learns {task.title}, which the competition's score does not measure; `mabe status"
            f" {name}` and `mabe eval` show its own metrics, and `mabe score FILE --data DIR` scores a"
            " submission"
        )
    if not found.entries:
        raise ConfigError(f"{name} has no run yet; train one (`mabe run {name}`)")
    entry = found.entries[0]
    runs = found.runs_of(entry)
    rows = read_table(table_of(runs, epoch))
    where = f"the videos of all {len(runs)} folds" if len(runs) > 1 else "its validation videos"
    remarks = list(found.left_out)
    if len(found.entries) > 1:
        remarks.append(
            f"{name} has {len(found.entries)} seeds, of which this is the newest run; `mabe list"
            " --measured` averages them"
        )
    if epoch == "best":
        remarks.append("the best epoch was chosen on these videos, so the score is a little high")
    return _report(entry.id, where, score_of(rows), rows, tuple(remarks))


def _report(
    scored: str, data: str, found: "CompetitionScore", rows: "Rows", remarks: tuple[str, ...]
) -> ScoreReport:
    from core.evaluation.bootstrap import score_interval
    from core.evaluation.official import score_for

    interval = score_interval(rows.counts, score_for(rows.labels))
    videos = _by_video(rows)
    return ScoreReport(
        scored=scored,
        data=data,
        score=found.score,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        videos=len(rows.units),
        labs=_by_lab(found, videos),
        actions=_by_action(found),
        labs_actions=_by_lab_and_action(found),
        by_video=videos,
        remarks=remarks,
    )


def _by_lab(found: "CompetitionScore", videos: tuple[ScoredVideo, ...]) -> tuple[ScoredLab, ...]:
    def of(lab: str, score: float) -> ScoredLab:
        counts = found.counts[lab].values()
        return ScoredLab(
            lab=lab,
            score=score,
            actions=len(counts),
            videos=sum(video.lab == lab for video in videos),
            true_frames=sum(each.tp + each.fn for each in counts),
            predicted_frames=sum(each.tp + each.fp for each in counts),
        )

    return tuple(of(lab, score) for lab, score in sorted(found.labs.items()))


def _by_action(found: "CompetitionScore") -> tuple[ScoredAction, ...]:
    from statistics import mean

    names = sorted({action for actions in found.actions.values() for action in actions})

    def of(action: str) -> ScoredAction:
        labs = [lab for lab, actions in found.actions.items() if action in actions]
        scores = [found.actions[lab][action] for lab in labs]
        counts = [found.counts[lab][action] for lab in labs]
        return ScoredAction(
            action=action,
            score=mean(scores),
            labs=len(labs),
            lowest=min(scores),
            highest=max(scores),
            true_frames=sum(each.tp + each.fn for each in counts),
            predicted_frames=sum(each.tp + each.fp for each in counts),
        )

    return tuple(map(of, names))


def _by_lab_and_action(found: "CompetitionScore") -> tuple[ScoredLabAction, ...]:
    return tuple(
        ScoredLabAction(
            lab=lab,
            action=action,
            score=found.actions[lab][action],
            precision=_share(counts.tp, counts.tp + counts.fp),
            recall=_share(counts.tp, counts.tp + counts.fn),
            tp=counts.tp,
            fp=counts.fp,
            fn=counts.fn,
        )
        for lab, actions in sorted(found.counts.items())
        for action, counts in sorted(actions.items())
    )


def _by_video(rows: "Rows") -> tuple[ScoredVideo, ...]:
    from core.evaluation.official import lab_and_rest, score_for
    from core.evaluation.rows import FN, FP, TP

    counts = rows.counts[..., [TP, FP, FN]]
    scores = score_for(rows.labels)(rows.counts).tolist()
    actions = counts.any(axis=-1).sum(axis=-1).tolist()
    found = []
    for number, (tp, fp, fn) in enumerate(counts.sum(axis=1).astype(int).tolist()):
        lab, video = lab_and_rest(rows.units[number])
        found.append(
            ScoredVideo(
                lab=lab,
                video=video,
                score=scores[number],
                actions=actions[number],
                true_frames=tp + fn,
                predicted_frames=tp + fp,
            )
        )
    return tuple(sorted(found, key=lambda video: (video.score, video.lab, video.video)))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
