"""Fuzzing of any length: `python tests/bench/bench_fuzz.py [EXAMPLES]`, with new random examples each time.

`make test` tries a few dozen fixed examples of each kind; this one looks for what they miss. A failure is
shrunk, and printed with the seed that repeats it.
"""

import os
import subprocess
import sys

EXAMPLES = 300
"""About five minutes of CPU."""


def main() -> int:
    examples = sys.argv[1] if len(sys.argv) > 1 else str(EXAMPLES)
    environment = os.environ | {"MABE_FUZZ_EXAMPLES": examples, "MABE_FUZZ_SHRINK": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "tests/fuzz", "--timeout", "3600"]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
