"""``mabe watch``: alert when rules are met, until Ctrl-C."""

import datetime as dt
import os
import shlex
import threading
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from core.errors import MisuseError
from mabe_tui.cli.listing.remote import remote_problems
from mabe_tui.cli.session import Session, session_of
from mabe_tui.cli.terminal.output import (
    JsonOption,
    clean,
    print_json,
    print_json_text,
    print_table,
    progress,
    say,
)
from mabe_tui.cli.terminal.streams import to_terminal
from mabe_tui.runs.alerts.delivery import deliver
from mabe_tui.runs.alerts.message import AlertEvent
from mabe_tui.runs.alerts.outbox import Outbox
from mabe_tui.runs.alerts.past import PastAlerts, replayed
from mabe_tui.runs.alerts.rules import COMMAND, AlertRule, rules_given, rules_of
from mabe_tui.runs.alerts.sending import Postman
from mabe_tui.runs.alerts.watcher import Watcher, parsed_rules
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.store import RunStore
from mabe_tui.tui.desktop import desktop_notice

SECONDS = 1.0
"""Seconds between looks."""
WHOLE_EVERY = 10
"""Looks after which runs that have ended are looked at, too: one may have been resumed."""
BELL = "\a"


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("watch")(watch)


def watch(
    context: typer.Context,
    rules: Annotated[
        list[str] | None,
        typer.Option(
            "--rule",
            metavar="WHEN",
            help="A condition, instead of the registry's [[alerts]]: 'failed or lost', 'score > 0.45',"
            " 'loss not improved for 5 epochs'; repeatable.",
        ),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PLACE",
            help="Where these alert: bell (default), desktop, command, json, slack, discord, ntfy;"
            " repeatable.",
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="env:NAME|file:PATH", help="Where the address of their webhook is kept."
        ),
    ] = None,
    command: Annotated[
        str | None,
        typer.Option(
            metavar="'PROGRAM ARG…'", help="Their program; it reads the event as JSON. No shell."
        ),
    ] = None,
    runs: Annotated[
        str | None, typer.Option(metavar="QUERY", help="Only these runs, as in `mabe runs`.")
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Only say when the rules would have fired so far.")
    ] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Only send a test to every place of the rules.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Look and deliver once, then end; for cron.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Watch all runs, and alert when rules are met: each rule once for a run.

    Rules are [[alerts]] in the registry, or those of --rule. Runs that had ended before a watcher first
    looked do not alert. What fired is kept in alerts.json beside the runs, so that several watchers alert
    once, and a failed delivery is tried again. Exit code 1 if a --test fails.
    """
    session = session_of(context)
    chosen = _rules(session, rules, to or (), url, command, runs)
    if test:
        _test(chosen)
        return
    for rule in chosen:
        if rule.url:
            rule.secret.read()  # a missing address is better named now than at night
    watching = _Watching(session, chosen, as_json)
    if replay:
        watching.replay()
    elif once:
        watching.look(wait=True)
        watching.postman.close()
    else:
        watching.watch()


class _Watching:
    def __init__(self, session: Session, rules: Sequence[AlertRule], as_json: bool) -> None:
        self._store = RunStore(session.home)
        self._catalog = Catalog(self._store)
        self._outbox = Outbox(session.home)
        self._as_json = as_json
        self._rules = parsed_rules(rules, self._catalog.records())
        self._watcher = Watcher(self._store, self._rules, self._outbox.read())
        self._said: set[str] = set()
        self._looks = 0
        self.postman = Postman(self._outbox, rules)

    def look(self, wait: bool = False) -> None:
        """Look once: note and say what fires, and deliver what is due.

        Args:
            wait: ask remote runs first, and wait until what is due has been tried.
        """
        if wait:
            self._say_once(self._catalog.refresh())
        now = dt.datetime.now(dt.UTC)
        whole = self._looks % WHOLE_EVERY == 0
        records = self._catalog.records(now) if whole else self._catalog.glance(now)
        self._looks += 1
        for rule, event in self._outbox.claim(self._watcher.look(records, now), now):
            self._announce(rule, event)
        alive = {record.id for record in records if record.state.may_speak}
        self._outbox.looked(alive, {record.id for record in records}, now)
        for problem in self.postman.round(now, wait):
            say(f"mabe: {problem}")

    def watch(self) -> None:
        """Look until Ctrl-C."""
        ended = threading.Event()
        count = f"{len(self._rules)} rule{'s' * (len(self._rules) > 1)}"
        say(f"watching with {count}; Ctrl-C ends this, not the runs")
        try:
            with remote_problems(self._catalog, ended) as problems:
                while not ended.is_set():
                    self.look()
                    self._say_once(problems)
                    ended.wait(SECONDS)
        except KeyboardInterrupt:
            return
        finally:
            self.postman.close()

    def replay(self) -> None:
        """Print when each rule would have fired."""
        with progress("replaying") as tell:
            found = replayed(self._store, self._rules, self._catalog.records(), tell)
        if self._as_json:
            print_json(found)
            return
        rows = [_row(each, event) for each in found for event in each.fired]
        if rows:
            print_table(["rule", "time", "alert"], rows)
        for each in found:
            say(f"{each.rule}: would have fired for {len(each.fired)} of {each.runs} runs")

    def _announce(self, rule: AlertRule, event: AlertEvent) -> None:
        if self._as_json:
            print_json_text(msgspec.json.encode(event).decode())
        else:
            print(f"{event.time.astimezone():%Y-%m-%d %H:%M:%S}  {clean(event.text)}", flush=True)
        _in_terminal(rule, event)

    def _say_once(self, problems: Sequence[str]) -> None:
        for problem in [problem for problem in problems if problem not in self._said]:
            self._said.add(problem)
            say(f"mabe: what is here may be old: {problem}")


def _rules(
    session: Session,
    conditions: Sequence[str] | None,
    to: Sequence[str],
    url: str | None,
    command: str | None,
    runs: str | None,
) -> list[AlertRule]:
    """Return the rules of the command line, else those of the registry.

    Raises:
        ConfigError: there are none, one is invalid, or an option belongs to no --rule.
    """
    if conditions:
        try:
            words = shlex.split(command) if command else []
        except ValueError as error:
            raise MisuseError(f"--command: {error}") from None
        places = [*to, *([COMMAND] if command and COMMAND not in to else [])]
        return rules_given(conditions, places, url, words, runs)
    if to or url or command or runs:
        raise MisuseError("--to, --url, --command and --runs belong to a --rule")
    rules = rules_of(session.registry)
    if not rules:
        raise MisuseError(
            f"no rules: write [[alerts]] in {session.registry.path}, or give one, such as"
            " --rule 'failed or lost'"
        )
    return rules


def _test(rules: Sequence[AlertRule]) -> None:
    """Send a test to every place of every rule.

    Raises:
        typer.Exit: one did not take it.
    """
    failed = False
    for rule in rules:
        now = dt.datetime.now(dt.UTC)
        text = f"a test of mabe watch: {clean(rule.title)}"
        event = AlertEvent(
            rule=rule.title,
            when=rule.when,
            run="test",
            version="",
            state="test",
            time=now,
            text=text,
        )
        _in_terminal(rule, event)
        for place in rule.remote:
            outcome = deliver(rule, place, event)
            failed |= outcome.problem is not None
            say(f"{rule.title}: {place}: {outcome.problem or 'delivered'}")
    if failed:
        raise typer.Exit(1)


def _in_terminal(rule: AlertRule, event: AlertEvent) -> None:
    """Ring the bell and show a desktop notification, where the rule asks for it and there is a terminal."""
    sequence = BELL if "bell" in rule.local else ""
    if "desktop" in rule.local:
        sequence += desktop_notice(event.text, os.environ)
    to_terminal(sequence)


def _row(past: PastAlerts, event: AlertEvent) -> list[object]:
    return [past.rule, f"{event.time.astimezone():%Y-%m-%d %H:%M:%S}", event.text]
