"""What else a run's folder holds: stored post-processing, and submissions to Kaggle."""

import datetime as dt

import msgspec

from core.errors import RunError
from core.postprocess.store import names_of, read_rules, rules_path
from core.run.rundir import RunDir
from mabe_tui.kaggle_io.journal import SubmissionRecord, read_record


class StoredRules(msgspec.Struct, frozen=True, kw_only=True):
    """Post-processing of a run, from its file."""

    name: str
    created: str = ""
    """Time of fitting, UTC; empty if not known."""
    videos: int | None = None
    """On whose out-of-fold predictions it was fitted."""
    metric: str = ""
    score: float | None = None
    """Of all parts together, nested over folds."""
    gain: float | None = None
    """Its difference to the plain decision."""
    problem: str | None = None
    """Why it cannot be read."""


class RunSubmission(msgspec.Struct, frozen=True, kw_only=True):
    """A submission of a run, from its record."""

    digest: str
    state: str = "unknown"
    """``scored``, ``rejected``, ``submitted``, or how far it came before that."""
    when: dt.datetime | None = None
    """When it was submitted; if it was not yet, when it was begun."""
    submission: int | None = None
    """Kaggle's number."""
    public_score: float | None = None
    error: str = ""
    """Why Kaggle rejected it, where it says."""
    problem: str | None = None
    """Why the record cannot be read."""


def stored_rules(run: RunDir) -> list[StoredRules]:
    """Return a run's post-processing, by name; a damaged file is an entry with a problem."""
    return [_stored(run, name) for name in names_of(run)]


def submissions(run: RunDir) -> list[RunSubmission]:
    """Return the submissions recorded with a run, the oldest first; damaged records come last."""
    found = []
    for path in sorted((run.path / "submission").glob("[!.]*.toml")):
        try:
            found.append(_submission(read_record(path)))
        except RunError as error:
            found.append(RunSubmission(digest=path.stem, problem=str(error)))
    return sorted(found, key=lambda each: (each.when is None, each.when and each.when.timestamp()))


def _stored(run: RunDir, name: str) -> StoredRules:
    try:
        rules = read_rules(rules_path(run, name))
    except RunError as error:
        return StoredRules(name=name, problem=str(error))
    nested = next((part for part in rules.report if part.parts == "all"), None)
    return StoredRules(
        name=name,
        created=rules.created,
        videos=None if rules.fitted_on is None else rules.fitted_on.units,
        metric=rules.metric,
        score=None if nested is None else nested.score,
        gain=None if nested is None else nested.gain,
    )


def _submission(record: SubmissionRecord) -> RunSubmission:
    return RunSubmission(
        digest=record.digest,
        state=_state(record),
        when=record.asked or record.created,
        submission=record.submission,
        public_score=record.public_score,
        error=record.error,
    )


def _state(record: SubmissionRecord) -> str:
    if record.status == "COMPLETE":
        return "scored"
    if record.status == "ERROR":
        return "rejected"
    steps = (
        (record.submission is not None, "submitted"),
        (record.kernel_done, "notebook done"),
        (record.kernel_version > 0, "notebook pushed"),
        (record.dataset_pushed, "dataset pushed"),
    )
    return next((words for done, words in steps if done), "begun")
