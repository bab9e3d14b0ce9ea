"""``mabe tune --importance``: which settings of a study its scores depend on."""

from pathlib import Path
from typing import TYPE_CHECKING

from core.system.files import write_bytes_atomically
from mabe_tui.cli.options import require_targets
from mabe_tui.cli.terminal.output import print_json, print_table, progress, say
from mabe_tui.cli.terminal.picture import plain_only

if TYPE_CHECKING:  # optuna is slow to import
    from mabe_tui.runs.studies.importance import StudyImportance

ROOM = 30
"""Characters of a bar."""


def show_importance(folder: Path, svg: Path | None, force: bool, as_json: bool) -> None:
    """Print the importance of a study's settings, or write it to a file.

    Raises:
        UserError: there is no such study, it has too few trials, or the file cannot be written.
    """
    require_targets(force, svg)
    from mabe_tui.plotting.bars import Bar, svg_bars, text_bar
    from mabe_tui.runs.studies.importance import importance_of

    with progress("shuffling") as told:
        found = importance_of(folder, told)
    bars = [Bar(s.setting, s.importance, s.noise, s.above_noise) for s in found.settings]
    if svg is not None:
        title = f"{found.study}: what {found.monitor} depends on"
        write_bytes_atomically(svg, svg_bars(bars, title, _captions(found)).encode())
        say(f"wrote {svg}")
    if as_json:
        print_json(found)
        return
    if svg is not None:
        return
    rows = [
        (
            each.setting,
            f"{100 * each.importance:.0f} %",
            f"{100 * each.noise:.0f} %",
            f"{each.p:.3f}",
            text_bar(bar, ROOM, plain_only()),
        )
        for each, bar in zip(found.settings, bars, strict=True)
    ]
    print_table(("setting", "importance", "noise", "p", ""), rows, right=(1, 2, 3))
    for caption in _captions(found):
        say(caption)


def _captions(found: "StudyImportance") -> list[str]:
    clear = [each.setting for each in found.settings if each.above_noise]
    said = f"above noise: {', '.join(clear)}" if clear else "nothing is above noise"
    return [
        f"{said}; {found.trials} trials of {found.version}, PED-ANOVA of the better half",
        f"noise (the mark): what a setting stays below in 95 % of {found.shuffles} shuffles of the scores",
        "p: the probability of so much by chance, corrected for the number of settings",
    ]
