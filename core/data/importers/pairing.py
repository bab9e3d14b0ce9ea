"""Which labels belong to which video."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.config.strict import nearest
from core.data.importers.formats import SourceContent
from core.data.importers.mapping import Mapping, VideoMapping
from core.data.importers.recording import Recording, Sheet
from core.errors import ConfigError, DataError

FILE_NAME = re.compile(r"[^\w.\-]+")


@dataclass(frozen=True, slots=True)
class VideoPlan:
    """One video to import."""

    id: str
    recording: Recording
    sheets: tuple[Sheet, ...]
    """Its labels; empty if nobody labelled it."""
    settings: VideoMapping
    frames_per_second: float


@dataclass(frozen=True, slots=True)
class Pairing:
    """All videos to import, and the labels that belong to none."""

    videos: tuple[VideoPlan, ...]
    unmatched: tuple[Sheet, ...]
    notes: tuple[str, ...]


def pair(found: SourceContent, mapping: Mapping) -> Pairing:
    """Find the labels of every video by name.

    A sheet belongs to the video of its media file's name, or of its own file's name; one of the two may go
    on, after a mark that is neither letter nor digit. A single sheet and a single video belong together.

    Raises:
        ConfigError: the mapping names a video or labels that are not there.
        DataError: no poses, two videos of one name, labels that fit several videos, or an unknown or
            contradictory frame rate.
    """
    recordings, sheets = found.recordings, found.sheets
    if not recordings and not sheets:
        files = "; ".join(found.skipped) or "nothing"
        raise DataError(f"no file of poses or labels among the sources: {files}")
    if not recordings:
        files = ", ".join(str(path) for path in {sheet.path: None for sheet in sheets})
        raise DataError(f"no file of poses among the sources, only labels ({files}); name one")
    _check_names(recordings, sheets, mapping)
    notes: list[str] = []
    owner: dict[int, str] = {}
    alone_in_file = {
        path: sum(sheet.path == path for sheet in sheets) == 1 for path in {s.path for s in sheets}
    }
    for number, sheet in enumerate(sheets):
        names = _names(sheet, alone_in_file[sheet.path])
        by_map = [n for n, each in mapping.videos.items() if each.labels in {*names, sheet.name}]
        fitting = by_map or _fitting(names, recordings, mapping)
        if len(fitting) > 1:
            raise DataError(
                f"{sheet.path}: labels of {sheet.name!r} fit {len(fitting)} videos ({', '.join(fitting)});"
                " say which in the mapping: [videos.NAME] labels"
            )
        if fitting:
            owner[number] = fitting[0]
    if len(sheets) == len(recordings) == 1 and not owner:
        owner[0] = recordings[0].name
        notes.append(
            f"labels of {sheets[0].name!r} are taken for those of {recordings[0].name!r}: there are no others"
        )
    unmatched = tuple(sheet for number, sheet in enumerate(sheets) if number not in owner)
    if sheets and not owner:
        raise DataError(
            f"no labels fit a video: there are labels of {_listed(s.name for s in sheets)} and poses of"
            f" {_listed(r.name for r in recordings)}; say which in the mapping: [videos.NAME] labels"
        )
    videos = []
    for recording in recordings:
        own = tuple(s for number, s in enumerate(sheets) if owner.get(number) == recording.name)
        settings = mapping.videos.get(recording.name, VideoMapping())
        name = settings.id or FILE_NAME.sub("_", recording.name)
        rate = _rate(recording, own, mapping, settings)
        videos.append(VideoPlan(name, recording, own, settings, rate))
    _check_ids(videos)
    return Pairing(tuple(videos), unmatched, tuple(notes))


def _check_names(
    recordings: Sequence[Recording], sheets: Sequence[Sheet], mapping: Mapping
) -> None:
    names: dict[str, Path] = {}
    for recording in recordings:
        if recording.name in names:
            raise DataError(
                f"{recording.path} and {names[recording.name]} are both of the video {recording.name!r};"
                " import one of them, or rename a file"
            )
        names[recording.name] = recording.path
    known = {*(sheet.name for sheet in sheets), *(sheet.path.stem for sheet in sheets)}
    for name, settings in mapping.videos.items():
        if name not in names:
            raise ConfigError(f"mapping, videos.{name}: no such video{nearest(name, names)}")
        if settings.labels is not None and settings.labels not in known:
            raise ConfigError(
                f"mapping, videos.{name}.labels: no labels of {settings.labels!r}"
                f"{nearest(settings.labels, known)}"
            )


def _names(sheet: Sheet, alone_in_file: bool) -> list[str]:
    return [sheet.name, sheet.path.stem] if alone_in_file else [sheet.name]


def _fitting(names: Sequence[str], recordings: Sequence[Recording], mapping: Mapping) -> list[str]:
    """Return the videos that one of the names belongs to: equal names, else those that go on."""
    taken = {name for name, each in mapping.videos.items() if each.labels is not None}
    free = [recording for recording in recordings if recording.name not in taken]
    exact = [each.name for each in free if {each.name, each.path.stem, each.media} & {*names}]
    if exact:
        return exact
    return [
        each.name
        for each in free
        if any(_goes_on(own, name) for own in (each.name, each.media) for name in names)
    ]


def _goes_on(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    rest = long.removeprefix(short)
    return bool(short) and rest not in ("", long) and not rest[0].isalnum()


def _listed(names: Iterable[str]) -> str:
    every = [*names]
    more = f" and {len(every) - 4} more" if len(every) > 4 else ""
    return ", ".join(map(repr, every[:4])) + more


def _rate(
    recording: Recording, sheets: Sequence[Sheet], mapping: Mapping, settings: VideoMapping
) -> float:
    chosen = settings.fps or mapping.fps
    if chosen is not None:
        return chosen
    sources: list[Recording | Sheet] = [recording, *sheets]
    said = {rate: each.path for each in sources if (rate := each.frames_per_second) is not None}
    if not said:
        raise DataError(
            f"{recording.path}: no file says how many frames a second has; give it with --fps or in the"
            " mapping"
        )
    rates = sorted(said)
    if rates[-1] > 1.001 * rates[0]:
        raise DataError(
            f"{recording.name}: {said[rates[0]]} says {rates[0]:g} frames a second and"
            f" {said[rates[-1]]} {rates[-1]:g}; say which with --fps or in the mapping"
        )
    return rates[0]


def _check_ids(videos: Sequence[VideoPlan]) -> None:
    seen: dict[str, Path] = {}
    for video in videos:
        if video.id in seen:
            raise DataError(
                f"{video.recording.path} and {seen[video.id]} would both be video {video.id!r}; give one"
                " another id in the mapping"
            )
        seen[video.id] = video.recording.path
