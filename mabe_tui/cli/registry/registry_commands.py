"""``mabe list``, ``show``, ``new`` and ``init``: list, show and add versions in the registry."""

from pathlib import Path
from typing import Annotated, Any

import typer

from core.config import registry as registries
from core.config.experiment import Experiment, flatten, to_builtins, to_table
from core.config.new_version import add_version
from core.config.reported import Reported
from core.config.strict import nearest
from core.config.task_spec import task_spec
from core.errors import ConfigError, MisuseError
from core.system.files import write_bytes_atomically
from core.system.lock import locked
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.cli.options import SetOption, Version
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.fit import fitted, say_left_out
from mabe_tui.cli.terminal.output import JsonOption, print_json, print_table, say, wrapped
from mabe_tui.runs.format.settings import differences, left_behind, spell, spell_side_by_side
from mabe_tui.runs.listing.registered import VersionRow, by_group, version_row, version_table
from mabe_tui.runs.tasks import SCORE, common_label

SHORT_INPUTS = {"coordinates": "coords", "acceleration": "accel"}
"""Abbreviations, because a row of `mabe list` must fit 80 columns; `mabe show` has the full names."""


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("list")(list_versions)
    app.command("show")(show)
    app.command("new")(new)
    app.command("init")(init)


def list_versions(
    context: typer.Context,
    measured: Annotated[
        bool, typer.Option("--measured", help="Add the measured scores, over seeds.")
    ] = False,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="RUN|V", help="With --measured: show the difference from this."),
    ] = None,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="With --measured: print as CSV.")] = False,
    task: Annotated[str | None, typer.Option(help="Only versions of this task.")] = None,
) -> None:
    """List the versions of the registry."""
    registry = session_of(context).registry
    registry.check_presets()
    tasks = _tasks(registry, task)
    if measured:
        from mabe_tui.cli.registry.measured_list import list_measured

        list_measured(session_of(context), baseline, tasks, as_json=as_json, as_csv=as_csv)
        return
    if baseline is not None or as_csv:
        raise MisuseError("--baseline and --csv go with --measured")
    rows = by_group([version_row(registry.experiment(version)) for version in tasks])
    if as_json:
        print_json([version_table(row) for row in rows])
        return
    scored = [row for row in rows if row.reported is not None]
    label = common_label(row.metric_label for row in scored or rows)
    reported = f"reported {label or SCORE}"
    cells = [_cells(row, tasks[row.version]) | {reported: row.reported} for row in rows]
    columns = [
        (header, [row[header] for row in cells])
        for header in cells[0]
        if header != "task" or len({*tasks.values()}) > 1
    ]
    shown = fitted(columns, ("runs on", "batch", "data", "group"))
    names = [name for name, _ in shown]
    lines = list(zip(*(values for _, values in shown), strict=True))
    right = [names.index(n) for n in ("batch", reported) if n in names]
    print_table(names, lines, right=right, parts=[row.group for row in rows])
    say_left_out(columns, names)


def _cells(row: VersionRow, task: str) -> dict[str, object]:
    return {
        "version": row.version,
        "group": row.group,
        "task": task,
        "status": row.status,
        "model": row.model,
        "inputs": "+".join(SHORT_INPUTS.get(name, name) for name in row.inputs) or None,
        "data": row.data or None,
        "runs on": row.runs_on,
        "batch": row.batch_size,
    }


def _tasks(registry: registries.Registry, only: str | None) -> dict[str, str]:
    """Return the task of each version, in the order of the file.

    Args:
        registry: the registry.
        only: the only task to include, if given.

    Raises:
        MisuseError: no version has that task.
    """
    tasks = {version: registry.spec(version).name for version in registry.versions}
    if only is None:
        return tasks
    if only not in tasks.values():
        there = nearest(only, dict.fromkeys(tasks.values()))
        raise MisuseError(f"--task {only}: {registry.path} has no version of that task{there}")
    return {version: task for version, task in tasks.items() if task == only}


def show(
    context: typer.Context,
    version: Version,
    diff: Annotated[
        str | None, typer.Option("--diff", metavar="W", help="Only the differences from version W.")
    ] = None,
    overrides: SetOption = None,
    preset: Annotated[str | None, typer.Option(help="Apply a preset from the registry.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show all settings of a version, inherited ones included, or how it differs from another."""
    registry = session_of(context).registry
    registry.check_presets()
    experiment = registry.experiment(version, overrides or (), preset)
    say_left_behind(registry.experiment(version), experiment)
    if diff is not None:
        _show_difference(experiment, registry.experiment(diff), as_json)
    elif as_json:
        print_json(to_builtins(experiment))
    else:
        _show_experiment(experiment, registry)


def say_left_behind(base: Experiment, changed: Experiment) -> None:
    """Report the settings dropped because another model was named."""
    if (line := left_behind(base, changed)) is not None:
        say(f"mabe: {line}")


def _show_difference(experiment: Experiment, other: Experiment, as_json: bool) -> None:
    changed = differences(other, experiment)
    if as_json:
        print_json({key: {other.name: a, experiment.name: b} for key, a, b in changed})
        return
    if not changed:
        say(f"{experiment.name} and {other.name} have the same settings")
        return
    rows = [[key, *spell_side_by_side([a, b])] for key, a, b in changed]
    print_table(["setting", other.name, experiment.name], rows)


def _show_experiment(experiment: Experiment, registry: registries.Registry) -> None:
    lineage = " → ".join(registry.lineage(experiment.name))
    print(wrapped(f"{experiment.name}  {experiment.title}", "  "))
    spec = task_spec(experiment.task)
    print(f"status   {experiment.status}")
    print(wrapped(f"task     {experiment.task}: {spec.title}", " " * 9))
    print(wrapped(f"lineage  {lineage}", " " * 9))
    if (numbers := spec.outline(experiment).input_size) is not None:
        print(f"inputs   {numbers} numbers a {spec.example.one}")
    print()
    stated = flatten(registry.experiment(experiment.name))
    assumed = registry.assumed(experiment.name)
    for key, value in _settings(experiment):
        mark = "  † assumed" if key in assumed and value == stated[key] else ""
        print(wrapped(f"{key:<36} {spell(value)}{mark}", " " * 37))
    if isinstance(experiment, BehaviourExperiment):
        _show_actions(experiment)
    _show_ranges(experiment)
    if experiment.reported is not None:
        _show_reported(experiment.reported)
    if experiment.notes:
        print("\nnotes")
        for topic, text in experiment.notes.items():
            print(wrapped(f"  {topic}: {text}", indent="    "))


def _settings(experiment: Experiment) -> list[tuple[str, object]]:
    return [
        (key, value)
        for key, value in flatten(experiment).items()
        if key != "task" and not key.startswith("actions")
    ]


def _show_actions(experiment: BehaviourExperiment) -> None:
    print("\nactions")
    for name in experiment.classes:
        members = [action for action, mapped in experiment.actions.items() if mapped == name]
        print(wrapped(f"  {name}: {' '.join(members) or '–'}", "    "))


def _show_ranges(experiment: Experiment) -> None:
    if experiment.tune:
        print("\ntuned over (by `mabe tune`)")
    for path, bounds in experiment.tune.items():
        if bounds.choices is not None:
            choices = ", ".join(spell(choice) for choice in bounds.choices)
            print(wrapped(f"  {path}: {choices}", "    "))
        else:
            scale = ", logarithmic" * bounds.log
            print(wrapped(f"  {path}: {bounds.low:g} … {bounds.high:g}{scale}", "    "))


def _show_reported(reported: Reported) -> None:
    print()
    print(wrapped("reported (a claim of the original documents, not measured here)", "  "))
    table: dict[str, Any] = to_table(reported)
    curve = table.pop("curve", [])
    for key, value in table.items():
        spelled = (
            ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        )
        if value not in ({}, None):
            print(wrapped(f"  {key}: {spelled}", "    "))
    if curve:
        print("  curve:")
    for point in curve:
        print(
            wrapped("    " + "  ".join(f"{key} {value}" for key, value in point.items()), "      ")
        )


def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The name of the new version.")],
    extends: Annotated[
        str | None, typer.Option(help="The version to inherit settings from.")
    ] = None,
    overrides: SetOption = None,
    notes: Annotated[str | None, typer.Option(help="Why this version exists.")] = None,
    title: Annotated[str | None, typer.Option(help="A one-line title for `mabe show`.")] = None,
    task: Annotated[
        str | None,
        typer.Option(help="Its task; default: that of the extended version, or behaviour."),
    ] = None,
) -> None:
    """Add a new version to the registry, after checking it."""
    session = session_of(context)
    if session.found_registry is None:
        raise ConfigError(
            f"no {registries.FILE_NAME} here or above; `mabe init` writes one to add versions to"
        )
    path = session.found_registry
    experiment = add_version(
        session.registry, name, extends, overrides or (), notes, title, task, say
    )
    if extends is not None:
        say_left_behind(registries.load(path).experiment(extends), experiment)
    say(f"{path}: added {experiment.name}; look at it with `mabe show {experiment.name}`")


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to write to.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing registry.")] = False,
) -> None:
    """Write a registry with the shipped versions."""
    path = folder / registries.FILE_NAME
    if folder.is_file():
        raise ConfigError(f"{folder}: is a file; name a folder")
    with locked(path, tell=say):
        if path.exists() and not force:
            raise ConfigError(f"{path}: there already; --force replaces it")
        write_bytes_atomically(path, registries.default_path().read_bytes())
    say(f"wrote {path}; `mabe list` shows what is in it")
