"""The preview of a dry run on the launch screen."""

from collections.abc import Sequence

from rich.text import Text

from mabe_tui.runs.format.settings import spell
from mabe_tui.runs.launching.forecast import DryRun, above_budget, described
from mabe_tui.tui.screens.launch.form import Typed

LABEL = 10
TYPED = ("version", "preset", "seed")
"""Facts that the form already shows."""


def foreseen_text(typed: Typed, foreseen: DryRun, remarks: Sequence[str]) -> Text:
    """Return remarks, then one line per fact, the settings that differ from the registry, and the command."""
    facts = described(foreseen)
    command = facts.pop("command")
    text = Text()
    for remark in remarks:
        text.append(f"{remark}\n\n", style="bold")
    _add(text, "runs", _runs(typed, foreseen))
    for label, value in facts.items():
        if label not in TYPED:
            _add(text, label, value, "bold" if label == "cost" else "")
    runs = typed.options.runs
    if (above := above_budget(foreseen.request, foreseen.cost_usd, runs)) is not None:
        text.append(f"{above}\n", style="bold reverse")
    if foreseen.changed:
        text.append("\nchanged from the registry\n", style="bold")
    for each in foreseen.changed:
        text.append(f"  {each.key:<28} {spell(each.registry)} → ")
        text.append(f"{spell(each.run)}\n", style="bold")
    text.append("\n")
    _add(text, "command", command, "dim")
    return text


def _add(text: Text, label: str, value: str, style: str = "") -> None:
    text.append(f"{label:<{LABEL}}", style="dim")
    text.append(f"{value}\n", style=style)


def _runs(typed: Typed, foreseen: DryRun) -> str:
    seeds, folds, runs = typed.options.seeds, typed.options.folds, typed.options.runs
    if runs < 2:
        return f"one, seed {foreseen.request.seed}"
    at_a_time = f", {typed.parallel} at a time" if typed.parallel else ""
    cost = foreseen.cost_usd
    whole = f"; about ${cost * runs:.2f} in all" if cost is not None else ""
    of_seeds = f"one a seed: {', '.join(map(str, seeds))}" if len(seeds) > 1 else ""
    what = "; ".join(filter(None, [of_seeds, f"one for each of {folds} folds" if folds else ""]))
    return f"{runs}, {what}{at_a_time}{whole}"
