"""Start-up cost of a light command, compared with ``modal --help``.

Reference: ``modal --help`` of the installed modal client. Figure: CPU seconds (user + system) of a fresh
interpreter, median over interleaved rounds.
"""

import os
import statistics
import subprocess
import sys
from pathlib import Path

ROUNDS = 11
SCRIPTS = Path(sys.executable).parent
COMMANDS = {
    "modal --help": [str(SCRIPTS / "modal"), "--help"],
    "mabe --help": [str(SCRIPTS / "mabe"), "--help"],
    "mabe list": [str(SCRIPTS / "mabe"), "list"],
}


def cpu_seconds(command: list[str]) -> float:
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    return (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )


def main() -> None:
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for command in COMMANDS.values():
        cpu_seconds(command)  # byte code and disk cache
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            seconds[name].append(cpu_seconds(command))
    reference = statistics.median(seconds["modal --help"])
    for name, values in seconds.items():
        median = statistics.median(values)
        print(f"{name:<14} {median:.3f} s of CPU, {median / reference:.2f} × modal --help")


if __name__ == "__main__":
    main()
