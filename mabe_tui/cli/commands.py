"""The table of commands: a module is imported only when one of its commands is called.

Otherwise `mabe --help` and `mabe list` would import the modules of every command.
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from core.config.strict import nearest
from core.errors import MisuseError

SECTIONS = {
    "Versions": {
        "list": ("registry.registry_commands", "List the versions of the registry."),
        "show": ("registry.registry_commands", "Show one version, or how it differs from another."),
        "history": ("registry.history_command", "Show what each version changed, scored and took."),
        "new": ("registry.registry_commands", "Add a new version to the registry."),
        "init": ("registry.registry_commands", "Write a registry with the shipped versions."),
    },
    "Data": {
        "data": ("data.data_commands", "Make, check and prepare data."),
        "suggest": ("data.suggest_command", "Suggest what to label next."),
    },
    "Train": {
        "run": ("launching.run", "Train a version; the run outlives this terminal."),
        "tune": ("launching.tune", "Search the ranges of a version; trials are runs."),
        "ensemble": (
            "launching.ensemble",
            "Combine several runs: mean, weights, stack; a run, too.",
        ),
        "batch-size": ("launching.batch_size", "Find the largest batch that fits in memory."),
        "gpus": ("launching.gpus_command", "Show which GPU suits a version; --probe measures."),
        "demo": ("launching.demo", "Make data, train v5 and v6 scaled down, compare them."),
    },
    "Follow": {
        "runs": ("listing.list_runs", "List, filter, sort and watch runs."),
        "status": ("listing.status", "Show everything known about a run."),
        "logs": ("following.logs", "Show the log of a run; -f follows it."),
        "watch": ("alerts.watch_command", "Alert when rules are met: finished, failed, a metric."),
        "stop": ("actions.control", "Ask runs to save a checkpoint and stop."),
        "resume": ("actions.control", "Resume a run from its last checkpoint."),
        "checkpoints": ("listing.status", "List the checkpoints of a run; --verify checks them."),
        "cost": ("listing.cost_command", "Show costs by experiment, day or run."),
    },
    "Compare and evaluate": {
        "compare": ("comparison.compare_command", "Compare versions or runs, with a verdict."),
        "curves": ("comparison.curves_command", "Draw the curves of runs in shared charts."),
        "coordinates": ("comparison.coordinates_command", "Draw many runs from settings to score."),
        "eval": ("data.predict_commands", "Evaluate a checkpoint on labelled data."),
        "score": ("comparison.score_command", "Score a submission or run as the competition does."),
        "postprocess": (
            "comparison.postprocess_command",
            "Fit what turns probabilities into bouts.",
        ),
        "video": ("comparison.video_command", "List the worst videos, or draw a frame of one."),
        "examples": ("comparison.examples_command", "Draw the examples that a run got most wrong."),
        "slices": (
            "comparison.slices_command",
            "Follow named stretches of video over all versions.",
        ),
    },
    "Predict and submit": {
        "predict": ("data.predict_commands", "Write a run's predictions for a data folder."),
        "bouts": ("data.bouts_command", "Report bouts: counts, durations, groups, an ethogram."),
        "submission": ("data.submission_commands", "Check a submission before it is sent."),
        "submit": ("launching.submit", "Submit runs to the competition on Kaggle."),
    },
    "Organize": {
        "tag": ("actions.annotate", "Tag a run."),
        "note": ("actions.annotate", "Write a note on a run."),
        "pin": ("listing.arrange_commands", "Pin a run or version, or make it the baseline."),
        "views": ("listing.arrange_commands", "List the saved views of `mabe runs`."),
        "rm": ("actions.removal", "Move runs to the trash; asks first."),
        "trash": ("actions.trash_commands", "List what was removed and can be restored."),
        "restore": ("actions.trash_commands", "Bring runs back from the trash."),
        "gc": ("actions.removal", "Clean up files no longer needed; asks first."),
    },
    "Modal": {
        "ps": ("launching.modal_commands", "List what is running on Modal, with its cost."),
        "sync": ("launching.modal_commands", "Update the local copy of a remote run."),
        "pull": ("launching.modal_commands", "Download and verify checkpoints of a remote run."),
        "prices": ("launching.modal_commands", "Show Modal's hourly prices."),
    },
    "Other": {
        "export": ("sharing.export_command", "Write curves for TensorBoard, W&B, CSV or Parquet."),
        "import-log": ("following.import_command", "Turn the log of an old script into a run."),
        "archive": ("sharing.archive_commands", "Write a run to one file."),
        "unarchive": ("sharing.archive_commands", "Add an archived run to the runs here."),
        "mcp": ("agents.mcp_command", "Serve tools to an agent (Model Context Protocol)."),
        "doctor": ("doctor", "Report what is missing, and how to fix it."),
    },
}
"""Heading in ``mabe --help`` → its commands: name → the module below this package whose ``register`` adds it,
and its line there."""
COMMANDS = {name: command for section in SECTIONS.values() for name, command in section.items()}


class LazyCommands(TyperGroup):
    """The group of all :data:`COMMANDS`, each loaded when it is requested."""

    # typer vendors click under a private name that may change, hence ``Any``.
    def list_commands(self, _: Any) -> list[str]:
        """Return the command names in the order of the help."""
        return [*COMMANDS]

    def get_command(self, _: Any, cmd_name: str) -> Any:
        """Load one command.

        Raises:
            MisuseError: no command has that name; the message suggests the nearest.
        """
        if cmd_name not in COMMANDS:
            raise MisuseError(f"no command {cmd_name!r}{nearest(cmd_name, COMMANDS)}")
        return command_named(cmd_name)

    def format_commands(self, _: Any, formatter: Any) -> None:
        """Write the list of commands, section by section, without loading them."""
        width = max(map(len, COMMANDS))
        for heading, section in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [(name.ljust(width), text) for name, (_, text) in section.items()]
                )


def command_named(name: str) -> Any:
    """Load one of :data:`COMMANDS`; a group contains its own ``commands``."""
    app = typer.Typer(
        rich_markup_mode=None,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(lambda: None)  # makes it a group even with a single command
    import_module(f"mabe_tui.cli.{COMMANDS[name][0]}").register(app)
    group: Any = typer.main.get_command(app)
    return group.commands[name]
