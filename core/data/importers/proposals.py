"""Proposals for a mapping: what names of other labs most likely mean."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from core.data.actions import ACTIONS, SELF_ACTIONS
from core.data.importers.boris import NOBODY
from core.data.importers.mapping import Direction
from core.data.importers.recording import Sheet
from core.data.keypoints import ALIASES, SLOTS_18

SYNONYMS: dict[str, tuple[str, ...]] = {
    "nose": ("snout", "nosetip", "tipofnose", "muzzle"),
    "neck": ("nape", "head", "headbase", "headcenter", "headcentre", "skullbase"),
    "body_center": (
        "center", "centre", "centroid", "body", "bodycentre", "midbody", "torso", "back", "spinemid",
        "midspine", "spine", "centerofmass",
    ),
    "lateral": ("side", "flank", "fhip", "lat", "shoulder"),
    "hip": ("bhip", "rump"),
    "ear": (),
    "tail_base": ("tail", "tailroot", "basetail", "baseoftail", "tailstart", "tti"),
    "tail_midpoint": ("tailmid", "midtail", "tailmiddle", "tailcenter", "tailcentre", "tail1"),
    "tail_tip": ("tailend", "endtail", "tipoftail"),
    "forepaw": ("frontpaw", "forelimb", "frontlimb", "hand", "fpaw", "forefoot"),
    "hindpaw": ("backpaw", "hindlimb", "rearpaw", "foot", "hpaw", "hindfoot"),
    "spine_1": ("upperspine", "spineupper", "spineanterior", "upperback"),
    "spine_2": ("lowerspine", "spinelower", "spineposterior", "lowerback"),
}  # fmt: skip
"""What else a slot, or the part of a side, is called, without case, marks and side."""
SIDE_WORDS = {
    "left": "left",
    "l": "left",
    "lt": "left",
    "right": "right",
    "r": "right",
    "rt": "right",
}
ACTION_SYNONYMS = {"mounting": "mount", "fight": "attack", "fighting": "attack", "sniffing": "sniff",
                   "grooming": "selfgroom", "rearing": "rear", "digging": "dig", "freezing": "freeze",
                   "chasing": "chase", "climbing": "climb", "following": "follow"}  # fmt: skip
NO_BEHAVIOUR = frozenset({"other", "none", "background", "nothing", "unlabeled", "unlabelled"})


def slot_proposals(parts: Iterable[str]) -> dict[str, str]:
    """Propose the name of each body part; a part that no slot fits keeps its own.

    Of two parts that fit the same slot, the one whose name is nearer to it has it, and the other keeps its
    own: ``tail_base`` before ``tail``.
    """
    names = list(parts)
    wanted = {part: _slot(part) for part in names}
    taken: dict[str, str] = {}
    for part in names:
        slot = wanted[part]
        if slot is None:
            continue
        holder = taken.get(slot)
        if holder is None or (_bare(part) == _bare(slot) and _bare(holder) != _bare(slot)):
            taken[slot] = part
    found = {part: _own_name(part) for part in names}
    found.update({part: slot for slot, part in taken.items()})
    return found


def _slot(part: str) -> str | None:
    side, rest = _side_of(part)
    for slot in SLOTS_18:
        slot_side = next((s for s in ("left", "right") if slot.endswith(f"_{s}")), None)
        stem = slot.removesuffix(f"_{slot_side}") if slot_side else slot
        if slot_side == side and rest in (_bare(stem), *SYNONYMS.get(stem, ())):
            return slot
    return ALIASES.get(part)


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFC", name).lower())


def _side_of(part: str) -> tuple[str | None, str]:
    """Return the side that a name has, and the rest: ``Left_ear``, ``earL`` and ``leftear`` alike."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", part)
    sides = [word for word in words if word.lower() in SIDE_WORDS]
    if len(sides) == 1 and len(words) > 1:
        rest = [word for word in words if word is not sides[0]]
        return SIDE_WORDS[sides[0].lower()], _bare("".join(rest))
    bare = _bare(part)
    for side in ("left", "right"):
        if bare != side and side in bare:
            return side, bare.replace(side, "", 1)
    return None, bare


def _own_name(part: str) -> str:
    return re.sub(r"[\W_]+", "_", unicodedata.normalize("NFC", part).lower()).strip("_") or part


def action_proposal(behaviour: str) -> str:
    """Propose the action of a behaviour: the competition's of that name, else its own, in lower case."""
    bare = _bare(behaviour)
    if bare in NO_BEHAVIOUR:
        return ""
    if bare in ACTION_SYNONYMS:
        return ACTION_SYNONYMS[bare]
    return bare if bare in ACTIONS else _own_name(behaviour)


def is_alone(action: str) -> bool:
    """Return whether an action of the competition is one of a mouse alone."""
    return action in SELF_ACTIONS


def mouse_proposals(individuals: Sequence[str]) -> dict[str, int]:
    """Number individuals in their order; the unique parts of DeepLabCut's ``single`` are no mouse."""
    several = len(individuals) > 1
    animals = [name for name in individuals if not (several and name == "single")]
    return {name: animals.index(name) + 1 if name in animals else 0 for name in individuals}


def subject_proposals(subjects: Iterable[str], mice: dict[str, int]) -> dict[str, Direction]:
    """Propose who acts on whom, for subjects that are named as individuals, or if there is no choice.

    With two mice, each acts on the other. Subjects for whom nothing is certain are left out.
    """
    number_of = {_bare(name): number for name, number in mice.items() if number}
    number_of |= {name: number for name, number in mice.items() if number}
    numbers = sorted({*number_of.values()})
    found = {}
    for subject in subjects:
        agent = number_of.get(subject, number_of.get(_bare(subject)))
        if agent is None:
            digits = re.fullmatch(r"(?:mouse|animal|ind|id)?[ _-]?(\d)", subject.lower())
            agent = int(digits[1]) if digits and int(digits[1]) in numbers else None
        if agent is None and (_bare(subject) == "resident" or subject == NOBODY):
            agent = 1 if subject == NOBODY and len(numbers) == 1 else agent
            agent = 1 if _bare(subject) == "resident" else agent
        if agent is None and len(numbers) == 1:
            agent = numbers[0]
        if agent is not None:
            others = [number for number in numbers if number != agent]
            found[subject] = Direction(agent=agent, target=others[0] if len(others) == 1 else None)
    return found


def names_in(sheets: Iterable[Sheet]) -> tuple[list[str], list[str], list[str]]:
    """Return the subjects, behaviours and modifiers of labels, each in the order of appearance."""
    subjects: dict[str, None] = {}
    behaviours: dict[str, None] = {}
    modifiers: dict[str, None] = {}
    for sheet in sheets:
        behaviours.update(dict.fromkeys(sheet.behaviours))
        for event in (*sheet.events, *sheet.open_events):
            subjects[event.subject] = None
            behaviours[event.behaviour] = None
            if event.modifier:
                modifiers[event.modifier] = None
    return [*subjects], [*behaviours], [*modifiers]
