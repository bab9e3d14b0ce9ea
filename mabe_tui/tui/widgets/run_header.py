"""A few lines above a run's charts: progress, speed, cost and problems."""

from collections.abc import Iterator

from rich.style import Style
from rich.text import Text
from textual.app import RenderResult
from textual.widget import Widget

from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.following.feed_update import GONE, FeedUpdate, ReplayPosition
from mabe_tui.runs.format.event_text import best_words, ending_words
from mabe_tui.runs.format.units import duration, size_text
from mabe_tui.runs.format.untrusted_text import plain
from mabe_tui.runs.listing.cells import shown_state
from mabe_tui.runs.summary.run_summary import RunSummary

BAR, ASCII_BAR = "█░", "#-"
BAR_WIDTH = (8, 30)
GAP = "  "
OTHER_ROWS, CHART_ROWS = 3, 4
"""Rows of the screen taken by heading, panel names and keys; and the least for a chart or a log."""
COLOURS = {
    RunState.RUNNING: "primary",
    RunState.FINISHED: "success",
    RunState.FAILED: "error",
    RunState.LOST: "error",
    RunState.PREEMPTED: "warning",
    RunState.STOPPED: "warning",
    RunState.STOPPING: "warning",
}
MIB = 2.0**20


class RunHeader(Widget):
    """The header lines above a run's charts; their number varies."""

    DEFAULT_CSS = "RunHeader { height: auto; padding: 0 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._look: FeedUpdate | None = None
        self._lines = Text("reading what the run said …")

    @property
    def text(self) -> str:
        """The displayed text."""
        return self._lines.plain

    def show(self, look: FeedUpdate) -> None:
        """Show the run's current state."""
        self._look = look
        self.lay_out()

    def show_problem(self, words: str) -> None:
        """Show why the run cannot be shown, if nothing has been shown yet."""
        if self._look is None:
            self._lines = self._coloured((words, "error"))
            self.refresh(layout=True)

    def on_resize(self) -> None:
        """Fit the lines to the width."""
        self.lay_out()

    def render(self) -> RenderResult:
        """Return the displayed lines."""
        return self._lines

    def lay_out(self) -> None:
        """Update the lines, dropping some if the chart would lose its rows."""
        if self._look is None:
            return
        bar = ASCII_BAR if self.app.has_class("ascii") else BAR
        room = self.app.size.height - OTHER_ROWS - CHART_ROWS
        chosen = most_important(header_lines(self._look, self.size.width, bar), room)
        lines = Text("\n", no_wrap=True, overflow="ellipsis").join(
            self._coloured(line) for line in chosen
        )
        if lines != self._lines:
            self.refresh(layout=lines.plain.count("\n") != self._lines.plain.count("\n"))
            self._lines = lines

    def _coloured(self, line: "tuple[str, str]") -> Text:
        words, colour = line
        style = Style(color=self.app.theme_variables.get(colour)) if colour else Style()
        return Text(words, style, no_wrap=True, overflow="ellipsis")


def header_lines(look: FeedUpdate, width: int, bar: str = BAR) -> list[tuple[str, str]]:
    """Return the lines, each with the name of its colour, and if possible none wider than ``width``.

    Args:
        look: the state to show.
        width: in columns.
        bar: the characters of a progress bar, done and to do.
    """
    run = look.summary
    if look.is_gone:
        return [(_cut(f"gone: {GONE}; this is what was read before", width), "error")]
    lines = [(_progress(run, look.replay, width, bar), COLOURS.get(run.state, ""))]
    lines.append((_fitted([*_measured(run)], width), ""))
    lines.append((_fitted([*_spent(run)], width), ""))
    if run.lineage:
        lines.append((_fitted(["resumed: " + _lineage(run)], width), ""))
    if run.problem:
        lines.append((_cut(f"{run.state}: {plain(run.problem.encode())}", width), "error"))
    if look.connection:
        lines.append((_cut(look.connection, width), "warning"))
    if run.stalled_seconds is not None:
        lines.append((f"silent for {duration(run.stalled_seconds)}", "warning"))
    if run.warnings:
        more = f" (and {len(run.warnings) - 1} more)" if len(run.warnings) > 1 else ""
        warning = plain(run.warnings[-1].encode())
        lines.append((_cut(f"warning{more}: {warning}", width), "warning"))
    return lines


def most_important(lines: list[tuple[str, str]], room: int) -> list[tuple[str, str]]:
    """Return as many lines as fit, at least the first; coloured lines take precedence."""
    order = sorted(range(len(lines)), key=lambda at: (at > 0, not lines[at][1], at))
    return [lines[at] for at in sorted(order[: max(room, 1)])]


def _progress(run: RunSummary, replay: ReplayPosition | None, width: int, bar: str) -> str:
    done = run.epoch + run.epoch_fraction
    share = min(1.0, done / run.epochs) if run.epochs else 0.0
    under_way = run.epoch_steps > 0
    so_far = " so far" if run.state.is_alive else ""
    words = [f"epoch {run.epoch + under_way}/{run.epochs or '?'}"]
    words += [f"{duration(run.eta_seconds)} left"] if run.eta_seconds is not None else []
    words += [why] if (why := ending_words(run.ended_because)) else []
    words += [f"step {run.epoch_step}/{run.epoch_steps}"] if under_way else []
    words += [f"{duration(run.elapsed_seconds)}{so_far}"] if run.elapsed_seconds else []
    state = f"{shown_state(run):<9}" if replay is None else _replay(replay)
    least, most = BAR_WIDTH
    while len(words) > 1 and len(GAP.join([state, *words])) + len(GAP) + least + 5 > width:
        words.pop()
    room = width - len(GAP.join([state, *words])) - len(GAP) - 5
    long = max(least, min(most, room))
    full = round(share * long)
    drawn = bar[0] * full + bar[1] * (long - full)
    return GAP.join([f"{state} {drawn} {share:>4.0%}", *words])


def _replay(replay: ReplayPosition) -> str:
    how = "paused" if replay.paused else f"×{replay.speed:g}"
    return f"replay {how}, {duration(replay.position)} of {duration(replay.duration)}"


def _measured(run: RunSummary) -> Iterator[str]:
    if run.train_loss is not None:
        yield f"train {run.train_loss:.4f}"
    if (loss := run.metrics.get("loss")) is not None:
        yield f"validation {loss:.4f}"
    monitor = run.monitor or ""
    if (value := run.metrics.get(monitor)) is not None:
        yield f"{monitor} {value:.4f}"
    if run.best_metric is not None:
        yield f"best {best_words(run)}"
    if run.learning_rate is not None:
        yield f"lr {run.learning_rate:.2e}"


def _spent(run: RunSummary) -> Iterator[str]:
    if run.cost_usd is not None:
        yield f"${run.cost_usd:.2f}{' so far' * run.state.is_alive}"
    if run.cost_at_end_usd is not None:
        yield f"${run.cost_at_end_usd:.2f} at the end"
    if run.budget_usd is not None:
        yield f"budget ${run.budget_usd:.2f}"
    if run.frames_per_second is not None and run.state.is_alive:
        yield f"{run.frames_per_second:,.0f} {run.rate_unit}"
    if run.device is not None:
        yield _machine(run)
    if not run.imported:  # a log does not contain it
        yield f"seed {run.seed}"
    if run.attempts > 1:
        yield f"{run.attempts} attempts"
    if run.parameters is not None:
        yield f"{run.parameters:,} parameters"


def _machine(run: RunSummary) -> str:
    words = run.device_name or run.device or ""
    if not run.state.is_alive or run.cpu_percent is None:
        return words
    if run.gpu_percent is not None and run.gpu_memory_mib is not None:
        return f"{words} {run.gpu_percent:.0f} % {size_text(run.gpu_memory_mib * MIB)}"
    return f"{words} {run.cpu_percent:.0f} % {size_text((run.memory_mib or 0) * MIB)}"


def _lineage(run: RunSummary) -> str:
    return ", ".join(
        f"{branch.attempt} from epoch {branch.epoch} of {branch.from_attempt}"
        for branch in reversed(run.lineage)
    )


def _fitted(words: list[str], width: int) -> str:
    while len(words) > 1 and len(GAP.join(words)) > width:
        words.pop()
    return _cut(GAP.join(words), width)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width or width < 2 else text[: width - 1] + "…"
