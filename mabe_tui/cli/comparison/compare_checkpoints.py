"""``mabe compare RUN@epoch-3 RUN@best``: compare checkpoints on their runs' validation videos."""

import shutil
from collections.abc import Sequence

from core.errors import MisuseError
from mabe_tui.cli.session import Session
from mabe_tui.cli.terminal.output import print_json, print_table, progress, wrapped
from mabe_tui.cli.terminal.picture import plain_only, print_rows
from mabe_tui.runs.store import RunStore


def compare_named(names: Sequence[str], session: Session, as_json: bool) -> None:
    """Compare checkpoints and print the result.

    Raises:
        MisuseError: fewer than two are given.
        UserError: a checkpoint or its data is not available.
    """
    from mabe_tui.plotting.matrix import render_f1_bars
    from mabe_tui.runs.comparison.evaluate import compare_checkpoints, named_checkpoints

    if len(names) < 2:
        raise MisuseError("name two or more, such as `mabe compare v6@epoch-3 v6@best`")
    with progress("measuring") as tell:
        found = compare_checkpoints(named_checkpoints(names, RunStore(session.home)), progress=tell)
    if as_json:
        print_json(found)
        return
    sides = found.sides
    overall = [name for name in sides[0].metrics if "/" not in name]
    rows: list[list[object]] = [["epoch", *(side.epoch for side in sides)]]
    rows += [[name, *(f"{side.metrics[name]:.4f}" for side in sides)] for name in overall]
    print_table(["", *(side.name for side in sides)], rows, right=list(range(1, len(sides) + 1)))
    if all(side.classes.scores for side in sides):
        print("\nF1 of each class")
        bars = render_f1_bars(
            [[score.f1 for score in side.classes.scores] for side in sides],
            sides[0].classes.classes,
            shutil.get_terminal_size().columns,
            sides=[side.name for side in sides],
            ascii_only=plain_only(),
        )
        print_rows(bars)
    print("\nverdict")
    for verdict in found.verdicts:
        print(wrapped(f"  {verdict.sentence}", "    "))
