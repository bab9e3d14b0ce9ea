"""Entries of ``behaviors_labeled``: the behaviours that were annotated in a video."""

from collections.abc import Iterable
from typing import NamedTuple

SELF = "self"
"""The target of an action of a mouse alone."""


class LabeledBehavior(NamedTuple):
    """One entry of ``behaviors_labeled``: a behaviour that was annotated in this video."""

    agent: int
    target: int
    """The agent's own number if the entry says ``self``."""
    action: str

    @property
    def entry(self) -> str:
        """Return the entry as the competition spells it: ``mouse1,mouse2,sniff``."""
        return ",".join((*mouse_names(self.agent, self.target), self.action))


def mouse_names(agent: int, target: int) -> tuple[str, str]:
    """Return agent and target as the competition names them: ``mouse1``, and ``mouse2`` or ``self``."""
    return f"mouse{agent}", SELF if agent == target else f"mouse{target}"


def parse_behaviors(
    entries: Iterable[str],
) -> tuple[tuple[LabeledBehavior, ...], tuple[str, ...]]:
    """Parse entries like ``mouse1,mouse2,sniff`` and ``mouse1,self,rear``.

    Stray quotes, which real rows have, are removed; duplicates count once.

    Returns:
        The behaviours, in order, and the malformed entries.
    """
    behaviors: dict[LabeledBehavior, None] = {}
    malformed = []
    for entry in entries:
        words = [word.strip() for word in entry.replace("'", "").split(",")]
        behavior = _behavior(words)
        if behavior is not None:
            behaviors[behavior] = None
        if behavior is None or "'" in entry:
            malformed.append(entry)
    return tuple(behaviors), tuple(malformed)


def _behavior(words: list[str]) -> LabeledBehavior | None:
    if len(words) != 3 or not words[2]:
        return None
    agent = _mouse_number(words[0])
    target = agent if words[1] == SELF else _mouse_number(words[1])
    return None if agent is None or target is None else LabeledBehavior(agent, target, words[2])


def _mouse_number(word: str) -> int | None:
    number = word.removeprefix("mouse")
    return int(number) if number != word and number.isdecimal() else None
