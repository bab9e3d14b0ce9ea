"""The documentation agrees with the repository: the links, files, tests and commands it names exist."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from core.data.findings import KINDS
from mabe_tui.cli.dashboard import dashboard
from mabe_tui.cli.main import app, command_of

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]

FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FILE = re.compile(r"\b(?:core|mabe_tui|tests|docs)/[\w./-]+\.(?:py|md|svg|toml)\b")
MODULE = re.compile(r"python -m ((?:tests|core|mabe_tui)(?:\.\w+)+)")
TEST = re.compile(r"\btest_\w+")
DEFINED = re.compile(r"^\s*(?:async )?def (test_\w+)", re.MULTILINE)
COMMAND = re.compile(r"(?:^|[\s`$])(mabe|mabe-tui)(?= |$)")
WORD = re.compile(r"[a-z][a-z-]*")
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")

page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


def prose(text: str) -> str:
    return FENCE.sub("", text)


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub generates for the headings of a page."""
    headings = HEADING.findall(prose(path.read_text("utf-8")))
    bare = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in bare}


def test_the_page_on_checks_has_every_problem() -> None:
    severity_of = {}
    for row in re.findall(
        r"^\| (`.+?) \| (\w+) \|", (ROOT / "docs/checks.md").read_text("utf-8"), re.M
    ):
        severity_of |= dict.fromkeys(re.findall(r"`(\w+)`", row[0]), row[1])
    assert severity_of == {code: kind.severity for code, kind in KINDS.items()}


@page
def test_links_lead_to_pages_and_headings(page: Path) -> None:
    broken = []
    for link in LINK.findall(prose(page.read_text("utf-8"))):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@page
def test_files_and_modules_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    named = [*FILE.findall(text), *(name.replace(".", "/") for name in MODULE.findall(text))]
    assert [name for name in named if not exists(name)] == []


def exists(name: str) -> bool:
    """Return whether a file or module exists; paths below `tests/` may omit that folder."""
    places = (ROOT / name, ROOT / f"{name}.py", ROOT / "tests" / name)
    return any(place.exists() for place in places) or "NAME" in name


@cache
def defined_tests() -> frozenset[str]:
    sources = [*ROOT.glob("tests/**/test_*.py")]
    names = {path.stem for path in sources}
    for path in sources:
        names.update(DEFINED.findall(path.read_text("utf-8")))
    return frozenset(names)


@page
def test_named_tests_exist(page: Path) -> None:
    named = TEST.findall(page.read_text("utf-8"))
    of_the_data = {"test_tracking", "test_public"}
    assert [name for name in named if name not in defined_tests() | of_the_data] == []


def command_lines(text: str) -> list[str]:
    """Yield each ``mabe …`` command in the code of a page, with the text up to the next one."""
    code = [line for block in FENCE.findall(text) for line in block.splitlines()]
    code += [" ".join(span.split()) for _, span in INLINE_CODE.findall(prose(text))]
    lines = []
    for line in code:
        starts = [match.start(1) for match in COMMAND.finditer(line)]
        ends = [*starts[1:], len(line)][: len(starts)]
        lines += [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    return lines


# typer vendors click under a private name that may change, hence ``Any``.
@cache
def root(program: str) -> Any:
    made: Any = app if program == "mabe" else command_of(dashboard)
    return typer.main.get_command(made)


def options(command: Any) -> set[str]:
    names = {n for each in command.params for n in (*each.opts, *each.secondary_opts)}
    return names | {"-h", "--help"}


def problem(line: str) -> str | None:
    """Return what is wrong with a documented command line, ignoring trailing descriptions."""
    program, *words = line.split()
    command = root(program)
    known = options(command) | {"--debug"}
    while hasattr(command, "list_commands") and words and WORD.fullmatch(words[0]):
        name = words.pop(0)
        if name not in command.list_commands(typer.Context(command)):
            return f"{line}: no command {name}"
        command = command.get_command(typer.Context(command), name)
        known |= options(command)
    unknown = [name for name in OPTION.findall(" ".join(words)) if name not in known]
    return f"{line}: no option {unknown[0]}" if unknown else None


@page
def test_commands_and_their_options_exist(page: Path) -> None:
    lines = command_lines(page.read_text("utf-8"))
    assert [found for line in lines if (found := problem(line))] == []


@pytest.mark.parametrize(
    "line",
    [
        "mabe launch v6",
        "mabe data fetch",
        "mabe run v6 --fast",
        "mabe-tui --remote",
        "mabe runs -q",
    ],
)
def test_an_unknown_command_or_option_is_found(line: str) -> None:
    assert command_lines(f"```\n$ {line}  # so\n```") == [f"{line}  # so"]
    assert problem(line) is not None


def test_anchors_are_those_of_github(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# The *first*: `a`, b\n```\n# not this\n```\n## On v6–v7\n", "utf-8")
    assert anchors(page) == {"the-first-a-b", "on-v6v7"}
