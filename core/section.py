"""What every table of the registry is made of."""

from typing import Annotated

import msgspec
from msgspec import Meta

Positive = Annotated[int, Meta(gt=0)]
NonNegative = Annotated[int, Meta(ge=0)]
PositiveFloat = Annotated[float, Meta(gt=0)]
NonNegativeFloat = Annotated[float, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0, lt=1)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the registry. Unknown keys are errors, and nothing changes after construction.

    TOML has no null, so a key that may be ``None`` has ``None`` as its default: leaving it out and
    unsetting it are the same, and a table survives being written and read.
    """
