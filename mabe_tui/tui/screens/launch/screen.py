"""The launch screen: a form beside a preview of what would happen."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.message import Message
from textual.widgets import Input, Label, Static

from core.config.experiment import Experiment
from core.config.registry import Registry
from core.config.task_spec import task_spec
from core.errors import UserError
from core.run.request import RunRequest
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import launcher_names
from mabe_tui.runs.format.settings import left_behind
from mabe_tui.runs.launching import completion, run_requests
from mabe_tui.runs.launching.forecast import DryRun, Spending, dry_run, spending
from mabe_tui.runs.launching.run_requests import LaunchOptions
from mabe_tui.runs.launching.start import start_requests
from mabe_tui.tui.keys import bindings
from mabe_tui.tui.messages import Progressed, RunChanged, WorkFailed
from mabe_tui.tui.screens.base import MabeScreen
from mabe_tui.tui.screens.dialogs.confirm import ConfirmScreen
from mabe_tui.tui.screens.launch.form import FieldError, Typed, read_form
from mabe_tui.tui.screens.launch.panel import foreseen_text
from mabe_tui.tui.widgets.form import WRONG, Complete, Field, FormLines

NAME = "launch"
FIELDS = (
    "version", "preset", "on", "seeds", "folds", "at a time", "budget", "max time", "tags", "data"
)  # fmt: skip
HINTS = 3


class LaunchScreen(MabeScreen):
    """A form filled from the registry, with a dry run that is updated while typing."""

    PLACES: ClassVar[tuple[str, ...]] = (NAME, "form", "screen")
    BINDINGS: ClassVar[list[BindingType]] = bindings(NAME, "screen")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 - as Textual declares it

    class Foreseen(Message):
        """The form is valid, except perhaps for its data."""

        def __init__(
            self, typed: Typed, foreseen: DryRun, remarks: list[str], problem: str | None
        ) -> None:
            super().__init__()
            self.typed, self.foreseen, self.remarks = typed, foreseen, remarks
            self.problem = problem

    class Refused(Message):
        """The form is invalid."""

        def __init__(self, why: str, line: str | None = None) -> None:
            super().__init__()
            self.why, self.line = why, line

    class Ready(Message):
        """The runs are ready to start."""

        def __init__(
            self, typed: Typed, requests: list[RunRequest], spent: Spending | None
        ) -> None:
            super().__init__()
            self.typed, self.requests, self.spent = typed, requests, spent

    def __init__(self, version: str) -> None:
        super().__init__()
        self._version = version
        self._registry: Registry | None = None
        """The registry of the last preview, which is also used to start."""
        self._checking = self._again = False
        self._starts = False
        """Whether to start once the latest preview is ready."""
        self._starting: str | None = None
        """The run being started, or the first of several."""
        self._started: list[RunDir] = []

    def heading(self) -> str:
        """Return the heading."""
        return "mabe · launch"

    @property
    def registry(self) -> Registry:
        """The registry that the form refers to."""
        return self._registry or self.mabe.session.registry

    def body(self) -> ComposeResult:
        """Lay out the form and the preview."""
        own: dict[str, tuple[str, str, Complete | None]] = {
            "version": (self._version, "", lambda _: self.registry.versions),
            "preset": ("", "none", lambda _: self._presets()),
            "on": ("", "as registered", lambda _: launcher_names()),
            "seeds": ("", "1,2,3: a run each", None),
            "folds": ("", "5: a run each", None),
            "at a time": ("", "one here, all on Modal", None),
            "budget": ("", "dollars a run", None),
            "max time": ("", "such as 1h30m", None),
            "tags": ("", "words", None),
            "data": (self._last_data(), "a folder, if needed", completion.folders_like),
        }
        with Container(id="launch"):
            with VerticalScroll(id="form", classes="panel", can_focus=False) as form:
                form.border_title = "form"
                with Container(id="fields"):
                    for name in FIELDS:
                        yield Field(name, *own[name])
                yield Label("settings, one a line", classes="dim")
                yield FormLines(self._like, id="overrides")
                yield Static(id="hint", markup=False)
            with VerticalScroll(id="foreseen", classes="panel", can_focus=False) as panel:
                panel.border_title = "what would happen"
                yield Static(id="facts", markup=False)

    def on_mount(self) -> None:
        """Focus the first line that is likely to be filled in, and preview the run as registered."""
        self.query_one("#field-preset", Field).line.focus()
        self._check()

    # ── preview ───────────────────────────────────────────────────────────────────────────────

    @on(Input.Changed)
    def _check(self) -> None:
        """Preview the current form; one dry run at a time, and the last one counts."""
        self._again = self._checking
        if self._checking:
            return
        try:
            typed = self._typed()
        except FieldError as error:
            self._refuse(str(error), field=error.field)
            return
        self._checking = True
        self.ask(lambda: self._foresee(typed), "check")

    def _typed(self) -> Typed:
        lines = {name: self._field(name).text for name in FIELDS}
        return read_form(lines, self.query_one(FormLines).texts)

    def _foresee(self, typed: Typed) -> Message:
        self.mabe.reread_registry()
        registry = self._registry = self.mabe.session.registry
        try:
            request = run_requests.request_for(
                registry,
                typed.options,
                next(iter(typed.options.seeds), None),
                fold=0 if typed.options.folds else None,
            )
            data, problem = _looked_at(request)
            foreseen = dry_run(registry, self.mabe.store, request, data)
        except UserError as error:
            return self.Refused(str(error), _culprit(registry, typed.options))
        base = registry.experiment(typed.options.version)
        remarks = [problem, left_behind(base, request.experiment)]
        return self.Foreseen(typed, foreseen, [text for text in remarks if text], problem)

    @on(Foreseen)
    def _show_foreseen(self, message: Foreseen) -> None:
        self._mark(None, "data" if message.problem else None)
        self.query_one("#foreseen").remove_class(WRONG)
        text = foreseen_text(message.typed, message.foreseen, message.remarks)
        self.query_one("#facts", Static).update(text)
        self._checked()

    @on(Refused)
    def _show_refused(self, message: Refused) -> None:
        self._refuse(message.why, line=message.line)
        self._checked()

    @on(WorkFailed)
    def _check_again(self) -> None:
        """Let the user try again; the base class shows the error."""
        self._checked()

    def _checked(self) -> None:
        self._checking = False
        if self._again:
            self._check()
        if self._starts and not self._checking:
            self._starts = False
            self.action_start()

    def _refuse(self, why: str, line: str | None = None, field: str | None = None) -> None:
        """Show why there is no preview, and mark the invalid line."""
        self._mark(line, field)
        self.query_one("#foreseen").add_class(WRONG)
        self.query_one("#facts", Static).update(why.removeprefix("--set "))

    def _mark(self, line: str | None, field: str | None) -> None:
        self.query_one(FormLines).mark(line)
        for name in FIELDS:
            self._field(name).line.set_class(name == field, WRONG)

    # ── typing ────────────────────────────────────────────────────────────────────────────────

    def _field(self, name: str) -> Field:
        return self.query_one(f"#field-{name.replace(' ', '-')}", Field)

    def _chosen(self) -> Experiment | None:
        """Return the typed version with its preset; ``None`` while no such version exists."""
        registry, version = self.registry, self._field("version").text
        if version not in registry.versions:
            return None
        preset = self._field("preset").text
        known = preset if preset in registry.presets_for(version) else None
        return registry.experiment(version, preset=known)

    def _presets(self) -> list[str]:
        """Return the presets that the typed version can have; all while there is no such version."""
        registry, version = self.registry, self._field("version").text
        return (
            registry.presets_for(version) if version in registry.versions else [*registry.presets]
        )

    def _like(self, typed: str) -> list[str]:
        chosen = self._chosen()
        return [] if chosen is None else completion.settings_like(chosen, typed)

    @on(Input.Changed, "#overrides Input")
    def _hint(self, event: Input.Changed) -> None:
        """Show the valid values of the setting, or the settings that match."""
        key, equals, _ = event.value.partition("=")
        hint, chosen = "", self._chosen()
        if equals and chosen and (allowed := completion.allowed(chosen, key)) is not None:
            hint = f"{key.strip()}: {allowed}"
        elif key:
            found = self._like(key)
            hint = f"enter: {'  '.join(found[:HINTS])}" if found else "no setting holds that"
        self.query_one("#hint", Static).update(hint)

    def action_scroll_facts(self, by: int) -> None:
        """Scroll the preview."""
        panel = self.query_one("#foreseen", VerticalScroll)
        panel.scroll_relative(y=by * max(1, panel.size.height - 1), animate=False)

    @property
    def is_ready(self) -> bool:
        """Whether no start is pending, after which keys are meant for the screen that opens."""
        return super().is_ready and not self._starts and self._starting is None

    # ── starting ──────────────────────────────────────────────────────────────────────────────

    def action_start(self) -> None:
        """Start the run once its preview is shown; ask first if that costs money."""
        if self._starting is not None:
            self.notify(f"{self._starting} is being started")
            return
        if self._checking:
            self._starts = True
            return
        try:
            typed = self._typed()
        except FieldError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.ask(lambda: self._get_ready(typed), "start", keys_wait=True)

    def _get_ready(self, typed: Typed) -> Message:
        requests = run_requests.requests_for(self.registry, typed.options)
        run_requests.check_data(requests[0])
        return self.Ready(typed, requests, spending(self.mabe.store, requests))

    @on(Ready)
    def _agree(self, message: Ready) -> None:
        if message.spent is None:
            self._start(message)
            return

        def answered(agreed: bool | None) -> None:
            if agreed:
                self._start(message)

        words = [message.spent.line]
        if message.spent.above_budget is not None:
            words.append(f"{message.spent.above_budget}.")
        title = f"launch {message.typed.options.version} on {message.requests[0].launcher}?"
        self.app.push_screen(ConfirmScreen(title, "\n".join(words)), answered)

    def _start(self, message: Ready) -> None:
        typed, requests = message.typed, message.requests
        about = self._starting = requests[0].run
        self._keep_data(typed)

        def tell(words: str) -> None:
            self.post_message(Progressed(about, words))

        def work() -> str:
            home = self.mabe.session.home
            self._started = start_requests(home, requests, typed.tags, typed.parallel, tell)
            return f"started {' '.join(run.id for run in self._started)}"

        tell(f"starting {about}")
        self.mabe.do(work, about)

    def on_run_changed(self, message: RunChanged) -> None:
        """Open the first started run, or enable the form again if starting failed."""
        if message.run == self._starting:
            self._starting = None
        if self.app.screen is self and message.run in [run.id for run in self._started]:
            self.mabe.open_run(message.run, instead=True)

    def _last_data(self) -> str:
        """Return the last used data folder, if the version needs one."""
        experiment = self.mabe.session.registry.experiment(self._version)
        if task_spec(experiment.task).makes_data(experiment):
            return ""
        return str(self.mabe.view_state.screen(NAME).get("data", ""))

    def _keep_data(self, typed: Typed) -> None:
        if typed.options.data is not None:
            data = str(typed.options.data)
            self.ask(lambda: self.mabe.view_state.keep(NAME, data=data), "keep")


def _looked_at(request: RunRequest) -> tuple[str, str | None]:
    """Describe the data and any problem with them; the price can be shown without them."""
    try:
        return run_requests.check_data(request), None
    except UserError as error:
        return request.data or "–", str(error)


def _culprit(registry: Registry, options: LaunchOptions) -> str | None:
    """Return the override that is invalid by itself."""
    for override in options.overrides:
        try:
            registry.experiment(options.version, [override], options.preset)
        except UserError:
            return override
    return None
