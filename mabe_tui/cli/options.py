"""Arguments and options shared by several commands, each with a single help text."""

import math
from pathlib import Path
from typing import Annotated, Literal

import typer

from core.errors import UserError
from core.system.files import check_writable

MOST_RUNS = 10_000
"""Maximum number of seeds, to catch typing errors; each is validated before the first starts."""


def finite(value: float | None) -> float | None:
    """Reject ``nan``, which passes an option's range check, and ``inf``."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number")
    return value


def require_targets(force: bool, *paths: Path | None) -> None:
    """Check before long work that the named output files can be written without replacing any.

    Args:
        force: existing files may be replaced.
        paths: the output files; ``None`` for options that were not given.

    Raises:
        UserError: a file cannot be written, or exists and ``force`` was not given.
    """
    for path in paths:
        if path is not None:
            check_writable(path)
            if path.exists() and not force:
                raise UserError(f"{path}: there already; --force replaces it")


DEFAULT_VERSION = "v6"
"""The version whose settings apply if a command about data names none."""

RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run id, a unique prefix or its last four characters; a version (its latest run); or last.",
    ),
]
RunNames = Annotated[
    list[str], typer.Argument(metavar="RUN", help="Runs, by id, prefix or version.")
]
Version = Annotated[str, typer.Argument(help="A version in the registry, such as v6.")]
DataFolder = Annotated[Path, typer.Argument(help="A data folder in the competition's layout.")]

AutoResumeOption = Annotated[
    int,
    typer.Option(
        "--auto-resume",
        metavar="N",
        help="While following: resume a run that dies without an ending, at most N times.",
        min=0,
        max=100,
    ),
]
BudgetOption = Annotated[
    float | None,
    typer.Option(
        metavar="USD",
        help="Stop with a checkpoint once this much is spent, over all attempts.",
        min=0.01,
        callback=finite,
    ),
]
CheckpointOption = Annotated[
    str,
    typer.Option("--checkpoint", metavar="best|last|marked|epoch-N", help="The checkpoint to use."),
]
DetachOption = Annotated[
    bool, typer.Option("--detach", "-d", help="Start it and return, instead of following its log.")
]
DeviceOption = Annotated[
    Literal["auto", "cpu", "cuda"], typer.Option(help="The device to compute on.")
]
MaxTimeOption = Annotated[
    str | None,
    typer.Option(metavar="2h", help="Stop with a checkpoint after this long, over all attempts."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="KEY=VALUE", help="Override a setting; repeatable."),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an existing file.")]
SkipBadOption = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out damaged videos instead of stopping.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
