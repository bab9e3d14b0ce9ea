"""The number of examples: fixed and repeatable in `make test`, random and long in `make bench`."""

import os

from hypothesis import HealthCheck, Phase, settings

EXAMPLES = int(os.environ.get("MABE_FUZZ_EXAMPLES", "0"))
"""0 for the short budget, with the same examples each time."""

settings.register_profile(
    "fuzz",
    max_examples=EXAMPLES or 40,
    derandomize=not EXAMPLES,
    # A failure is found in seconds; shrinking over files takes minutes, so only the long budget does it.
    phases=[Phase.generate, Phase.shrink] if "MABE_FUZZ_SHRINK" in os.environ else [Phase.generate],
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
