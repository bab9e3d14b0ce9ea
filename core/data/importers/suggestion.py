"""Propose a mapping for the files of an import, and write it as a file to edit."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.config.strict import nearest
from core.data.importers.formats import SourceContent
from core.data.importers.mapping import Direction, Mapping
from core.data.importers.proposals import (
    action_proposal,
    is_alone,
    mouse_proposals,
    names_in,
    slot_proposals,
    subject_proposals,
)
from core.data.importers.recording import Recording, Sheet
from core.data.keypoints import is_known
from core.system.files import replace_atomically


@dataclass(frozen=True, slots=True)
class Completed:
    """A mapping with nothing left open, and what of it was proposed, in words."""

    mapping: Mapping
    proposed: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    """Names of the mapping that no source has, in words; a mapping may serve several imports."""


def completed(mapping: Mapping, found: SourceContent) -> Completed:
    """Fill the tables of a mapping that are empty with proposals."""
    proposed: list[str] = []
    parts = [*dict.fromkeys(part for each in found.recordings for part in each.parts)]
    people = [*dict.fromkeys(name for each in found.recordings for name in each.individuals)]
    subjects, behaviours, modifiers = names_in(found.sheets)
    labels = mapping.labels
    individuals = mapping.individuals
    if not individuals:
        individuals = _mice_of(found, people)
        proposed += _words("individual", individuals.items(), "mouse{}")
    body_parts = mapping.body_parts
    if not body_parts:
        body_parts = slot_proposals(parts)
        proposed += _words("body part", body_parts.items(), "{}")
    changes: dict[str, object] = {}
    if behaviours and not labels.behaviours:
        actions = {name: action_proposal(name) for name in behaviours}
        changes["behaviours"] = actions
        proposed += _words("behaviour", actions.items(), "{}")
        if not labels.alone:
            changes["alone"] = tuple(name for name, action in actions.items() if is_alone(action))
    if subjects and not labels.subjects:
        directions = subject_proposals(subjects, individuals)
        changes["subjects"] = directions
        proposed += _words(
            "subject", ((n, direction_words(d)) for n, d in directions.items()), "{}"
        )
    if modifiers and not labels.modifiers:
        named = subject_proposals(modifiers, individuals)
        changes["modifiers"] = {name: direction.agent for name, direction in named.items()}
    labels = msgspec.structs.replace(labels, **changes)
    whole = msgspec.structs.replace(
        mapping, individuals=individuals, body_parts=body_parts, labels=labels
    )
    return Completed(whole, tuple(proposed), tuple(_unknown(mapping, parts, people, found.sheets)))


def _unknown(
    mapping: Mapping, parts: Sequence[str], people: Sequence[str], sheets: Sequence[Sheet]
) -> Iterable[str]:
    subjects, behaviours, modifiers = names_in(sheets)
    single = [each for modifier in modifiers for each in modifier.split("|")]
    labels = mapping.labels
    tables: list[tuple[str, Iterable[str], Iterable[str]]] = [
        ("individuals", mapping.individuals, people),
        ("body_parts", mapping.body_parts, parts),
    ]
    if sheets:
        tables += [
            ("labels.subjects", labels.subjects, subjects),
            ("labels.behaviours", labels.behaviours, behaviours),
            ("labels.alone", labels.alone, behaviours),
            ("labels.modifiers", labels.modifiers, [*modifiers, *single]),
        ]
    for table, named, known in tables:
        there = {*known}
        choices = sorted(there - {*named}) or sorted(there)
        for name in named:
            if name not in there:
                yield f"{table}: no source has {name!r}{nearest(name, choices)}"


def direction_words(direction: Direction) -> str:
    """Return who acts on whom, as in ``mouse1 on mouse2``."""
    target = "alone" if direction.target is None else f"on mouse{direction.target}"
    return f"mouse{direction.agent} {target}"


def _mice_of(found: SourceContent, people: Sequence[str]) -> dict[str, int]:
    """Number individuals video by video, where each video has its own names for them."""
    numbers: dict[str, int] = {}
    for recording in found.recordings:
        for name, number in mouse_proposals(recording.individuals).items():
            numbers.setdefault(name, number)
    clash = any(
        len({numbers[name] for name in each.individuals if numbers[name]})
        < sum(bool(numbers[name]) for name in each.individuals)
        for each in found.recordings
    )
    return mouse_proposals(people) if clash else numbers


def _words(what: str, pairs: Iterable[tuple[str, object]], form: str) -> list[str]:
    shown = [
        f"{name} → {form.format(value) if value not in ('', 0) else 'left out'}"
        for name, value in pairs
        if str(value) != name
    ]
    return [f"{what}: {each}" for each in shown]


def write_suggestion(path: Path, found: SourceContent, mapping: Mapping) -> None:
    """Write a mapping with a comment for every choice.

    Raises:
        UserError: the file cannot be written.
    """
    with replace_atomically(path, "w") as file:
        file.write("\n".join(_lines(found, mapping)) + "\n")


def _lines(found: SourceContent, mapping: Mapping) -> Iterable[str]:
    subjects, behaviours, modifiers = names_in(found.sheets)
    yield "# What the names and units of these files mean here; written by `mabe data import --suggest`."
    yield "# Look it over, edit it, and import with --map. What is not listed is left out, and counted."
    yield f"lab = {_text(mapping.lab)}"
    yield from _rate(found, mapping)
    yield f"likelihood_below = {mapping.likelihood_below}  # points of a smaller likelihood are missing"
    yield "zero_is_missing = true  # a point at exactly (0, 0) was not tracked"
    yield "# picture = [1600, 1200]  # width and height in pixels"
    yield ""
    yield "[scale]  # one way; without it, features in cm are not known"
    yield "# pix_per_cm = 16.0"
    yield "# arena_cm = [50, 40]\n# arena_pixels = [800, 640]"
    yield "# points = [[100, 200], [900, 200]]  # two points of the picture …"
    yield "# points_cm = 50  # … and their distance"
    yield ""
    yield "[individuals]  # name in the files = mouse number; 0 leaves it out"
    yield from (f"{_key(name)} = {number}" for name, number in mapping.individuals.items())
    yield ""
    yield '[body_parts]  # name in the files = name here; "" leaves it out'
    for part, name in mapping.body_parts.items():
        note = "" if is_known(name) else "  # no body part of the competition; kept under this name"
        yield f"{_key(part)} = {_text(name)}{note}"
    if found.sheets:
        yield from _label_lines(found, mapping, subjects, behaviours, modifiers)
    yield ""
    yield "# One table for each video that differs: [videos.NAME] with id, labels (name of its media or"
    yield "# label file), fps, offset_seconds, pix_per_cm"
    for recording in found.recordings:
        yield f"# [videos.{_key(recording.name)}]"


def _rate(found: SourceContent, mapping: Mapping) -> Iterable[str]:
    sources: list[Recording | Sheet] = [*found.recordings, *found.sheets]
    rates = sorted({rate for each in sources if (rate := each.frames_per_second) is not None})
    if mapping.fps is not None:
        yield f"fps = {mapping.fps}"
    elif len(rates) == 1:
        yield f"# fps = {rates[0]}  # the files say so themselves"
    elif rates:
        yield f"# fps = …  # the files say {', '.join(f'{rate:g}' for rate in rates)}"
    else:
        yield "# fps = 30.0  # needed: no file says it"


def _label_lines(
    found: SourceContent,
    mapping: Mapping,
    subjects: Sequence[str],
    behaviours: Sequence[str],
    modifiers: Sequence[str],
) -> Iterable[str]:
    labels = mapping.labels
    yield ""
    yield "[labels]"
    if any(sheet.unit is None for sheet in found.sheets):
        yield '# unit = "seconds"  # or "frames": needed, the files do not say'
    yield "offset_seconds = 0.0  # added to the times of labels"
    yield 'rounding = "floor"  # or "nearest": time × fps → frame'
    points = sum(event.start == event.stop for each in found.sheets for event in each.events)
    yield f"point_frames = 0  # length given to point events, of which there are {points}; 0 leaves them out"
    unclosed = sum(len(sheet.open_events) for sheet in found.sheets)
    yield f'open_events = "error"  # START without STOP, of which there are {unclosed}; or "drop", "end"'
    alone = ", ".join(_text(name) for name in labels.alone)
    yield f"alone = [{alone}]  # behaviours of a mouse alone"
    yield ""
    yield "[labels.subjects]  # who acts; target: on whom, without it on nobody"
    for name in subjects:
        direction = labels.subjects.get(name)
        if direction is None:
            yield f"# {_key(name)} = {{ agent = 1, target = 2 }}  # to decide: no individual has this name"
        else:
            target = "" if direction.target is None else f", target = {direction.target}"
            yield f"{_key(name)} = {{ agent = {direction.agent}{target} }}"
    if modifiers:
        yield ""
        yield "[labels.modifiers]  # modifier = the mouse acted on, before the target of the subject"
        for name in modifiers:
            number = labels.modifiers.get(name)
            yield f"{_key(name)} = {number}" if number else f"# {_key(name)} = 2"
    yield ""
    yield '[labels.behaviours]  # name in the files = action; "" leaves it out'
    for name in behaviours:
        yield f"{_key(name)} = {_text(labels.behaviours.get(name, name))}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else _text(name)
