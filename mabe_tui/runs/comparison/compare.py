"""Runs side by side: what was set differently, what came out, and whether the difference is real.

What a run here measured and what an old document reports are kept apart in every field.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from core.errors import ConfigError, DataError, RunError
from core.experiment import flatten
from core.registry import Registry
from mabe_tui.runs.comparison.sides import Found, Side, find_side, side_of
from mabe_tui.runs.store import RunEntry, RunStore

HASH_LETTERS = 8
IMPORTED = " (imported)"
"""Stands behind the name of a side that an old log was made into: its figures are claims."""

if TYPE_CHECKING:  # numpy and pyarrow: only a verdict needs them
    from core.evaluation.table import Confusions

OF_A_RENTED_MACHINE = frozenset(
    f"hardware.{name}"
    for name in (
        "launcher",
        "gpu",
        "gpu_memory_gib",
        "region",
        "cloud",
        "memory_mib",
        "timeout_seconds",
        "app_name",
        "retries",
    )
)


class Setting(msgspec.Struct, frozen=True):
    """One setting that is not the same on all sides."""

    key: str
    values: tuple[object, ...]
    missing: tuple[bool, ...]
    """Which sides do not have the key at all; their value is ``None`` too, which else means unset."""
    took_part: bool = True
    """Whether any side's run can have depended on it: what is rented says nothing of runs here."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What can be said of the second side against the first."""

    first: str
    second: str
    sentence: str
    metric: str = "f1_macro"
    """Of the pooled validation frames, at each side's best checkpoint."""
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    """Bounds of the 95 % interval."""
    probability_second_better: float | None = None
    videos: int | None = None
    distinguishable: bool | None = None
    first_seeds: int = 0
    """Runs on the first side; with several, their counts are averaged video by video."""
    second_seeds: int = 0


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `mabe compare` shows."""

    sides: tuple[Side, ...]
    settings: tuple[Setting, ...]
    verdicts: tuple[Verdict, ...]
    unreadable: tuple[str, ...] = ()
    """Why runs of a compared version cannot be read, which are passed over."""


def compare(
    names: Sequence[str], store: RunStore, registry: Registry, latest: bool = False
) -> Comparison:
    """Compare versions or runs, two or more; the first is what the others are held against.

    Args:
        names: ids of runs, or versions. A version stands for its latest run and those that differ from
            it in nothing but the seed.
        store: the runs.
        registry: the versions.
        latest: a version stands for its latest run alone.

    Raises:
        RunError, ConfigError: a name that is neither a run nor a version, one that cannot be read, or
            two names of the same runs.
    """
    if len(names) < 2:
        raise RunError("name two or more runs or versions, such as `mabe compare v5 v6`")
    found = [find_side(name, store, registry, latest) for name in names]
    _require_different(names, found)
    sides = tuple(side_of(label, each) for label, each in zip(_labels(found), found, strict=True))
    verdicts = tuple(
        _verdict(sides[0], found[0].entries, side, each.entries)
        for side, each in zip(sides[1:], found[1:], strict=True)
    )
    return Comparison(
        sides=sides,
        settings=changed_settings(sides),
        verdicts=verdicts,
        unreadable=tuple(dict.fromkeys(problem for side in found for problem in side.unreadable)),
    )


def _require_different(names: Sequence[str], found: Sequence[Found]) -> None:
    """Refuse two names that mean the same.

    Raises:
        ConfigError: names both, and what they mean.
    """
    meant: dict[tuple[str, ...], str] = {}
    for name, side in zip(names, found, strict=True):
        what = tuple(entry.id for entry in side.entries) or (side.experiment.name,)
        if what in meant:
            raise ConfigError(
                f"{meant[what]} and {name} are the same: {', '.join(what)};"
                " name two or more different ones"
            )
        meant[what] = name


def _labels(found: Sequence[Found]) -> list[str]:
    """Call each side by its version, or by its run where a version comes twice."""
    versions = [side.experiment.name for side in found]
    shorts = [side.entries[0].short for side in found if side.entries]
    labels = [
        side.experiment.name
        if versions.count(side.experiment.name) < 2
        else _own_label(side, short=len(set(shorts)) == len(shorts))
        for side in found
    ]
    imported = [any(entry.is_import for entry in side.entries) for side in found]
    return [f"{label}{IMPORTED * is_it}" for label, is_it in zip(labels, imported, strict=True)]


def _own_label(side: Found, short: bool) -> str:
    if len(side.entries) != 1:
        return side.experiment.name
    return side.entries[0].short if short else side.entries[0].id


def changed_settings(sides: Sequence[Side]) -> tuple[Setting, ...]:
    """Give the settings, data and seeds included, that are not the same on all sides."""
    data = _data(sides)
    tables = [
        {**where, **flatten(side.experiment), **_seeds(side)}
        for side, where in zip(sides, data, strict=True)
    ]
    keys = dict.fromkeys(key for table in tables for key in table if key != "training.seed")
    rows = [
        Setting(key, tuple(t.get(key) for t in tables), tuple(key not in t for t in tables))
        for key in keys
    ]
    changed = [row for row in rows if not (_alike(row.values) and _alike(row.missing))]
    if all(side.summary is not None and side.summary.launcher == "local" for side in sides):
        changed = [
            msgspec.structs.replace(row, took_part=row.key not in OF_A_RENTED_MACHINE)
            for row in changed
        ]
        changed.sort(key=lambda row: not row.took_part)
    return tuple(changed)


def _alike(values: Sequence[object]) -> bool:
    """Whether all are the same, ``False`` not being 0 nor ``True`` 1."""
    return all(value == values[0] and type(value) is type(values[0]) for value in values)


def _data(sides: Sequence[Side]) -> list[dict[str, object]]:
    """Give the data of each side that has a run; nothing where all were scored on the same videos.

    Folders of one name that hold different videos are told apart by the first letters of their hash.
    """
    with_runs = [side for side in sides if side.summary is not None]
    sources = {side.validation_source for side in with_runs}
    if None not in sources and len(sources) == 1:
        return [{} for _ in sides]
    folders = {side.summary.data for side in with_runs if side.summary}
    alike = len(folders) < len(sources - {None})
    return [
        {"data": _with_hash(side) if alike else side.summary.data} if side.summary else {}
        for side in sides
    ]


def _with_hash(side: Side) -> str | None:
    folder = side.summary.data if side.summary else None
    if side.validation_source is None:
        return folder
    return f"{folder or 'made'} ({side.validation_source[:HASH_LETTERS]})"


def _seeds(side: Side) -> dict[str, object]:
    """Return the seed or seeds of a side; nothing where a log does not tell."""
    if side.is_import:
        return {}
    return {"seed": sorted(side.seeds) if len(side.seeds) > 1 else side.seed}


def _verdict(
    first: Side, first_runs: Sequence[RunEntry], second: Side, second_runs: Sequence[RunEntry]
) -> Verdict:
    """Hold the second side against the first, or say why that cannot be done."""
    reason = _no_verdict(first, second)
    if reason is None:
        try:
            return _bootstrap(first, first_runs, second, second_runs)
        except DataError as error:
            reason = str(error)
    return Verdict(
        first=first.name,
        second=second.name,
        sentence=f"{second.name} − {first.name}: no verdict: {reason}",
        first_seeds=len(first.runs),
        second_seeds=len(second.runs),
    )


def _no_verdict(first: Side, second: Side) -> str | None:
    for side in (first, second):
        if side.summary is None:
            return f"{side.name} has no run here to compare (`mabe run {side.name}`)"
        if side.is_import:
            return (
                f"{side.summary.id} was imported from a log, which claims figures and has no evaluation"
                " by video to be tested"
            )
        if side.best_epoch is None:
            return f"{side.summary.id} has not completed an epoch ({side.summary.state})"
    if first.experiment.classes != second.experiment.classes:
        return "they do not learn the same classes"
    return None


def _bootstrap(
    first: Side, first_runs: Sequence[RunEntry], second: Side, second_runs: Sequence[RunEntry]
) -> Verdict:
    one, other = _summed(first_runs), _summed(second_runs)
    # Averages over the seeds, on a common denominator: F1 is the same at any scale, and whole numbers
    # let the truth of both sides be compared exactly.
    one, other = _times(one, len(second_runs)), _times(other, len(first_runs))
    sides = Verdict(
        first=first.name,
        second=second.name,
        sentence=_rests_on(first, second),
        first_seeds=len(first.runs),
        second_seeds=len(second.runs),
    )
    return verdict_of(sides, one, other, (first.validation_source, second.validation_source))


def verdict_of(
    sides: Verdict, one: "Confusions", other: "Confusions", sources: tuple[str | None, str | None]
) -> Verdict:
    """Bootstrap the difference of two tables over their videos.

    Args:
        sides: what the two are called, and words to end the sentence with.
        one: of the first, of the same classes.
        other: of the second.
        sources: ``validation_source`` of :class:`~core.rundir.Resolved`, of both; where one is not
            known, the videos' ids and labels have to do.

    Raises:
        DataError: they were not scored on the same frames.
    """
    from core.evaluation.paired import paired_bootstrap, verdict

    _require_same_videos(
        one, other, (sides.first, sides.second), "give both the same data and data.split_seed"
    )
    _require_same_source(*sources)
    _require_same_truth(one, other, (sides.first, sides.second))
    result = paired_bootstrap(one.counts, other.reordered(one.videos).counts)
    return msgspec.structs.replace(
        sides,
        sentence=verdict(result, sides.first, sides.second) + sides.sentence,
        difference=result.difference,
        low=result.low,
        high=result.high,
        probability_second_better=result.probability_b_better,
        videos=result.videos,
        distinguishable=result.distinguishable,
    )


def _summed(runs: Sequence[RunEntry]) -> "Confusions":
    """Add up the confusion counts of all seeds, video by video.

    Raises:
        DataError: a table is missing or damaged, or the runs were not scored on the same frames.
    """
    import numpy as np

    from core.evaluation.table import Confusions, read_confusions

    tables = [read_confusions(run.run.evaluation_table) for run in runs]
    first = tables[0]
    for run, table in zip(runs, tables, strict=True):
        ids = runs[0].id, run.id
        _require_same_videos(first, table, ids, "these seeds do not belong together")
        _require_same_truth(first, table, ids)
    total = np.sum([table.reordered(first.videos).counts for table in tables], axis=0)
    return Confusions(first.videos, first.classes, total)


def _times(table: "Confusions", factor: int) -> "Confusions":
    return dataclasses.replace(table, counts=table.counts * factor)


def _require_same_videos(
    one: "Confusions", other: "Confusions", names: tuple[str, str], advice: str
) -> None:
    if set(one.videos) != set(other.videos):
        shared = len(set(one.videos) & set(other.videos))
        raise DataError(
            f"their validation sets differ ({names[0]}: {len(one.videos)} videos, {names[1]}:"
            f" {len(other.videos)}, {shared} in common); {advice}"
        )


def _require_same_source(one: str | None, other: str | None) -> None:
    """Refuse validation videos that have the same ids and are not the same."""
    if one is not None and other is not None and one != other:
        raise DataError(
            "their validation videos have the same ids, but other content: tracking or annotations"
            " differ; run both on the same data"
        )


def _require_same_truth(one: "Confusions", other: "Confusions", names: tuple[str, str]) -> None:
    differs = one.counts.sum(axis=2) != other.reordered(one.videos).counts.sum(axis=2)
    videos = [video for video, row in zip(one.videos, differs, strict=True) if row.any()]
    if videos:
        raise DataError(
            f"{names[0]} and {names[1]} count different true frames in {len(videos)} of"
            f" {len(one.videos)} videos, {videos[0]} first: they were scored on other labels;"
            " run both on the same data"
        )


def _rests_on(first: Side, second: Side) -> str:
    """Say how many seeds a verdict rests on, where any side has several."""
    if max(len(first.runs), len(second.runs)) < 2:
        return ""
    seeds = [
        f"{len(side.runs)} seed{'s' if len(side.runs) > 1 else ''} of {side.name}"
        for side in (second, first)
    ]
    return f"; rests on {' and '.join(seeds)}, counts averaged over the seeds in each video"
