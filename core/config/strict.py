"""Convert tables to structs, with errors that the user can act on.

msgspec says *that* a value is wrong and where; this module adds the allowed values, the nearest correct
spelling, and words instead of type names.
"""

import difflib
import math
import re
import types
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from core.errors import ConfigError

Struct = TypeVar("Struct", bound=msgspec.Struct)
UNSET = "none"
"""Value that unsets a key: TOML has no null."""
_PATH = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)
_ABSENT = re.compile(r"^Object missing required field `(?P<key>[^`]*)`")
_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
_BOUNDS = (
    ("gt", "above", ""),
    ("ge", "from", ""),
    ("lt", "below", ""),
    ("le", "up to", ""),
    ("max_length", "of up to", " characters"),
)
SPELLED = 60
"""Number of characters of a wrong value that a message quotes."""


MANY = 20
"""Above this number, an error does not list the candidates."""


def nearest(word: str, candidates: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` if a candidate is close, else the list of choices."""
    options = list(candidates)
    close = difflib.get_close_matches(word, options, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    if len(options) > MANY:
        near = difflib.get_close_matches(word, options, n=4, cutoff=0)
        return f"; the nearest of {len(options)}: {', '.join(near)}"
    return f"; there are: {', '.join(options)}" if options else ""


def convert(
    table: Mapping[str, Any], kind: type[Struct], name: Callable[[str], str], owner: str = ""
) -> Struct:
    """Convert nested tables to a struct, strictly.

    Args:
        table: the tables.
        kind: a struct type that forbids unknown fields.
        name: returns the text that names a key path in a message: file, table, line.
        owner: owner of the keys of ``kind``, for the message about an unknown one: ``task 'pairs'``.

    Raises:
        ConfigError: names the key path, the problem, the allowed values and the nearest correct spelling.
    """
    for path, problem in unknown_keys(table, kind, owner=owner):
        raise ConfigError(f"{name(path)}: {problem}")
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        found = _PATH.match(str(error))
        if (absent := _ABSENT.match(str(error))) is not None:
            above = (found and found["path"]) or ""
            key = ".".join(filter(None, (above, absent["key"])))
            raise ConfigError(f"{name(key)}: is missing") from None
        path = _with_key(table, kind, (found and found["path"]) or "")
        value = _value_at(table, path)
        allowed = "a finite number" if _is_infinite(value) else describe(field_type(kind, path))
        hint = nearest(value, choices(field_type(kind, path))) if isinstance(value, str) else ""
        hint = hint if hint.startswith("; did") else ""
        raise ConfigError(f"{name(path)}: {_spell(value)} is not {allowed}{hint}") from None


def unknown_keys(
    table: Mapping[str, Any], kind: type[msgspec.Struct], prefix: str = "", owner: str = ""
) -> Iterable[tuple[str, str]]:
    """Find keys that ``kind`` does not have, with the nearest existing one."""
    fields = fields_of(kind)
    for key, value in table.items():
        path = f"{prefix}{key}"
        if key not in fields:
            yield path, f"unknown key{owner and f' of {owner}'}{nearest(key, fields)}"
            continue
        inner = struct_of(fields[key])
        if inner is not None and isinstance(value, Mapping):
            yield from unknown_keys(value, inner, f"{path}.", owner)
        of_each = struct_of(_element(fields[key]))
        if inner is None and of_each is not None and isinstance(value, Mapping):
            for name, each in value.items():
                if isinstance(each, Mapping):
                    yield from unknown_keys(each, of_each, f"{path}.{name}.", owner)


def field_type(kind: type[msgspec.Struct], path: str) -> Any:
    """Return the type of a dotted key path in ``kind``; ``None`` if it does not exist."""
    current: Any = kind
    for part in re.sub(r"\[\.*\d*\]", "", path).split(".") if path else []:
        struct = struct_of(current)
        if struct is not None:
            current = fields_of(struct).get(part)
        elif get_origin(without_none(current)) is dict:
            current = _element(current)
        else:
            return _element(current)
    return _element(current) if path.endswith("]") else current


@cache
def fields_of(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    """Return the type of each field; cached, as this takes longer than the rest of reading a version."""
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


def default_of(kind: type[msgspec.Struct], name: str) -> Any:
    """Return the default of a field that has one."""
    return next(f.default for f in msgspec.structs.fields(kind) if f.name == name)


def is_optional(kind: Any) -> bool:
    """Return whether a field's type allows it to be unset."""
    return type(None) in get_args(kind)


def describe(kind: Any) -> str:
    """Describe in words what a type allows."""
    kinds = [part for part in _parts(kind) if part is not type(None)]
    if len(kinds) > 1:
        return " or ".join(describe(each) for each in kinds)
    (kind,) = kinds
    if get_origin(kind) is Annotated:
        base, *extras = get_args(kind)
        bounds = [
            f"{word} {bound:{'d' if isinstance(bound, int) else 'g'}}{unit}"
            for extra in extras
            for attribute, word, unit in _BOUNDS
            if (bound := getattr(extra, attribute, None)) is not None
        ]
        both = re.sub(r"^(from \S+) and up to ", r"\1 to ", " and ".join(bounds))
        return f"{describe(base)} {both}".strip()
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(str(choice) for choice in get_args(kind))
    if get_origin(kind) is tuple:
        return f"an array, each item {describe(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        return f"a table, each value {describe(get_args(kind)[1])}"
    if struct_of(kind) is not None:
        return "a table"
    return _WORDS.get(kind, "allowed here")


def without_none(kind: Any) -> Any:
    """Remove ``None`` from an optional type; of several remaining types, return the first."""
    return next(part for part in _parts(kind) if part is not type(None))


def takes_array(kind: Any) -> bool:
    """Return whether a type allows an array."""
    return any(get_origin(part) is tuple for part in _parts(kind))


def _parts(kind: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the one type."""
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def struct_of(kind: Any) -> type[msgspec.Struct] | None:
    """Return the struct in a type that is a struct or an optional one; ``None`` for other types."""
    kind = without_none(kind)
    return kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else None


def choices(kind: Any) -> tuple[str, ...]:
    """Return the strings that a type allows, if it lists them; else nothing."""
    kind = without_none(kind)
    return get_args(kind) if get_origin(kind) is Literal else ()


def _element(kind: Any) -> Any:
    kind = without_none(kind)
    if get_origin(kind) is tuple:
        return get_args(kind)[0]
    return get_args(kind)[1] if get_origin(kind) is dict else kind


def _value_at(table: Any, path: str) -> Any:
    for part in re.findall(r"[^.\[\]]+", path):
        if isinstance(table, Mapping):
            table = table.get(part)
        elif isinstance(table, (list, tuple)) and part.isdigit():
            table = table[int(part)]
    return table


def _with_key(table: Mapping[str, Any], kind: type[msgspec.Struct], path: str) -> str:
    """Insert the invalid key into a path that omits it: msgspec names no key of a ``dict``."""
    above, is_open, below = path.partition("[...]")
    values = _value_at(table, above)
    if not is_open or not isinstance(values, Mapping):
        return path
    inner = _element(field_type(kind, above))
    for key, value in values.items():
        try:
            msgspec.convert(value, inner)
        except msgspec.ValidationError:
            return f"{above}.{key}{below}"
    return path


def _is_infinite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _spell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a table"
    spelled = repr(value)
    return spelled if len(spelled) <= SPELLED else f"{spelled[:SPELLED]}…"
