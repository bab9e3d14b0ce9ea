"""What a paper reports of bouts: counts, durations, latencies, transitions, time bins, groups."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median, stdev

import msgspec

from core.data.bouts.table import BoutRow, BoutTable
from core.errors import DataError

MEASURES = ("count", "total_s", "median_s", "latency_s")
"""The figures that are averaged over the animals of a group."""


class BehaviourSummary(msgspec.Struct, frozen=True):
    """One behaviour of one video; a behaviour that other videos have and this one lacks has count 0."""

    video: str
    agent: str
    target: str
    action: str
    count: int
    total_s: float
    share: float
    """Of the video's duration; overlapping bouts count once."""
    median_s: float | None
    longest_s: float | None
    latency_s: float | None
    """From the video's start to the first bout; ``None`` without one."""


class Transition(msgspec.Struct, frozen=True):
    """The number of times that one kind of bout follows another of the same agent in a video."""

    video: str
    agent: str
    first: str
    next: str
    count: int


class TimeBin(msgspec.Struct, frozen=True):
    """One behaviour in a part of a video."""

    video: str
    agent: str
    target: str
    action: str
    start_s: float
    count: int
    """Bouts that begin in it."""
    total_s: float


class GroupSummary(msgspec.Struct, frozen=True):
    """One measure of one behaviour over the animals of a group."""

    group: str
    agent: str
    target: str
    action: str
    measure: str
    animals: int
    """With a value: an animal that never does it has no latency and no median duration."""
    mean: float
    sd: float | None
    """Sample standard deviation; ``None`` for one animal."""


def summaries(table: BoutTable) -> list[BehaviourSummary]:
    """Sum up each behaviour of each video."""
    kinds = sorted({row.what for row in table.rows})
    found = []
    for video, length in table.lengths.items():
        own: dict[tuple[str, str, str], list[BoutRow]] = defaultdict(list)
        for row in table.of(video):
            own[row.what].append(row)
        rate = length.frames_per_second
        for kind in kinds:
            bouts = own.get(kind, [])
            seconds = [(row.stop - row.start) / rate for row in bouts]
            total = _covered(bouts) / rate
            found.append(
                BehaviourSummary(
                    video,
                    *kind,
                    count=len(bouts),
                    total_s=round(total, 4),
                    share=round(total / length.seconds, 6) if length.frames else 0.0,
                    median_s=round(median(seconds), 4) if seconds else None,
                    longest_s=round(max(seconds), 4) if seconds else None,
                    latency_s=round(bouts[0].start / rate, 4) if bouts else None,
                )
            )
    return found


def transitions(table: BoutTable) -> list[Transition]:
    """Count which behaviour follows which, by video and agent."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    last: dict[tuple[str, str], str] = {}
    for row in table.rows:
        before = last.get((row.video, row.agent))
        if before is not None:
            counts[row.video, row.agent, before, row.action] += 1
        last[row.video, row.agent] = row.action
    return [Transition(*key, count) for key, count in sorted(counts.items())]


def time_bins(table: BoutTable, seconds: float) -> list[TimeBin]:
    """Sum up each behaviour in parts of each video, the last of which may be shorter.

    Args:
        table: the bouts.
        seconds: length of a part.

    Raises:
        DataError: there would be over a million parts.
    """
    kinds = sorted({row.what for row in table.rows})
    parts = sum(length.seconds / seconds + 1 for length in table.lengths.values())
    if parts * max(len(kinds), 1) > 1_000_000:
        raise DataError(f"--bin {seconds:g}: over a million parts; choose longer ones")
    found = []
    for video, length in table.lengths.items():
        rate, rows = length.frames_per_second, table.of(video)
        count = max(1, -(-length.frames // max(1, round(seconds * rate))))
        for kind in kinds:
            own = [row for row in rows if row.what == kind]
            for number in range(count):
                low, high = number * seconds * rate, (number + 1) * seconds * rate
                inside = [
                    row._replace(start=max(row.start, round(low)), stop=min(row.stop, round(high)))
                    for row in own
                ]
                covered = _covered([row for row in inside if row.stop > row.start])
                begun = sum(low <= row.start < high for row in own)
                found.append(
                    TimeBin(
                        video, *kind, round(number * seconds, 4), begun, round(covered / rate, 4)
                    )
                )
    return found


def _covered(rows: Iterable[BoutRow]) -> int:
    """Count the frames of some bouts; a frame of two counts once."""
    total = reached = 0
    for row in sorted(rows, key=lambda row: row.start):
        total += max(0, row.stop - max(row.start, reached))
        reached = max(reached, row.stop)
    return total


@dataclass(frozen=True, slots=True)
class Groups:
    """Which group and animal each video belongs to."""

    column: str
    group: Mapping[str, str]
    animal: Mapping[str, str]


def read_groups(path: Path, column: str | None = None) -> Groups:
    """Read a table of animals: a column ``video``, perhaps ``animal``, and others to group by.

    Args:
        path: a CSV file.
        column: the column to group by; by default, the first that is neither ``video`` nor ``animal``.

    Raises:
        DataError: it is no such table, or names a video twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path}: cannot be read as a table ({reason})") from error
    names = list(rows[0]) if rows else []
    key = next((name for name in names if name.lower() in ("video", "video_id")), None)
    animal = next((name for name in names if name.lower() in ("animal", "animal_id")), None)
    others = [name for name in names if name not in (key, animal)]
    chosen = column if column is not None else next(iter(others), None)
    if key is None or chosen is None or chosen not in names:
        wanted = "'video' and one to group by" if column is None else f"'video' and {column!r}"
        raise DataError(f"{path}: needs the columns {wanted}; it has {', '.join(names) or 'none'}")
    group: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        if row[key] in group:
            raise DataError(f"{path}, line {line}: video {row[key]!r} is there twice")
        group[row[key]] = row[chosen] or ""
    return Groups(chosen, group, {row[key]: row[animal] if animal else row[key] for row in rows})


def group_summaries(found: Sequence[BehaviourSummary], groups: Groups) -> list[GroupSummary]:
    """Average over the animals of each group; an animal's videos are averaged first.

    Raises:
        DataError: a video is in no group.
    """
    values: dict[tuple[str, str, str, str, str], dict[str, list[float]]] = {}
    for each in found:
        if each.video not in groups.group:
            raise DataError(f"video {each.video!r} is not in the table of animals; add it")
        for measure in MEASURES:
            key = groups.group[each.video], each.agent, each.target, each.action, measure
            own = values.setdefault(key, defaultdict(list))
            value = getattr(each, measure)
            if value is not None:
                own[groups.animal[each.video]].append(value)
    result = []
    for (group, agent, target, action, measure), of_animal in sorted(values.items()):
        means = [fmean(some) for some in of_animal.values()]
        if means:
            sd = round(stdev(means), 4) if len(means) > 1 else None
            mean = round(fmean(means), 4)
            result.append(GroupSummary(group, agent, target, action, measure, len(means), mean, sd))
    return result
