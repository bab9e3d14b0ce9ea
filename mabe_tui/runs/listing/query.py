"""The filter over runs: ``gpu == "H100" and score > 0.4``, ``tag:sweep or not note ~ "bad"``.

::

    or    = and { "or" and }
    and   = not { [ "and" ] not }
    not   = "not" not | "(" or ")" | test
    test  = key sign value | key [ "not" ] "in" "(" value { "," value } ")" | key ":" value | text
    sign  = "==" | "=" | "!=" | "<" | "<=" | ">" | ">=" | "~"

``~`` matches a regular expression, ignoring case. A missing value makes a test false; only ``== none``
matches it. Against a time, a duration is an age: ``created < 2d`` selects the last two days' runs.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import UserError
from mabe_tui.runs.listing.fields import Fields, Row, UnknownFieldError
from mabe_tui.runs.listing.query_values import (
    Literal,
    Test,
    bare,
    containing,
    literal,
    matching,
    member,
    relation,
)

_TOKEN = re.compile(
    r"""\s*(?:(?P<sign>==|!=|<=|>=|[<>=~(),])
    |(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<word>[^\s()<>=!~,"']+)
    |(?P<end>$)
    |(?P<bad>.))""",
    re.VERBOSE | re.DOTALL,
)
SIGNS = ("==", "=", "!=", "<", "<=", ">", ">=", "~")
KEYWORDS = ("and", "or", "not", "in")
DEEPEST = 50
"""Maximum nesting depth of parentheses and ``not``."""


class QueryError(UserError):
    """Raised for an invalid filter; the message names the column."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"column {column}: {message}")
        self.column = column
        """Column in the text, from 1."""


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed filter."""

    text: str
    keys: tuple[str, ...]
    """Keys that it looks at, apart from those of bare words."""
    bare: tuple[str, ...]
    """Words without a key, which are looked for in several texts."""
    _test: Test

    def matches(self, row: Row) -> bool:
        """Return whether a run's row passes."""
        return self._test(row)

    def filter(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows that pass, in their order."""
        return [row for row in rows if self._test(row)]


def parse(text: str, fields: Fields | None = None) -> Query:
    """Parse a filter; an empty one lets everything pass.

    Args:
        text: the text of the filter.
        fields: the keys of the rows to be filtered; the fixed ones by default.

    Raises:
        QueryError: names the column, the problem there, and for an unknown key the nearest known one.
    """
    parser = _Parser(text, fields or Fields())
    test = parser.whole()
    return Query(text, tuple(dict.fromkeys(parser.keys)), tuple(parser.bare), test)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    """``sign``, ``quoted``, ``word`` or ``end``."""
    text: str
    column: int


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while not found or found[-1].kind != "end":
        match = _TOKEN.match(text, at)
        assert match is not None  # the last branch matches anything
        kind = str(match.lastgroup)
        part = match[kind]
        column = match.start(kind) + 1
        if kind == "bad":
            unclosed = part in "\"'"
            raise QueryError("a quote that is never closed" if unclosed else f"{part!r}?", column)
        if kind == "quoted":
            part = re.sub(r"\\([\"'\\])", r"\1", part[1:-1])
        found.append(_Token(kind, part, column))
        at = match.end()
    return found


class _Parser:
    def __init__(self, text: str, fields: Fields) -> None:
        self.keys: list[str] = []
        self.bare: list[str] = []
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self._fields = fields

    def whole(self) -> Test:
        if self._next.kind == "end":
            return lambda _: True
        test = self._or()
        if self._next.kind != "end":
            raise self._error("and, or, or the end")
        return test

    def _or(self) -> Test:
        tests = [self._and()]
        while self._take("or"):
            tests.append(self._and())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def _and(self) -> Test:
        tests = [self._not()]
        while self._take("and") or self._starts_a_test():
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _not(self) -> Test:
        self._depth += 1
        if self._depth > DEEPEST:
            raise QueryError(f"more than {DEEPEST} levels", self._next.column)
        try:
            if self._take("not"):
                inner = self._not()
                return lambda row: not inner(row)
            if not self._take("("):
                return self._test()
            test = self._or()
            self._expect(")")
            return test
        finally:
            self._depth -= 1

    def _test(self) -> Test:
        token = self._next
        if token.kind not in ("word", "quoted") or self._is_keyword(token):
            raise self._error("a test, such as score > 0.4")
        self._at += 1
        if self._next.kind == "sign" and self._next.text in SIGNS:
            return self._comparison(self._key(token, token.text))
        if self._starts_in():
            return self._membership(self._key(token, token.text))
        name, colon, rest = token.text.partition(":")
        if token.kind == "word" and colon:
            return containing(self._key(token, name), self._rest_or_value(token, name, rest))
        self.bare.append(token.text)
        return bare(token.text)

    def _comparison(self, key: str) -> Test:
        sign = self._advance().text
        token = self._next
        wanted = self._value()
        if sign != "~":
            return relation(key, "==" if sign == "=" else sign, wanted)
        try:
            return matching(key, re.compile(wanted.text, re.IGNORECASE))
        except re.error as error:
            raise QueryError(f"not a regular expression: {error}", token.column) from None

    def _membership(self, key: str) -> Test:
        negated = self._take("not")
        self._expect("in")
        self._expect("(")
        wanted = [self._value()]
        while self._take(","):
            wanted.append(self._value())
        self._expect(")")
        test = member(key, wanted)
        present = relation(key, "!=", literal("none", quoted=False))
        return (lambda row: present(row) and not test(row)) if negated else test

    def _rest_or_value(self, token: _Token, name: str, rest: str) -> Literal:
        """Return the text after the colon: the rest of the word, or a quoted string directly behind it."""
        if rest:
            return literal(rest, quoted=False)
        if self._next.kind == "quoted" and self._next.column == token.column + len(name) + 1:
            return self._value()
        raise QueryError(f"nothing after {token.text!r}", token.column + len(token.text))

    def _value(self) -> Literal:
        token = self._next
        if token.kind not in ("word", "quoted") or self._is_keyword(token):
            raise self._error("a value")
        self._at += 1
        return literal(token.text, quoted=token.kind == "quoted")

    def _key(self, token: _Token, name: str) -> str:
        try:
            key = self._fields.resolve(name)
        except UnknownFieldError as error:
            raise QueryError(str(error), token.column) from None
        self.keys.append(key)
        return key

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _advance(self) -> _Token:
        token = self._next
        self._at += 1
        return token

    def _is(self, token: _Token, text: str) -> bool:
        return token.kind in ("word", "sign") and token.text == text

    def _is_keyword(self, token: _Token) -> bool:
        return token.kind == "word" and token.text in KEYWORDS

    def _take(self, text: str) -> bool:
        taken = self._is(self._next, text)
        self._at += taken
        return taken

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self._error(text)

    def _starts_a_test(self) -> bool:
        token = self._next
        if token.kind == "word":
            return token.text not in ("and", "or", "in")
        return token.kind == "quoted" or self._is(token, "(")

    def _starts_in(self) -> bool:
        following = self._tokens[self._at + 1 : self._at + 2]
        negated = self._is(self._next, "not") and any(self._is(t, "in") for t in following)
        return self._is(self._next, "in") or negated

    def _error(self, expected: str) -> QueryError:
        token = self._next
        found = "the end" if token.kind == "end" else repr(token.text)
        return QueryError(f"expected {expected}, not {found}", token.column)
