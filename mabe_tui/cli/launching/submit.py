"""``mabe submit``: predict the competition's hidden videos on Kaggle, and get a score."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import UserError
from core.run import places
from mabe_tui.cli.data.data_remote import COMPETITION
from mabe_tui.cli.data.predict_commands import TtaOption
from mabe_tui.cli.options import CheckpointOption, RunNames, finite
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.output import JsonOption, if_interrupted, print_json, progress, say
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.summary.checkpoints import pointer_name

if TYPE_CHECKING:
    from core.submission.bundle import Bundle
    from mabe_tui.kaggle_io.credentials import Credentials
    from mabe_tui.kaggle_io.journal import SubmissionRecord

HOURS = 8.5
"""Kaggle ends a notebook after 9 hours."""
ANYBODY = "your-name"
"""Stands for the account in a dry run without credentials."""


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("submit")(submit)


def submit(
    context: typer.Context,
    runs: RunNames,
    message: Annotated[
        str, typer.Option("--message", "-m", help="Description of the submission.")
    ] = "",
    rules: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Stored post-processing of the first run; default: one threshold for all.",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Without --rules: least probability that counts; default: the run's; for classes 0.5.",
            min=0.0,
            max=1.0,
            callback=finite,
        ),
    ] = None,
    tta: TtaOption = False,
    which: CheckpointOption = "best",
    gpu: Annotated[
        bool,
        typer.Option("--gpu/--no-gpu", help="Run on Kaggle's GPU, which has a weekly quota."),
    ] = True,
    hours: Annotated[
        float,
        typer.Option(
            help="Time for predicting; Kaggle allows 9 hours.", min=0.1, max=9.0, callback=finite
        ),
    ] = HOURS,
    dry_run: Annotated[
        Path | None,
        typer.Option("--dry-run", metavar="DIR", help="Write what would be pushed; push nothing."),
    ] = None,
    competition: Annotated[
        str, typer.Option(help="The competition, as in kaggle.com/competitions/NAME.")
    ] = COMPETITION,
    name: Annotated[
        str | None, typer.Option(help="Name of the dataset and the notebook; default: the run's.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Local copy of the competition's data, to check the output against."
        ),
    ] = None,
    wheels: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Wheels for Kaggle's Python; default: pip downloads them."
        ),
    ] = None,
    packages: Annotated[
        list[str] | None,
        typer.Option("--package", help="One more package that Kaggle may lack; repeatable."),
    ] = None,
    pythons: Annotated[
        list[str] | None,
        typer.Option("--python", help="A Python that Kaggle may have, such as 3.12; repeatable."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Submit again what was already scored or rejected.")
    ] = False,
    poll: Annotated[
        float,
        typer.Option(help="Seconds between checks of Kaggle's progress.", min=0.0, callback=finite),
    ] = 20.0,
    as_json: JsonOption = False,
) -> None:
    """Submit runs to the competition: push models and a notebook to Kaggle, wait for the score.

    Several runs, or the members of an ensemble, are averaged. Each step is recorded in the first run's
    folder: after an interruption, the same command continues where it stopped, and nothing is done twice.

    Exit code 1 if Kaggle rejects the submission.
    """
    from mabe_tui.kaggle_io.connect import connect
    from mabe_tui.kaggle_io.step import Patience
    from mabe_tui.kaggle_io.submission import submit_plan, write_plan
    from mabe_tui.runs.actions.submission import SubmissionOptions, are_classes, submission_plan

    session = session_of(context)
    store = RunStore(session.home)
    entries = [store.find(each) for each in runs]
    credentials = _credentials(required=dry_run is None)
    options = SubmissionOptions(
        competition=competition,
        which=pointer_name(which),
        rules=rules,
        threshold=threshold,
        tta=tta,
        name=name,
        hours=hours,
        gpu=gpu,
        wheels=wheels,
        packages=tuple(packages or ()),
        pythons=tuple(pythons or ()),
    )
    with if_interrupted(), progress("submission") as tell:
        plan = submission_plan(entries, options, places.cache(session.home), tell)
        if are_classes(plan.runs):
            say(
                "note: classes are submitted as actions: for each class, one of its actions, for every pair"
                " that has it listed"
            )
        if dry_run is not None:
            owner = (credentials.username if credentials is not None else None) or ANYBODY
            _show_dry_run(dry_run, write_plan(plan, owner, dry_run), owner, as_json)
            return
        assert credentials is not None  # they were required
        record = submit_plan(
            plan,
            connect(credentials, say),
            entries[0].run.path / "submission",
            say,
            tell,
            message,
            again,
            data,
            Patience(between_looks=poll),
        )
    _show(record, as_json)
    if record.status != "COMPLETE":
        raise typer.Exit(1)


def _credentials(required: bool) -> "Credentials | None":
    from mabe_tui.kaggle_io.credentials import HOW, find_credentials

    found = find_credentials(os.environ, Path.home())
    if found is None and required:
        raise UserError(f"no Kaggle credentials: {HOW}")
    return found


def _show_dry_run(folder: Path, bundle: "Bundle", owner: str, as_json: bool) -> None:
    if as_json:
        print_json({"folder": folder, "owner": owner, "bundle": bundle})
        return
    for part in ("dataset", "kernel"):
        for path in sorted((folder / part).iterdir()):
            print(path)
    unknown = f"; {ANYBODY} stands for your account" if owner == ANYBODY else ""
    say(f"dry run: nothing was pushed{unknown}")


def _show(record: "SubmissionRecord", as_json: bool) -> None:
    if as_json:
        print_json(record)
        return
    if record.status == "COMPLETE":
        scores = {"public": record.public_score, "private": record.private_score}
        known = [f"{name} {score:.4f}" for name, score in scores.items() if score is not None]
        print(f"submission {record.submission}: {', '.join(known) or 'no score'}")
        say(
            f"rank {record.rank}"
            if record.rank is not None
            else "no rank: late submissions have none"
        )
        return
    reason = record.error or (
        "Kaggle gives no reason; mostly the notebook failed or ran out of time on the hidden videos"
    )
    print(f"submission {record.submission}: rejected")
    say(f"{reason}; see {record.kernel_url or record.ref}; --again submits it once more")
