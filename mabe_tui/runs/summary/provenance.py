"""What a run was trained with, as its newest attempt recorded it, and how that differs from here."""

from collections.abc import Iterator, Mapping

import msgspec

from core.run.checkout import Checkout
from core.run.provenance import (
    CODE,
    PACKAGES,
    Code,
    Environment,
    code_now,
    environment_now,
    newest_recorded,
    read_code,
    read_diff,
    read_environment,
)
from core.run.request import RunRequest
from core.run.rundir import RunDir

MOST_PACKAGES = 6
"""Packages named in a sentence."""


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Code and packages, each of the newest attempt that recorded it. ``None``: not recorded."""

    attempt: str
    """The attempt that recorded the code, else the packages."""
    code: Code | None
    python: str | None
    """Version and platform."""
    packages: dict[str, str]
    """Name → version; empty if not recorded."""


def provenance_of(run: RunDir) -> Provenance | None:
    """Read what the newest attempts recorded; ``None`` if none recorded anything."""
    with_code, with_packages = newest_recorded(run, CODE), newest_recorded(run, PACKAGES)
    attempt = with_code or with_packages
    if attempt is None:
        return None
    found = read_environment(run, with_packages) if with_packages else None
    return Provenance(
        attempt=attempt,
        code=read_code(run, with_code) if with_code else None,
        python=found.python if found else None,
        packages=found.packages if found else {},
    )


def diff_of(run: RunDir) -> str:
    """Return the kept uncommitted changes of the newest attempt that recorded its code."""
    attempt = newest_recorded(run, CODE)
    return read_diff(run, attempt) if attempt is not None else ""


def provenance_lines(found: Provenance) -> Iterator[tuple[str, str]]:
    """Describe it in lines of ``mabe status``, each after its label."""
    if found.code is not None:
        yield "code", str(found.code)
    if found.packages:
        yield "packages", f"{len(found.packages)}, Python {found.python}"


def differences_from_here(run: RunDir, request: RunRequest) -> Iterator[str]:
    """Yield a sentence for each difference of the recorded code and packages from those of this process.

    What was not recorded differs in nothing.
    """
    found = provenance_of(run)
    if found is None:
        return
    if found.code is not None and found.code.checkouts:
        yield from _code(found.code, code_now(request)[0])
    if found.packages:
        yield from _packages(found, environment_now())


def _code(then: Code, now: Code) -> Iterator[str]:
    here = {each.folder: each for each in now.checkouts}
    for place, before in enumerate(then.checkouts):
        after = here.get(before.folder) or (
            now.checkouts[place] if place < len(now.checkouts) else None
        )
        if after is None:
            yield f"the code: {before} → {now.problem or 'no longer in a git repository'}"
        elif _state(before) != _state(after):
            files = sorted({*before.changed} ^ {*after.changed})
            same = "" if files or before.commit != after.commit else ", with other changes in them"
            yield f"the code: {before} → {after}{same}"


def _state(checkout: Checkout) -> tuple[object, ...]:
    return checkout.commit, checkout.changed, checkout.diff_sha256


def _packages(then: Provenance, now: Environment) -> Iterator[str]:
    if then.python != now.python:
        yield f"Python: {then.python} → {now.python}"
    changed = [*_changed(then.packages, now.packages)]
    if changed:
        more = len(changed) - MOST_PACKAGES
        rest = f" and {more} more" if more > 0 else ""
        yield f"the packages: {', '.join(changed[:MOST_PACKAGES])}{rest}"


def _changed(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*then, *now}):
        before, after = then.get(name), now.get(name)
        if before is not None and after is None:
            yield f"{name} {before} is not here"
        elif before is None:
            yield f"{name} {after} is new"
        elif before != after:
            yield f"{name} {before} → {after}"
