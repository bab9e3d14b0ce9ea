"""Ask modal.com what no stand-in can know: ``make live-modal``, or ``python -m tests.live_modal [--json]``.

Takes some minutes of small CPU containers: a few cents. Refuses to run without credentials, says the price
and asks first (``--yes`` does not ask). Leaves nothing behind: no app, no volume.

It runs to its end against the stand-in, too, in about half a minute, which is why no test does that: export
what ``python -m tests.loopback.modal_server`` prints, then ``python -m tests.live_modal --yes --quick``.
"""

import argparse
import sys
import time

import modal.config
import msgspec

from core.errors import UserError
from mabe_tui.launch.prices import GIB, read_prices
from tests.live_modal.asking import Pace, ask_all
from tests.live_modal.questions import Answer

MINUTES = 10.0
"""Of one small container, added up over all, generously."""
MEMORY_MIB = 256


def main() -> int:
    """Ask, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.live_modal", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the answers as JSON")
    parser.add_argument("--yes", action="store_true", help="do not ask before it starts")
    parser.add_argument("--quick", action="store_true", help="wait less: for a stand-in")
    options = parser.parse_args()
    config = modal.config.config
    if not (config["token_id"] and config["token_secret"]):
        print("no Modal credentials: `modal token new` makes some", file=sys.stderr)
        return 1
    prices = read_prices()
    hourly = prices.cpu_core_hour + MEMORY_MIB / GIB * prices.memory_gib_hour
    print(
        f"asks {config['server_url']}: about {MINUTES:.0f} minutes of a container with one core,"
        f" at most ${hourly * MINUTES / 60:.2f} by the prices of {prices.as_of}; takes some minutes",
        file=sys.stderr,
    )
    if not (options.yes or _agreed()):
        return 1
    began = time.monotonic()
    try:
        answers = ask_all(Pace.quick() if options.quick else Pace(), _say)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    _print(answers, options.json)
    _say(f"took {time.monotonic() - began:.0f} s")
    return 0


def _agreed() -> bool:
    if not sys.stdin.isatty():
        print("--yes starts it where there is nobody to ask", file=sys.stderr)
        return False
    print("start? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower().startswith("y")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _print(answers: list[Answer], as_json: bool) -> None:
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(answers)).decode())
        return
    width = max(len(each.question) for each in answers)
    for each in answers:
        print(f"{each.question:<{width}}  {each.answer:<16}  {each.detail}".rstrip())


if __name__ == "__main__":
    sys.exit(main())
