"""How much is tried: a fixed, repeatable budget in `make test`, a long random one in `make bench`."""

import os

from hypothesis import HealthCheck, Phase, settings

EXAMPLES = int(os.environ.get("MABE_FUZZ_EXAMPLES", "0"))
"""0: the short budget, the same examples each time."""

settings.register_profile(
    "fuzz",
    max_examples=EXAMPLES or 40,
    derandomize=not EXAMPLES,
    # A failure is found in seconds; shrinking it, over files, takes minutes: only where one looks for it.
    phases=[Phase.generate, Phase.shrink] if "MABE_FUZZ_SHRINK" in os.environ else [Phase.generate],
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
