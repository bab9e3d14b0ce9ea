"""``mabe postprocess fit | show | list``: rules from probabilities to bouts, stored with a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mabe_tui.cli.options import ForceOption, RunName, finite
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.fit import Column, fitted, say_left_out
from mabe_tui.cli.terminal.output import JsonOption, print_json, print_table, progress, say
from mabe_tui.runs.store import RunStore

if TYPE_CHECKING:
    from core.postprocess.rules import KeyRule, Rules

DROPPABLE = ("temperature", "calibrated", "ECE", "bouts", "median bout")
NameOption = Annotated[
    str, typer.Option("--name", metavar="NAME", help="Name of the rules among the run's.")
]


def register(app: typer.Typer) -> None:
    """Add ``mabe postprocess`` to the command line."""
    group = typer.Typer(
        help="Fit and show the rules that turn probabilities into bouts.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("fit", short_help="Fit rules on out-of-fold predictions.")(fit)
    group.command("show", short_help="Show a run's rules, and what each part adds.")(show)
    group.command("list", short_help="List the rules of a run.")(list_rules)
    app.add_typer(group, name="postprocess")


def fit(
    context: typer.Context,
    run: RunName,
    name: NameOption = "default",
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART",
            help="Switch a part off: smoothing, thresholds, bootstrap, shrinkage, margin, absent or weak.",
        ),
    ] = None,
    with_parts: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="PART", help="Switch a part on: calibration."),
    ] = None,
    prior: Annotated[
        float | None,
        typer.Option(
            help="Threshold that those of labels with few bouts are shrunk towards.",
            min=0,
            max=1,
            callback=finite,
        ),
    ] = None,
    median: Annotated[
        float,
        typer.Option(help="Length of a running median, applied first.", min=0, callback=finite),
    ] = 0.0,
    merge_gap: Annotated[
        float,
        typer.Option(help="Merge bouts separated by at most this time.", min=0, callback=finite),
    ] = 0.0,
    min_length: Annotated[
        float, typer.Option(help="Drop bouts shorter than this time.", min=0, callback=finite)
    ] = 0.0,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", help="Data folder with the frame rates; default: where the run found it."
        ),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Fit rules on a run's out-of-fold predictions, and store them with the run.

    A version stands for its newest finished run, or for the runs of all its folds, each of which gets the
    rules. They must have been trained with --keep-predictions. The report is nested: each fold is decided by
    rules fitted on the others. Times are in seconds, or in frames if the frame rates are unknown.
    """
    from msgspec.structs import replace

    from core.postprocess.rules import Settings, switched
    from core.postprocess.store import rules_path, write_rules
    from mabe_tui.cli.options import require_targets
    from mabe_tui.runs.comparison.postprocessing import fit_rules, out_of_fold

    settings = replace(
        Settings(),
        prior=Settings().prior if prior is None else prior,
        median=median,
        merge_gap=merge_gap,
        min_length=min_length,
    )
    for parts, on in ((without, False), (with_parts, True)):
        for part in parts or ():
            settings = switched(settings, part, on)
    session = session_of(context)
    found = out_of_fold(run, RunStore(session.home), session.registry)
    require_targets(force, *(rules_path(each.run, name) for each in found.runs))
    if found.others:
        say(
            f"note: fitted on {found.entry.id} alone, of {1 + len(found.others)} seeds; `mabe ensemble` makes"
            " one run of them"
        )
    with progress("fitting") as tell:
        rules = fit_rules(found, settings, data, tell)
    for each in found.runs:
        path = write_rules(each.run, name, rules, replace=force)
    _print(rules, as_json)
    also = f" (and with {len(found.runs) - 1} more of its folds)" if len(found.runs) > 1 else ""
    say(f"{path}{also}: `mabe predict {run} --rules {name}` uses them")


def show(
    context: typer.Context,
    run: RunName,
    name: NameOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Show the rules of a run: what each part adds on folds held out, and each label's rule."""
    from core.postprocess.store import rules_of

    entry = RunStore(session_of(context).home).find(run)
    _print(rules_of(entry.run, name), as_json)


def list_rules(context: typer.Context, run: RunName, as_json: JsonOption = False) -> None:
    """List the rules of a run, with their score on folds held out."""
    from core.postprocess.store import names_of, rules_of

    entry = RunStore(session_of(context).home).find(run)
    found = {name: rules_of(entry.run, name) for name in names_of(entry.run)}
    if as_json:
        print_json([_summary(name, rules) for name, rules in found.items()])
        return
    if not found:
        say(f"{entry.id} has no post-processing; `mabe postprocess fit {entry.id}` fits some")
        return
    summaries = [_summary(name, rules) for name, rules in found.items()]
    headers = list(summaries[0])
    print_table(headers, [list(each.values()) for each in summaries], right=[2, 3, 4])


def _summary(name: str, rules: "Rules") -> dict[str, object]:
    plain = rules.report[0] if rules.report else None
    ours = next((part for part in rules.report if part.parts == "all"), None)
    return {
        "name": name,
        "created": rules.created,
        "plain": None if plain is None else round(plain.score, 4),
        "all parts": None if ours is None else round(ours.score, 4),
        "labels": len(rules.keys),
        "metric": rules.metric,
    }


def _print(rules: "Rules", as_json: bool) -> None:
    if as_json:
        print_json(rules)
        return
    if (on := rules.fitted_on) is not None:
        say(
            f"fitted on {on.sequences:,} sequences of {on.units:,} videos, {on.frames:,} frames; times are in"
            f" {rules.clock}; {rules.metric} nested over {on.folds} folds, intervals over videos (95 %)"
        )
    report = [
        [
            part.parts,
            f"{part.score:.4f}",
            _interval(part.low, part.high),
            f"{part.gain:+.4f}",
            _interval(part.gain_low, part.gain_high, "+"),
        ]
        for part in rules.report
    ]
    if report:
        headers = ["parts", rules.metric, "interval", "gain", "interval of the gain"]
        print_table(headers, report, right=[1, 3])
        print()
    columns = _columns(rules.keys)
    shown = fitted(columns, DROPPABLE)
    cells = [list(row) for row in zip(*(cells for _, cells in shown), strict=True)]
    headers = [header for header, _ in shown]
    words = {"lab", "label", "dropped"}
    print_table(
        headers, cells, right=[n for n, header in enumerate(headers) if header not in words]
    )
    say_left_out(columns, headers)


def _columns(keys: "tuple[KeyRule, ...]") -> list[Column]:
    return [
        ("lab", [key.lab or None for key in keys]),
        ("label", [key.label for key in keys]),
        ("threshold", [None if key.dropped else f"{key.threshold:.3f}" for key in keys]),
        ("sigma", [f"{key.sigma:.3g}" if key.sigma else None for key in keys]),
        ("bouts", [key.bouts for key in keys]),
        ("median bout", [f"{key.median_bout:.3g}" if key.bouts else None for key in keys]),
        ("temperature", [_four(key.fitted_temperature) for key in keys]),
        ("ECE", [_four(key.calibration_error) for key in keys]),
        ("calibrated", [_four(key.calibrated_error) for key in keys]),
        ("dropped", [key.dropped or None for key in keys]),
    ]


def _four(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}"


def _interval(low: float | None, high: float | None, sign: str = "") -> str | None:
    if low is None or high is None:
        return None
    return f"{low:{sign}.4f} to {high:{sign}.4f}"
