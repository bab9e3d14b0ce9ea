"""Rules for alerts: ``[[alerts]]`` in the registry, or given to ``mabe watch``."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import msgspec

from core.config.registry import Registry
from core.config.strict import convert
from core.errors import ConfigError
from mabe_tui.runs.alerts.secret import Secret

Local = Literal["bell", "desktop"]
Form = Literal["json", "slack", "discord", "ntfy"]
Place = Literal["bell", "desktop", "command", "json", "slack", "discord", "ntfy"]
LOCAL: tuple[Local, ...] = ("bell", "desktop")
"""Places that only the terminal of the watcher itself can reach."""
FORMS: tuple[Form, ...] = ("json", "slack", "discord", "ntfy")
"""Forms of webhooks."""
COMMAND = "command"


class AlertRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When to alert, and where to."""

    when: str
    """See :func:`mabe_tui.runs.alerts.conditions.parse_condition`."""
    to: tuple[Place, ...] = ("bell",)
    name: str = ""
    runs: str = ""
    """A query, as for ``mabe runs``: only these runs."""
    url: str = ""
    """Where the webhook's address is kept: ``env:NAME`` or ``file:PATH``."""
    command: tuple[str, ...] = ()
    """A program and its arguments; it reads the event as JSON on its standard input."""

    @property
    def title(self) -> str:
        """How it is called in words."""
        return self.name or self.when

    @property
    def key(self) -> str:
        """What identifies it on disk: another condition, or other runs, make another rule."""
        text = "\0".join((self.name, self.when, self.runs))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def local(self) -> tuple[Local, ...]:
        """The places in the terminal of the watcher."""
        return tuple(place for place in LOCAL if place in self.to)

    @property
    def remote(self) -> tuple[str, ...]:
        """The places that may be out of reach for a while."""
        return tuple(place for place in self.to if place not in LOCAL)

    @property
    def secret(self) -> Secret:
        """The webhook's address.

        Raises:
            ConfigError: the rule does not say where it is kept.
        """
        return Secret(self.url)


def rules_of(registry: Registry) -> list[AlertRule]:
    """Return the rules of a registry.

    Raises:
        ConfigError: one is invalid; names the file, the rule's number and the key.
    """
    tables: Any = registry.manager.get("alerts", [])
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise ConfigError(f"{registry.path}: alerts must be tables, each under [[alerts]]")
    rules = []
    for number, table in enumerate(tables, start=1):
        where = f"{registry.path}: alerts, number {number}"
        rules.append(_checked(convert(table, AlertRule, partial(_place_in, where)), where))
    return require_distinct(rules, str(registry.path))


def rules_given(
    conditions: Sequence[str],
    to: Sequence[str],
    url: str | None,
    command: Sequence[str],
    runs: str | None,
) -> list[AlertRule]:
    """Return the rules of a command line, which share everything but their condition.

    Raises:
        ConfigError: one is invalid; names the option.
    """
    shared = {"to": tuple(to) or ("bell",), "url": url or "", "command": tuple(command)}
    rules = [
        convert({"when": when, "runs": runs or "", **shared}, AlertRule, lambda path: f"--{path}")
        for when in conditions
    ]
    return require_distinct([_checked(rule, "--rule") for rule in rules], "--rule")


def require_distinct(rules: Iterable[AlertRule], where: str) -> list[AlertRule]:
    """Return the rules, none of which repeats another.

    Raises:
        ConfigError: two are the same but for where they alert.
    """
    found: dict[str, AlertRule] = {}
    for rule in rules:
        if rule.key in found:
            raise ConfigError(f"{where}: two rules {rule.title!r}; join their `to`, or name each")
        found[rule.key] = rule
    return list(found.values())


def _place_in(where: str, path: str) -> str:
    return f"{where}: {path}".rstrip(": ")


def _checked(rule: AlertRule, where: str) -> AlertRule:
    forms = [place for place in rule.to if place in FORMS]
    if len(forms) > 1:
        raise ConfigError(f"{where}: to: {' and '.join(forms)} have one address each: two rules")
    if forms:
        rule.secret.require_source(f"{where}: url")
    elif rule.url:
        raise ConfigError(f"{where}: url: `to` names no webhook ({', '.join(FORMS)})")
    if (COMMAND in rule.to) != bool(rule.command):
        missing = "command" if rule.to and COMMAND in rule.to else 'to = ["command"]'
        raise ConfigError(f"{where}: {missing} is missing: a program and its arguments, in a list")
    return rule
