"""Parts of the validation units: a second level is fitted on all but one, and answers for that one."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from core.errors import ConfigError


def parts_of_units(
    rows: Mapping[str, int], folds: Sequence[Sequence[Iterable[str]]], count: int, seed: int
) -> dict[str, int]:
    """Distribute units over parts of about the same number of rows.

    Units of one fold of a member stay in one part: they were predicted by one model, whose errors a second
    level could learn. If that leaves a single group, as with members of different folds, units are
    distributed one by one.

    Args:
        rows: unit → number of its rows.
        folds: of each member, the units of each of its folds.
        count: number of parts; fewer if there are not so many groups.
        seed: decides between groups of the same size.

    Returns:
        unit → part, from 0.

    Raises:
        ConfigError: there is only one unit.
    """
    if len(rows) < 2:
        raise ConfigError(
            "there is a single validation unit, so nothing can be fitted that is measured on others; use"
            " --how mean, or members with folds"
        )
    groups = _groups(rows, folds)
    if len(groups) < 2:
        groups = [[unit] for unit in rows]
    parts = min(count, len(groups))

    def order(group: Sequence[str]) -> tuple[int, str]:
        mixed = hashlib.sha256(f"{seed}/{min(group)}".encode()).hexdigest()
        return -sum(rows[unit] for unit in group), mixed

    sizes = [0] * parts
    found: dict[str, int] = {}
    for group in sorted(groups, key=order):
        part = sizes.index(min(sizes))
        sizes[part] += sum(rows[unit] for unit in group)
        found |= dict.fromkeys(group, part)
    return found


def _groups(units: Iterable[str], folds: Sequence[Sequence[Iterable[str]]]) -> list[list[str]]:
    """Return the groups of units that a fold of any member with several of them holds together."""
    leader = {unit: unit for unit in units}

    def find(unit: str) -> str:
        while leader[unit] != unit:
            leader[unit] = leader[leader[unit]]
            unit = leader[unit]
        return unit

    for member in folds:
        if len(member) < 2:
            continue
        for fold in member:
            first, *others = fold
            for other in others:
                leader[find(other)] = find(first)
    groups: dict[str, list[str]] = {}
    for unit in leader:
        groups.setdefault(find(unit), []).append(unit)
    return list(groups.values())
