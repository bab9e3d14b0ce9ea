"""``mabe predict`` and ``mabe eval``: apply trained checkpoints to data."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import MisuseError, UserError
from mabe_tui.cli.data.evaluation_report import metric_cell, print_report, write_table
from mabe_tui.cli.options import (
    CheckpointOption,
    DeviceOption,
    ForceOption,
    RunNames,
    SkipBadOption,
    require_targets,
)
from mabe_tui.cli.session import Session, session_of
from mabe_tui.cli.terminal.output import JsonOption, print_json, print_table, progress, say
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.checkpoints import pointer_name
from mabe_tui.runs.tasks import spec_of

if TYPE_CHECKING:
    from core.postprocess.rules import Rules
    from core.tasks.predictor import PredictionOptions
    from mabe_tui.runs.videos.video_prediction import Device

DataOption = Annotated[
    Path, typer.Option("--data", help="A data folder in the competition's layout.")
]
TableOption = Annotated[
    str | None,
    typer.Option(
        help="Part of the folder: train or test; of pairs, val or test_public. Default: the task's choice."
    ),
]
TtaOption = Annotated[
    bool, typer.Option("--tta", help="Average over views, such as the mirror image; slower.")
]
MedianOption = Annotated[
    int, typer.Option(help="Smooth probabilities over this many frames (odd).")
]
MergeGapOption = Annotated[
    int, typer.Option(help="Merge bouts separated by at most this many frames.")
]
MinFramesOption = Annotated[int, typer.Option(help="Drop bouts shorter than this many frames.")]
WordsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="actions.NAME=LABEL",
        help="A label of these data, and the run's own word for it; repeatable.",
    ),
]
RulesOption = Annotated[
    str | None,
    typer.Option(
        "--rules",
        metavar="NAME|FILE.toml",
        help="Find bouts with stored post-processing: a name (`mabe postprocess list`) or a file.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("predict")(predict)
    app.command("eval")(evaluate)


def predict(
    context: typer.Context,
    runs: RunNames,
    data: DataOption,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="NAME.parquet or NAME.csv; bouts go to NAME.bouts.…"),
    ],
    table: TableOption = None,
    which: CheckpointOption = "best",
    device: DeviceOption = "auto",
    median: MedianOption = 1,
    merge_gap: MergeGapOption = 0,
    min_frames: MinFramesOption = 1,
    rules: RulesOption = None,
    words: WordsOption = None,
    tta: TtaOption = False,
    skip_bad: SkipBadOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a run's predictions to files: bouts, and for classes of frames also each frame's probabilities.

    The predictions of several runs are averaged.
    """
    from core.inference.predictor import load_members, predictor_of, require_known
    from core.tasks.predictor import PredictionOptions

    require_targets(force, output)
    store = RunStore(session_of(context).home)
    entries = [store.find(run) for run in runs]
    members = [member for each in entries for member in load_members(each.run, pointer_name(which))]
    predictor = predictor_of(members, device)
    require_targets(force, *predictor.targets(output))
    options = PredictionOptions(
        table=table,
        skip_bad=skip_bad,
        tta=tta,
        median=median,
        merge_gap=merge_gap,
        min_frames=min_frames,
        rules=_rules(rules, entries, median, merge_gap, min_frames),
        actions=_words(words),
    )
    require_known(options, predictor, spec_of(members[0].experiment))
    with progress("predicting") as tell:
        written = predictor.write(data, output, options, tell)
    for note in written.notes:
        say(note)
    _warn_bad(written.bad)
    if as_json:
        print_json({**written.document, "bad": dict(written.bad)})
        return
    say(written.sentence)


def evaluate(
    context: typer.Context,
    data: DataOption,
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="A run, by id, prefix or version; or --all."),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--all", metavar="GROUP", help="The newest run of every version of a group, as a table."
        ),
    ] = None,
    table: TableOption = None,
    which: CheckpointOption = "best",
    device: DeviceOption = "auto",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Also write the counts of each video or other unit (.parquet)."
        ),
    ] = None,
    median: MedianOption = 1,
    merge_gap: MergeGapOption = 0,
    min_frames: MinFramesOption = 1,
    rules: RulesOption = None,
    words: WordsOption = None,
    tta: TtaOption = False,
    skip_bad: SkipBadOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Evaluate a checkpoint, or those of a group, on the labelled part of a data folder."""
    from core.tasks.predictor import PredictionOptions
    from mabe_tui.runs.comparison.evaluate import evaluate_run

    if output is not None and output.suffix != ".parquet":
        raise UserError(
            f"{output}: the counts of each video are written as parquet; end it in .parquet"
        )
    if (run is None) is (group is None):
        raise MisuseError("name a run, or a group with --all GROUP")
    if group is not None and (output is not None or rules is not None):
        raise MisuseError("--output and --rules are for a single run; leave out --all")
    require_targets(force, output)
    session = session_of(context)
    entry = RunStore(session.home).find(run) if run is not None else None
    options = PredictionOptions(
        table=table,
        skip_bad=skip_bad,
        tta=tta,
        median=median,
        merge_gap=merge_gap,
        min_frames=min_frames,
        rules=_rules(rules, [entry] if entry else [], median, merge_gap, min_frames),
        actions=_words(words),
    )
    if entry is None:
        _evaluate_group(session, str(group), data, which, device, options, as_json)
        return
    with progress("evaluating") as tell:
        report, evaluation = evaluate_run(entry, data, which, device, tell, options)
    _warn_bad(report.bad)
    if as_json:
        print_json(report)
    else:
        print_report(report, evaluation, spec_of(entry.require_request().experiment))
    if output is not None:
        write_table(output, evaluation, spec_of(entry.require_request().experiment))


def _evaluate_group(
    session: Session,
    group: str,
    data: Path,
    which: str,
    device: "Device",
    options: "PredictionOptions",
    as_json: bool,
) -> None:
    """Test all versions of a group, and print a row each."""
    from mabe_tui.runs.comparison.group_evaluation import evaluate_group
    from mabe_tui.runs.launching.groups import versions_of

    registry, store = session.registry, RunStore(session.home)
    versions = versions_of(registry, group)
    with progress(f"evaluating {len(versions)} versions") as tell:
        tested = evaluate_group(registry, store, versions, data, which, device, tell, options)
    if as_json:
        print_json(tested)
    else:
        names = [*dict.fromkeys(n for each in tested for n in each.metrics if "/" not in n)]
        rows = [
            [
                each.version,
                len(each.runs) or None,
                *(metric_cell(name, each.metrics.get(name)) for name in names),
                each.trained_on,
            ]
            for each in tested
        ]
        headers = ["version", "runs", *names, "trained on"]
        print_table(headers, rows, right=list(range(1, len(headers))))
        counted = max((each.units or 0 for each in tested), default=0)
        say(
            f"{which} of each, on {counted:,} units of {data}; `trained on`: how many it has learned from"
        )
    for each in tested:
        if each.problem is not None:
            say(f"warning: {each.version} was not tested: {each.problem}")
    if all(each.problem is not None for each in tested):
        raise typer.Exit(1)


def _rules(
    name: str | None, entries: Sequence[RunEntry], median: int, merge_gap: int, min_frames: int
) -> "Rules | None":
    """Return the rules that are named: those of the first run that has them.

    Raises:
        MisuseError: rules are named together with options that replace them.
        RunError: no run has such rules, or they cannot be read.
    """
    from core.postprocess.store import names_of, rules_of

    if name is None:
        return None
    if (median, merge_gap, min_frames) != (1, 0, 1):
        raise MisuseError("--rules says how bouts are found; leave out --median and the like")
    having = [entry for entry in entries if name in names_of(entry.run)]
    return rules_of((having or entries)[0].run, name)


def _words(settings: Sequence[str] | None) -> tuple[tuple[str, str], ...]:
    """Return the labels of the data and the run's words for them.

    Raises:
        MisuseError: another setting than ``actions.NAME``: a trained run's are fixed.
    """
    found = []
    for setting in settings or ():
        key, equals, word = setting.partition("=")
        group, _, name = key.strip().partition(".")
        if group != "actions" or not name or not equals or not word.strip():
            raise MisuseError(
                f"--set {setting}: a trained run takes only the words of the data, as in"
                " --set actions.interact=LABEL, LABEL one of the run’s"
            )
        found.append((name, word.strip().strip("\"'")))
    return tuple(found)


def _warn_bad(bad: Mapping[str, str]) -> None:
    for reason in bad.values():
        say(f"warning: left out: {reason}")
