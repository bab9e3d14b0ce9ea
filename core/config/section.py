"""The base class of every table of the registry."""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

Positive = Annotated[int, Meta(gt=0, le=1_000_000)]
NonNegative = Annotated[int, Meta(ge=0, le=1_000_000)]
PositiveFloat = Annotated[float, Meta(gt=0, le=1e6)]
NonNegativeFloat = Annotated[float, Meta(ge=0, le=1e6)]
Fraction = Annotated[float, Meta(ge=0, lt=1)]
LARGEST_SEED = 2**63 - 1
"""The largest integer that TOML, msgpack and torch can all represent."""
Seed = Annotated[int, Meta(ge=0, le=LARGEST_SEED)]
Line = Annotated[str, Meta(max_length=200)]
Remark = Annotated[str, Meta(max_length=4000)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the registry. Unknown keys are errors, and instances are immutable.

    TOML has no null, so a key that may be ``None`` has ``None`` as its default: omitting and
    unsetting it are the same, and a table survives a round trip to a file.
    """

    written_order: ClassVar[tuple[str, ...]] = ()
    """Keys in the order in which they are written and shown; the others follow. msgspec itself puts the
    fields of a base class before those that a subclass adds."""
    chosen_by: ClassVar[str | None] = None
    """The key that selects what the table describes, as ``model.name`` selects an architecture."""
    of_one_choice: ClassVar[tuple[str, ...]] = ()
    """Keys whose meaning depends on that choice: a table that chooses anew does not inherit them."""
