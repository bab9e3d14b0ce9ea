"""Fixtures for the dashboard over recorded runs, at a fixed time."""

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from textual.css.stylesheet import Stylesheet
from textual.widget import Widget

from core.config import registry
from mabe_tui.runs.session import Session
from mabe_tui.tui.app import MabeApp
from mabe_tui.tui.dashboard import Options
from tests.recorded import BEGAN, write_all

NOW = BEGAN + dt.timedelta(hours=10)
SMALL, LARGE = (80, 24), (140, 45)
SHOWN = ("v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v8-boost")
"""The versions on the screens, whatever else the shipped registry has by now."""
MakeApp = Callable[..., MabeApp]


@pytest.fixture(scope="session", autouse=True)
def stylesheets_parsed_once() -> Iterator[None]:
    """Parse each stylesheet once per session: Textual parses it for each app."""
    parse, parsed = Stylesheet._parse_rules, dict[Any, Any]()

    def parse_once(sheet: Stylesheet, *css: Any, **options: Any) -> Any:
        key = (css, *sorted(options.items()), frozenset(sheet._variables.items()))
        if key not in parsed:
            parsed[key] = parse(sheet, *css, **options)
        return parsed[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parse_once)
        yield


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder with recorded runs, written once."""
    home = tmp_path_factory.mktemp("recorded")
    write_all(home)
    return home


@pytest.fixture(scope="session")
def few_versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with the versions of :data:`SHOWN`."""
    document = tomlkit.parse(registry.default_path().read_text(encoding="utf-8"))
    for name in {*document["experiments"]} - {*SHOWN}:
        del document["experiments"][name]
    path = tmp_path_factory.mktemp("registry") / registry.FILE_NAME
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
    return path


@pytest.fixture
def recorded(
    recordings: Path, few_versions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy of the home folder, with recorded runs of v4 to v7, for one test."""
    home = tmp_path / "home"
    shutil.copytree(recordings, home)
    monkeypatch.setenv("MABE_HOME", str(home))
    monkeypatch.setenv("MABE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("MABE_REGISTRY", str(few_versions))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    return home


@pytest.fixture
def make_app(recorded: Path) -> MakeApp:
    """Return a function that creates the app with options and a stopped clock."""

    def make(**options: object) -> MabeApp:
        app = MabeApp(Session(), Options(**options), clock=lambda: NOW)  # type: ignore[arg-type]
        app.animation_level = "none"
        return app

    return make


def text_of(widget: Widget) -> str:
    """Return the lines that a widget draws, also those that are scrolled out of view."""
    return "\n".join(line.text for line in widget.render_lines(widget.size.region))
