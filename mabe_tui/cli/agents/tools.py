"""The tools that agents get: each is a command with ``--json``, made smaller where its answer is long."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from core.config.strict import convert
from core.errors import MisuseError
from mabe_tui.runs.curves.axis import Axis

Meta = msgspec.Meta
Words = list[str]
Shrink = Callable[[str], str]
Run = Annotated[str, Meta(description="A run's id, its last four characters, a version, or 'last'")]
FREE = "local"
"""The launcher that nothing is charged for, and that therefore takes no budget."""
RUN_FIELDS = (
    "id", "version", "state", "epoch", "epochs", "metric", "best_score", "best_epoch", "seed", "created",
    "elapsed_seconds", "eta_seconds", "cost_usd", "tags", "note", "problem",
)  # fmt: skip
"""What is told of each run in a list, unless more is asked for."""
COMPARED = (
    "task", "metric", "metric_label", "rises", "verdicts", "settings", "figures", "code", "unreadable",
)  # fmt: skip
"""What is told of a comparison, unless everything is asked for."""


class Arguments(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The arguments of a tool."""

    def words(self) -> Words:
        """Return the command line, without ``mabe``."""
        raise NotImplementedError

    def shrink(self, answer: str) -> str:
        """Return what the agent sees of the command's output."""
        return answer


class ListVersions(Arguments):
    """List the versions of the registry: what each is, and with `measured` the scores of its runs."""

    measured: Annotated[bool, Meta(description="Add measured scores, over seeds")] = False
    task: Annotated[str | None, Meta(description="Only versions of this task")] = None

    def words(self) -> Words:
        """Return the command line."""
        return [
            "list",
            "--json",
            *_flag("--measured", self.measured),
            *_option("--task", self.task),
        ]


class ShowVersion(Arguments):
    """Show all settings of a version, or how it differs from another one."""

    version: str
    diff: Annotated[str | None, Meta(description="Only the differences from this version")] = None

    def words(self) -> Words:
        """Return the command line."""
        return ["show", "--json", *_option("--diff", self.diff), "--", self.version]


class ListRuns(Arguments):
    """List runs, newest first, filtered and sorted."""

    where: Annotated[
        str | None,
        Meta(
            description="A filter: comparisons joined by and, or, not, such as"
            " 'score > 0.4 and tag:sweep', 'state == running', 'created < 2d', 'cost > 5'"
        ),
    ] = None
    sort: Annotated[str | None, Meta(description="A key, such as score or cost; best first")] = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 20
    fields: Annotated[
        tuple[str, ...],
        Meta(description="More fields, such as metrics or overrides; 'all' for all"),
    ] = ()

    def words(self) -> Words:
        """Return the command line."""
        chosen = [*_option("--where", self.where), *_option("--sort", self.sort)]
        return ["runs", "--json", f"--limit={self.limit}", *chosen]

    def shrink(self, answer: str) -> str:
        """Keep the usual fields, and those asked for."""
        if "all" in self.fields:
            return answer
        kept = dict.fromkeys((*RUN_FIELDS, *self.fields))
        return json.dumps([{k: run[k] for k in kept if k in run} for run in json.loads(answer)])


class RunStatus(Arguments):
    """Show everything known about a run: state, metrics, cost, time left, problems."""

    run: Run = "last"

    def words(self) -> Words:
        """Return the command line."""
        return ["status", "--json", "--", self.run]


class RunCurves(Arguments):
    """Return curves of runs as numbers: loss, metrics, learning rate, machine readings."""

    runs: Annotated[tuple[Run, ...], Meta(min_length=1, max_length=8)]
    metrics: Annotated[
        tuple[str, ...],
        Meta(description="Names such as loss or a metric; default: loss and the leading metric"),
    ] = ()
    x: Annotated[Literal["epoch", "step", "time", "dollars"], Meta(description="The axis")] = (
        "epoch"
    )
    points: Annotated[int, Meta(ge=2, le=2000, description="At most this many of a curve")] = 100

    def words(self) -> Words:
        """Return the command line."""
        metric = _option("--metric", ",".join(self.metrics) or None)
        return ["curves", "--json", *metric, f"--x={Axis(self.x).value}", "--", *self.runs]

    def shrink(self, answer: str) -> str:
        """Thin each curve out evenly; the first and the last point stay."""
        found = json.loads(answer)
        for curve in found["curves"]:
            count = len(curve["x"])
            if count > self.points:
                step = (count - 1) / (self.points - 1)
                places = [round(step * n) for n in range(self.points)]
                for key in ("x", "y", "superseded"):
                    curve[key] = [curve[key][place] for place in places]
        return json.dumps(found)


class RunLogs(Arguments):
    """Return the last lines of a run's log: a line for each epoch, warnings, and what else it printed."""

    run: Run = "last"
    lines: Annotated[int, Meta(ge=1, le=500)] = 50
    events: Annotated[bool, Meta(description="The events as JSON, one a line")] = False

    def words(self) -> Words:
        """Return the command line."""
        return ["logs", f"--lines={self.lines}", *_flag("--json", self.events), "--", self.run]


class CompareRuns(Arguments):
    """Compare versions or runs: differing settings, and a verdict that accounts for chance."""

    sides: Annotated[tuple[str, ...], Meta(min_length=2, max_length=8)]
    epoch: Literal["best", "last"] = "best"
    everything: Annotated[
        bool, Meta(description="Add all settings of each side, classes and confusions")
    ] = False

    def words(self) -> Words:
        """Return the command line.

        Raises:
            MisuseError: a side is a checkpoint, whose comparison may download and compute for long.
        """
        if any("@" in side for side in self.sides):
            raise MisuseError("sides: versions and runs only; `mabe compare` compares checkpoints")
        return ["compare", "--json", f"--epoch={self.epoch}", "--", *self.sides]

    def shrink(self, answer: str) -> str:
        """Keep what a decision needs, unless everything is asked for."""
        found = json.loads(answer)
        if not self.everything:
            found = {key: found[key] for key in COMPARED if key in found}
        return json.dumps(found)


class StartRun(Arguments):
    """Start one training run, detached, which stops with a checkpoint when its budget or time is used up."""

    version: str
    on: Annotated[str, Meta(description="Where: local, which costs nothing, or modal")]
    budget_usd: Annotated[float, Meta(gt=0, description="The most that it may cost, in dollars")]
    max_time: Annotated[str, Meta(description="The longest that it may take, such as 2h or 45m")]
    data: Annotated[str | None, Meta(description="A data folder")] = None
    settings: Annotated[tuple[str, ...], Meta(description="KEY=VALUE each")] = ()
    preset: str | None = None
    seed: Annotated[int, Meta(ge=0)] | None = None
    tags: tuple[str, ...] = ()
    dry_run: Annotated[bool, Meta(description="Only say what would happen, and its price")] = False

    @property
    def cost(self) -> float:
        """The dollars that it may come to."""
        return 0.0 if self.dry_run or self.on == FREE else self.budget_usd

    def words(self) -> Words:
        """Return the command line."""
        budget = [] if self.on == FREE else [f"--budget={self.budget_usd}"]
        chosen = [*_option("--data", self.data), *_option("--preset", self.preset)]
        chosen += [] if self.seed is None else [f"--seed={self.seed}"]
        chosen += [f"--set={each}" for each in self.settings]
        chosen += [f"--tag={each}" for each in self.tags]
        how = "--dry-run" if self.dry_run else "--detach"
        limits = [*budget, f"--max-time={self.max_time}"]
        return ["run", "--json", how, f"--on={self.on}", *limits, *chosen, "--", self.version]


class StopRun(Arguments):
    """Ask a run to save a checkpoint and stop."""

    run: Annotated[str, Meta(description="A run's id", min_length=1)]

    def words(self) -> Words:
        """Return the command line."""
        return ["stop", "--json", "--", self.run]


@dataclass(frozen=True, slots=True)
class AgentTool:
    """A tool by its name."""

    name: str
    arguments: type[Arguments]
    changes: bool = False
    """Whether it changes anything, or costs money."""

    @property
    def description(self) -> str:
        """What it does, in a sentence."""
        return (self.arguments.__doc__ or "").strip()

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its arguments."""
        _, components = msgspec.json.schema_components([self.arguments])
        schema = dict(components[self.arguments.__name__])
        schema.pop("title", None)
        schema.pop("description", None)
        return schema

    def read(self, arguments: Mapping[str, Any] | None) -> Arguments:
        """Return the arguments of a call.

        Raises:
            ConfigError: one is missing, unknown or invalid; names it and what is allowed.
        """
        return convert(arguments or {}, self.arguments, lambda path: path or "arguments")


TOOLS = (
    AgentTool("list_versions", ListVersions),
    AgentTool("show_version", ShowVersion),
    AgentTool("list_runs", ListRuns),
    AgentTool("run_status", RunStatus),
    AgentTool("run_curves", RunCurves),
    AgentTool("run_logs", RunLogs),
    AgentTool("compare", CompareRuns),
    AgentTool("start_run", StartRun, changes=True),
    AgentTool("stop_run", StopRun, changes=True),
)


def offered(allow_changes: bool) -> dict[str, AgentTool]:
    """Return the tools by name; without changes, those that only read."""
    return {tool.name: tool for tool in TOOLS if allow_changes or not tool.changes}


def _option(name: str, value: str | None) -> Sequence[str]:
    """Return an option in one word, so that a value that begins with ``-`` is no option."""
    return () if value is None else (f"{name}={value}",)


def _flag(name: str, given: bool) -> Sequence[str]:
    return (name,) if given else ()
