"""Run a command on an unpacked store, in this process."""

import json
from pathlib import Path
from typing import Any

from tests.command_line import mabe
from tests.records.store import PLACE


def ask(arguments: list[str], root: Path) -> dict[str, Any]:
    """Run ``mabe`` over the store at ``root`` and return its output, with :data:`PLACE` for its path.

    The environment must be :func:`tests.records.store.environment` of ``root``.

    Args:
        arguments: the command line; ``PLACE`` in it stands for ``root``.
        root: where the store was unpacked.

    Returns:
        ``arguments``, ``exit_code`` and ``output``: the JSON of standard output, a list for several lines
        of JSON, or its lines if they are not JSON.
    """
    result = mabe(*(word.replace(PLACE, str(root)) for word in arguments))
    output = _value(result.stdout.replace(str(root), PLACE))
    if "--dry-run" in arguments and arguments[0] == "run":
        _leave_out_chance(output)
    return {"arguments": arguments, "exit_code": result.exit_code, "output": output}


def _leave_out_chance(foreseen: dict[str, Any]) -> None:
    """Remove values that differ between dry runs or machines."""
    for part, key in (("request", "run"), ("request", "created"), ("quote", "machine")):
        assert foreseen[part].pop(key)
    foreseen["quote"]["command"] = foreseen["quote"]["command"][1:3]


def _value(said: str) -> Any:
    try:
        return json.loads(said)
    except ValueError:
        pass
    try:
        return [json.loads(line) for line in said.splitlines()]
    except ValueError:
        return said.splitlines()
