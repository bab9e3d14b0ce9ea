"""Actions on a run, shared by all screens that have one: stop, resume, fetch, tag, note, remove."""

import datetime as dt
from collections.abc import Callable, Sequence

from textual.message import Message

from core.errors import UserError
from core.run.rundir import RunDir
from core.system.progress import Progress, sparing
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.actions import control, manage
from mabe_tui.runs.actions.discard import discard, discarded_words
from mabe_tui.runs.actions.resume_limits import LimitKind, ReachedLimit, reached_limit
from mabe_tui.runs.actions.trash import Trash
from mabe_tui.runs.actions.trash_settings import kept_days
from mabe_tui.runs.format.units import size_text
from mabe_tui.runs.launching.forecast import price_line
from mabe_tui.runs.store import LAST, RunEntry, short_id
from mabe_tui.runs.summary.endings import resume_words, stop_words
from mabe_tui.runs.summary.run_summary import state_of
from mabe_tui.tui.dashboard import Dashboard
from mabe_tui.tui.messages import Done, LineWanted, Progressed, Question
from mabe_tui.tui.screens.base import MabeScreen
from mabe_tui.tui.screens.dialogs.confirm import ConfirmScreen
from mabe_tui.tui.screens.dialogs.entry import EntryScreen
from mabe_tui.tui.work import SECONDS_BETWEEN

ACTING = "acting"
STOPPING = (
    "It saves a checkpoint and ends; after {grace:.0f} s it is killed, and what it has not saved is lost."
    " r goes on from the checkpoint."
)
REMOVING = (
    "{reason}. {size} go to the trash; u brings them back. `mabe rm --all {run}` removes all of it."
)


class RunActions(MabeScreen):
    """A screen with a run to act on; add :data:`ACTING` to ``PLACES`` and ``BINDINGS``."""

    @property
    def selected_run(self) -> str | None:
        """The run to act on; ``None`` if there is none."""
        raise NotImplementedError

    def name_of(self, entry: RunEntry) -> str:
        """Return how questions refer to the run."""
        return entry.short

    @property
    def selected_checkpoint(self) -> str:
        """The checkpoint that is offered for fetching."""
        return "best"

    def action_stop_run(self) -> None:
        """Stop the run after confirmation."""
        self._consider(_stopping)

    def action_resume_run(self) -> None:
        """Resume the run after confirmation."""
        self._consider(_resuming)

    def action_remove_run(self) -> None:
        """Move the checkpoints and logs of the run to the trash after confirmation."""
        mabe = self.mabe
        self._consider(lambda entry, name: _removing(mabe, entry, name))

    def action_restore_run(self) -> None:
        """Bring back what was removed last."""
        mabe = self.mabe
        mabe.do(lambda: _restored(mabe), self.selected_run or "")

    def action_pull_run(self) -> None:
        """Fetch checkpoints of the run to this computer."""
        if (entry := self._entry()) is None:
            return

        def chosen(which: str | None) -> None:
            if which:
                self.mabe.do(lambda: _pull(entry, which, self._teller(entry)), entry.id)

        title = f"fetch a checkpoint of {self.name_of(entry)}"
        screen = EntryScreen(title, self.selected_checkpoint, "best, last, epoch-5 or all")
        self.app.push_screen(screen, chosen)

    def action_tag_run(self) -> None:
        """Edit the tags of the run."""
        self._consider(_tags)

    def action_note_run(self) -> None:
        """Edit the note of the run."""
        self._consider(_note)

    def on_question(self, message: Question) -> None:
        """Ask for confirmation, then do the work."""

        def answered(agreed: bool | None) -> None:
            if agreed:
                self.mabe.do(message.work, message.run, message.ends)

        self.app.push_screen(ConfirmScreen(message.title, message.consequences), answered)

    def on_line_wanted(self, message: LineWanted) -> None:
        """Ask for a line of text, then do the work with it."""

        def typed(value: str | None) -> None:
            if value is not None:
                self.mabe.do(lambda: message.work(value), message.run)

        screen = EntryScreen(
            message.title,
            message.value,
            message.hint,
            words=message.words,
            check=message.check,
        )
        self.app.push_screen(screen, typed)

    def _entry(self) -> RunEntry | None:
        if self.selected_run is None:
            self.notify("no run is selected: l on the home screen launches one")
            return None
        return RunEntry(RunDir(self.mabe.store.folder / self.selected_run))

    def _consider(self, question: Callable[[RunEntry, str], Message]) -> None:
        if (entry := self._entry()) is not None:
            name = self.name_of(entry)
            self.ask(lambda: question(entry, name), ACTING, keys_wait=True)

    def _teller(self, entry: RunEntry) -> Progress:
        """Return a progress callback that updates the screen a few times a second."""

        def tell(done: int, total: int, unit: str) -> None:
            share = f"{done / total:.0%} of {size_text(total)}" if total else unit
            self.app.post_message(Progressed(entry.id, f"fetching {entry.short}: {share}"))

        return sparing(tell, SECONDS_BETWEEN)


def _stopping(entry: RunEntry, name: str) -> Question | Done:
    state = state_of(entry)
    if not state.may_speak:
        is_over = state is RunState.FINISHED or entry.is_import
        further = "" if is_over else "; r goes on with it"
        return Done(f"{name} is {state}: there is nothing to stop{further}")
    return Question(
        f"stop {name}?",
        STOPPING.format(grace=control.GRACE_SECONDS),
        lambda: f"{entry.short}: {stop_words(entry.run, control.stop(entry))}",
        entry.id,
        ends=True,
    )


def _resuming(entry: RunEntry, name: str) -> Question | LineWanted:
    changes = control.before_resume(entry)
    request = entry.require_request()
    price = price_line(request.limits)
    cost = f"it costs {price}" if price.startswith("$") else price
    words = [
        *changes,
        f"A new attempt on {request.launcher} {resume_words(entry.run)}; {cost}.",
    ]
    title = f"go on with {name}?"
    if (reached := reached_limit(entry)) is not None:
        return _raising(entry, reached, title, words)
    return Question(title, "\n".join(words), lambda: _go_on(entry), entry.id)


def _raising(
    entry: RunEntry, reached: ReachedLimit, title: str, words: Sequence[str]
) -> LineWanted:
    """Ask for a new limit: under the old one the run would stop again at once."""

    def go_on(text: str) -> str:
        new = reached.raised(text)
        is_time = reached.kind is LimitKind.TIME
        return _go_on(entry, *((new, None) if is_time else (None, new)))

    stopped = f"It was stopped: {reached}. Enter with a larger one goes on, escape does not."
    return LineWanted(
        title,
        "",
        go_on,
        entry.id,
        hint=f"more than {reached.least}, over all attempts",
        words="\n".join([*words, stopped]),
        check=reached.raised,
    )


def _go_on(entry: RunEntry, seconds: float | None = None, dollars: float | None = None) -> str:
    # The question has already mentioned that the run starts again, if it does.
    attempt = control.resume(entry, seconds, dollars, from_scratch=True).attempt
    return f"{entry.short}: attempt {attempt} is under way"


def _removing(mabe: Dashboard, entry: RunEntry, name: str) -> Question:
    removal = manage.removal_of(entry, whole=False)
    words = REMOVING.format(
        reason=removal.reason.capitalize(), size=size_text(removal.bytes), run=entry.id
    )

    def work() -> str:
        days = _kept_days(mabe)
        done = discard(mabe.session.home, [removal], dt.datetime.now(dt.UTC), days)
        return f"{entry.short}: {discarded_words(done, days)}; u brings it back"

    return Question(f"remove weights and logs of {name}?", words, work, entry.id)


def _kept_days(mabe: Dashboard) -> float | None:
    """Return how long the trash keeps things; if the registry is broken, for ever."""
    try:
        return kept_days(mabe.session.registry)
    except UserError:
        return None


def _restored(mabe: Dashboard) -> str:
    trash = Trash(mabe.session.home)
    restored = trash.restore(trash.found(LAST))
    size = size_text(sum(each.bytes for each in restored))
    runs = ", ".join(dict.fromkeys(short_id(each.run) for each in restored if each.paths))
    left = "".join(f"; {each.left}" for each in restored if each.left)
    return f"{runs}: {size} are back{left}"


def _pull(entry: RunEntry, which: str, progress: Progress) -> str:
    paths = control.pull(entry, which, progress)
    files = f"{len(paths)} checkpoints" if len(paths) > 1 else paths[0].name
    return f"{entry.short}: {files} in {paths[0].parent}"


def _tags(entry: RunEntry, name: str) -> LineWanted:
    tags = " ".join(entry.run.read_about().tags)
    title = f"tags of {name}, one word each"
    return LineWanted(title, tags, lambda text: _retag(entry, text), entry.id)


def _note(entry: RunEntry, name: str) -> LineWanted:
    note = entry.run.read_about().note
    return LineWanted(f"note on {name}", note, lambda text: _renote(entry, text), entry.id)


def _retag(entry: RunEntry, text: str) -> str:
    wanted, before = text.split(), entry.run.read_about().tags
    tags = manage.tag(entry.run, wanted, [tag for tag in before if tag not in wanted]).tags
    return f"{entry.short}: tagged {' '.join(tags)}" if tags else f"{entry.short}: no tags"


def _renote(entry: RunEntry, text: str) -> str:
    return f"{entry.short}: note {'kept' if manage.note(entry.run, text).note else 'removed'}"
