"""One video's tracks and labels → positions by mouse and body part, and bouts in frames."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import floor, isinf
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from core.data.importers.mapping import LabelMapping, Mapping
from core.data.importers.pairing import VideoPlan
from core.data.importers.recording import Floats, LabelEvent, Sheet, seen
from core.data.swaps import Swap, find_swaps, repair_swaps
from core.data.tracking import is_near
from core.errors import DataError

OUTLASTS = 1.05
"""Labels that go beyond their video by this factor are in another unit, or of another video."""


class ImportedBout(NamedTuple):
    """One labelled interval; ``start`` inclusive, ``stop`` exclusive, in frames."""

    agent: int
    target: int
    action: str
    start: int
    stop: int


class Omissions(msgspec.Struct):
    """What was not taken over, counted; each has its own unit."""

    points_unlikely: int = 0
    """Points whose likelihood is below the limit."""
    points_at_origin: int = 0
    points_far_off: int = 0
    body_parts: dict[str, int] = {}
    """Points of body parts that are left out, by part."""
    individuals: dict[str, int] = {}
    """Points of individuals that are left out, by individual."""
    behaviours: dict[str, int] = {}
    """Events of behaviours that are left out, by behaviour."""
    subjects: dict[str, int] = {}
    """Events of subjects that the mapping does not name."""
    modifiers: dict[str, int] = {}
    """Events whose modifier the mapping does not name; they are kept with the target of their subject."""
    point_events: int = 0
    open_events: int = 0
    outside: int = 0
    """Events that lie before or after the video altogether."""
    cut: int = 0
    """Events that begin before the video or go on after it, of which the part inside is kept."""
    brief: int = 0
    """Events that start and stop in the same frame, which makes them no frame long."""
    merged: int = 0
    """Events that overlap an earlier one of the same action, agent and target, and were joined with it."""
    empty_frames_at_end: int = 0
    """Frames without a point at the end, which the layout cannot hold."""


@dataclass(slots=True)
class Converted:
    """One video as it will be written."""

    positions: Floats
    """``(frames, mice, parts, 2)``"""
    parts: tuple[str, ...]
    mice: tuple[int, ...]
    """Mouse number of each row of the second axis."""
    swaps: list[Swap] = field(default_factory=list)
    """Exchanges of two mice, by index; undone where that was asked for."""
    bouts: list[ImportedBout] = field(default_factory=list)
    omissions: Omissions = field(default_factory=Omissions)


def convert_video(plan: VideoPlan, mapping: Mapping, repair: bool = False) -> Converted:
    """Read one video's tracks, and map them and its labels.

    Args:
        plan: the video.
        mapping: a complete mapping.
        repair: undo exchanges of two mice.

    Raises:
        DataError: the files hold nothing usable, or labels that cannot be meant.
    """
    found = _positions(plan, mapping)
    found.swaps = find_swaps(found.positions)
    if repair and found.swaps:
        found.positions = repair_swaps(found.positions, found.swaps)
    frames = len(found.positions)
    for sheet in plan.sheets:
        found.bouts += _bouts(sheet, plan, mapping.labels, frames, found)
    events = sum(len(sheet.events) for sheet in plan.sheets)
    if events and events == sum(found.omissions.subjects.values()):
        names = ", ".join(found.omissions.subjects)
        raise DataError(
            f"{plan.sheets[0].path}: who acts is not known: no event’s subject ({names}) is in the mapping;"
            " write one with --suggest, and fill in [labels.subjects]"
        )
    found.bouts = _joined(found.bouts, found.omissions)
    _check_mice(found, plan)
    return found


def _positions(plan: VideoPlan, mapping: Mapping) -> Converted:
    recording = plan.recording
    tracks = recording.load()
    positions, omissions = tracks.positions, Omissions()
    if mapping.pixel_scale != 1.0:
        positions = positions * np.float32(mapping.pixel_scale)
    missing = ~seen(positions)
    if tracks.likelihood is not None and mapping.likelihood_below > 0:
        unlikely = ~missing & (tracks.likelihood < mapping.likelihood_below)
        omissions.points_unlikely = int(unlikely.sum())
        missing |= unlikely
    if mapping.zero_is_missing:
        at_origin = ~missing & (positions == 0).all(axis=-1)
        omissions.points_at_origin = int(at_origin.sum())
        missing |= at_origin
    far = ~missing & ~is_near(positions).all(axis=-1)
    omissions.points_far_off = int(far.sum())
    missing |= far
    mice = {name: mapping.individuals.get(name, 0) for name in recording.individuals}
    parts = {name: mapping.body_parts.get(name, "") for name in recording.parts}
    for place, (name, number) in enumerate(mice.items()):
        if not number and (count := int((~missing[:, place]).sum())):
            omissions.individuals[name] = count
    for place, (name, own) in enumerate(parts.items()):
        if not own and (count := int((~missing[:, :, place]).sum())):
            omissions.body_parts[name] = count
    _require_names(mice, parts, recording.path)
    who = sorted((n for n in mice if mice[n]), key=lambda name: mice[name])
    what = sorted((p for p in parts if parts[p]), key=lambda name: parts[name])
    rows = [recording.individuals.index(name) for name in who]
    columns = [recording.parts.index(name) for name in what]
    kept = positions[:, rows][:, :, columns]
    kept[missing[:, rows][:, :, columns]] = np.nan
    frames = np.flatnonzero(seen(kept).any(axis=(1, 2)))
    if not len(frames):
        raise DataError(
            f"{recording.path}: no point is left of {len(kept)} frames: are likelihood_below, individuals"
            " and body_parts of the mapping right?"
        )
    length = int(frames[-1]) + 1
    omissions.empty_frames_at_end = len(kept) - length
    return Converted(
        kept[:length],
        tuple(parts[name] for name in what),
        tuple(mice[name] for name in who),
        omissions=omissions,
    )


def _require_names(mice: dict[str, int], parts: dict[str, str], path: Path) -> None:
    for what, table in (("individuals", mice), ("body_parts", parts)):
        if not any(table.values()):
            raise DataError(
                f"{path}: the mapping leaves out all {what} of this file: {', '.join(table)}"
            )
        values = [value for value in table.values() if value]
        if twice := next((v for v in values if values.count(v) > 1), None):
            names = [name for name, value in table.items() if value == twice]
            raise DataError(f"{path}: {what} {' and '.join(names)} would both be {twice}")


def _bouts(
    sheet: Sheet, plan: VideoPlan, labels: LabelMapping, frames: int, found: Converted
) -> list[ImportedBout]:
    bouts = []
    omissions = found.omissions
    rate = _frames_per_unit(sheet, plan, labels)
    offset = (
        labels.offset_seconds
        if plan.settings.offset_seconds is None
        else plan.settings.offset_seconds
    ) * plan.frames_per_second
    _check_length(sheet, rate, offset, frames)
    for event in (*sheet.events, *_open_events(sheet, labels, omissions)):
        who = _who(event, labels, omissions)
        if who is None:
            continue
        start = _frame(event.start * rate + offset, labels)
        stop = frames if isinf(event.stop) else _frame(event.stop * rate + offset, labels)
        if event.start == event.stop:
            if not labels.point_frames:
                omissions.point_events += 1
                continue
            stop = start + labels.point_frames
        if stop <= 0 or start >= frames:
            omissions.outside += 1
            continue
        if stop <= start:
            omissions.brief += 1
            continue
        omissions.cut += start < 0 or stop > frames
        bouts.append(ImportedBout(*who, max(start, 0), min(stop, frames)))
    return bouts


def _frames_per_unit(sheet: Sheet, plan: VideoPlan, labels: LabelMapping) -> float:
    unit = sheet.unit or labels.unit
    if unit is None:
        raise DataError(
            f"{sheet.path}: are its numbers seconds or frames? Say so in the mapping: [labels] unit"
        )
    if unit == "seconds":
        return plan.frames_per_second
    own = sheet.frames_per_second
    return 1.0 if own is None else plan.frames_per_second / own


def _frame(value: float, labels: LabelMapping) -> int:
    return floor(value + 0.5) if labels.rounding == "nearest" else floor(value)


def _check_length(sheet: Sheet, rate: float, offset: float, frames: int) -> None:
    last = max((event.stop for event in sheet.events), default=0.0)
    end = last * rate + offset
    if end <= OUTLASTS * frames + rate:
        return
    hint = "another video, or another frame rate?"
    if rate > 1 and last <= OUTLASTS * frames:
        hint = 'are they frames? Say so in the mapping: [labels] unit = "frames"'
    raise DataError(
        f"{sheet.path}: labels of {sheet.name!r} go to {last:g}, frame {end:.9g}, but the video has"
        f" {frames} frames; {hint}"
    )


def _open_events(sheet: Sheet, labels: LabelMapping, omissions: Omissions) -> Sequence[LabelEvent]:
    if not sheet.open_events:
        return ()
    if labels.open_events == "error":
        first = sheet.open_events[0]
        more = f" (and {len(sheet.open_events) - 1} more)" if len(sheet.open_events) > 1 else ""
        raise DataError(
            f"{sheet.path}, {first.place}: START of {first.behaviour!r} of {first.subject} without a"
            f' STOP{more}; mend it, or say in the mapping: [labels] open_events = "drop" or "end"'
        )
    if labels.open_events == "drop":
        omissions.open_events += len(sheet.open_events)
        return ()
    return sheet.open_events


def _who(
    event: LabelEvent, labels: LabelMapping, omissions: Omissions
) -> tuple[int, int, str] | None:
    """Return agent, target and action of an event; ``None`` if it is left out."""
    action = labels.behaviours.get(event.behaviour, "")
    if not action:
        omissions.behaviours[event.behaviour] = omissions.behaviours.get(event.behaviour, 0) + 1
        return None
    direction = labels.subjects.get(event.subject)
    if direction is None:
        omissions.subjects[event.subject] = omissions.subjects.get(event.subject, 0) + 1
        return None
    target = direction.target
    if event.modifier:
        named = [labels.modifiers[m] for m in event.modifier.split("|") if m in labels.modifiers]
        whole = labels.modifiers.get(event.modifier)
        if whole is not None or named:
            target = whole if whole is not None else named[0]
        else:
            counts = omissions.modifiers
            counts[event.modifier] = counts.get(event.modifier, 0) + 1
    if target is None or event.behaviour in labels.alone:
        target = direction.agent
    return direction.agent, target, action


def annotated(sheets: Iterable[Sheet], labels: LabelMapping) -> list[ImportedBout]:
    """Return one empty bout for each action, agent and target that the labels look for.

    A behaviour that a file lists without an event counts for every subject of that file, or for all of the
    mapping where the file has no event at all.
    """
    found: dict[ImportedBout, None] = {}
    for sheet in sheets:
        events = [*sheet.events, *sheet.open_events]
        subjects = dict.fromkeys(event.subject for event in events) or labels.subjects
        events += [
            LabelEvent(who, what, "", 0, 0, "") for who in subjects for what in sheet.behaviours
        ]
        for event in events:
            if (who := _who(event, labels, Omissions())) is not None:
                found[ImportedBout(*who, 0, 0)] = None
    return [*found]


def _joined(bouts: list[ImportedBout], omissions: Omissions) -> list[ImportedBout]:
    """Join bouts of the same action, agent and target that overlap."""
    joined: list[ImportedBout] = []
    last: dict[tuple[int, int, str], int] = {}
    for bout in sorted(bouts, key=lambda bout: (bout.start, bout.stop)):
        before = last.get(bout[:3])
        if before is not None and bout.start < joined[before].stop:
            joined[before] = joined[before]._replace(stop=max(bout.stop, joined[before].stop))
            omissions.merged += 1
            continue
        last[bout[:3]] = len(joined)
        joined.append(bout)
    return joined


def _check_mice(found: Converted, plan: VideoPlan) -> None:
    named = Counter(mouse for bout in found.bouts for mouse in bout[:2])
    if strange := sorted(set(named) - set(found.mice)):
        raise DataError(
            f"{plan.recording.path}: labels name mouse{strange[0]}, but the poses have"
            f" {', '.join(f'mouse{mouse}' for mouse in found.mice)}; mend labels.subjects of the mapping"
        )
