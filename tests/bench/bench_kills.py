"""The long form of `tests/core/test_job_killed.py`: at least 60 SIGKILLs, all with identical results."""

import os
import subprocess
import sys
import time
from pathlib import Path

KILLS_A_TEST = 30
TESTS = Path(__file__).resolve().parents[1] / "core" / "test_job_killed.py"


def main() -> int:
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "--timeout=0", str(TESTS)]
    environment = {**os.environ, "MABE_TEST_KILLS": str(KILLS_A_TEST)}
    code = subprocess.run(command, env=environment, check=False).returncode
    verdict = "all ended identical" if code == 0 else "NOT IDENTICAL"
    print(f"at least {2 * KILLS_A_TEST + 1} kills in {time.monotonic() - began:.0f} s: {verdict}")
    return code


if __name__ == "__main__":
    sys.exit(main())
