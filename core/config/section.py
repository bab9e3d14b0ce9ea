"""What every table of the registry is made of."""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

Positive = Annotated[int, Meta(gt=0, le=1_000_000)]
NonNegative = Annotated[int, Meta(ge=0, le=1_000_000)]
PositiveFloat = Annotated[float, Meta(gt=0, le=1e6)]
NonNegativeFloat = Annotated[float, Meta(ge=0, le=1e6)]
Fraction = Annotated[float, Meta(ge=0, lt=1)]
LARGEST_SEED = 2**63 - 1
"""The largest whole number that TOML, msgpack and torch all hold."""
Seed = Annotated[int, Meta(ge=0, le=LARGEST_SEED)]
Line = Annotated[str, Meta(max_length=200)]
Remark = Annotated[str, Meta(max_length=4000)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the registry. Unknown keys are errors, and nothing changes after construction.

    TOML has no null, so a key that may be ``None`` has ``None`` as its default: leaving it out and
    unsetting it are the same, and a table survives being written and read.
    """

    written_order: ClassVar[tuple[str, ...]] = ()
    """The keys in the order in which they are written and shown; the others follow. msgspec itself puts the
    fields of a base class before those that a subclass adds."""
    chosen_by: ClassVar[str | None] = None
    """The key that chooses what the table describes, as ``model.name`` chooses an architecture."""
    of_one_choice: ClassVar[tuple[str, ...]] = ()
    """Keys that mean something else for another choice: they are not inherited by one that chooses anew."""
