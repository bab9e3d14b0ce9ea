"""The report is one self-contained page, and untrusted text in it is escaped."""

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from core.config.registry import default_path, load
from core.run.records import About
from mabe_tui.plotting.panel import Panel
from mabe_tui.plotting.series import Series
from mabe_tui.runs.comparison.compare import compare
from mabe_tui.runs.comparison.inspection import SideClasses, classes_of_counts
from mabe_tui.runs.comparison.report import (
    ComparisonReport,
    ReportTable,
    comparison_report,
    to_html,
    to_svg,
)
from mabe_tui.runs.store import RunStore
from tests.recorded import Recording, write_all

STRANGE = "<img src=https://example.com/x onerror=alert(1)> & \"quoted\" 'too'"
VOID = {"meta", "br", "rect"}


class Page(HTMLParser):
    """What a browser would make of a page: its tags, their attributes and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture
def store(home: Path) -> RunStore:
    recordings = [
        Recording(version="v5", name="aa22", epochs=3),
        Recording(version="v5", name="aa33", epochs=3, seed=7, hours=1),
        Recording(version="v6", name="bb22", epochs=4, skill=0.9, hours=2),
    ]
    for run in write_all(home, recordings):
        run.write_about(About(note=STRANGE))
    return RunStore(home)


def report_of(store: RunStore, *names: str) -> ComparisonReport:
    return comparison_report(compare(names, store, load(default_path())), store)


def test_report_of_a_comparison(store: RunStore) -> None:
    report = report_of(store, "v5", "v6")
    assert [matrix.name for matrix in report.matrices] == ["v5", "v6"]
    frames = [sum(map(sum, matrix.counts)) for matrix in report.matrices]
    assert frames[0] == 2 * frames[1]  # v5 has two seeds
    titles = [f"{name}, mean and std over seeds" for name in ("loss", "f1_macro")]
    assert [panel.title for panel in report.panels] == titles
    legend = [one.name for one in report.panels[1].series if one.name]
    assert legend == ["v5 (2 seeds)", "v6"]
    page = Page(to_html(report))
    assert page.open == []
    text = "".join(page.words)
    assert report.verdicts[0] in text
    assert "v6 is better" in text
    assert page.tags.count("svg") == 2
    assert {"changed settings", "F1 of each class, at the best epoch", "time and cost"} <= set(
        page.words
    )
    assert "v6 train_loss" in text
    assert "v5 train_loss (2 seeds)" in text
    assert to_svg(report).count('fill-opacity="0.18"') == 3  # two losses and F1 of v5


def test_many_classes_have_their_worst_confusions_listed(store: RunStore) -> None:
    comparison = compare(["v5", "v6"], store, load(default_path()))
    names = tuple(f"action {number}" for number in range(37))
    counts = np.eye(37, dtype=int) * 100
    counts[3, 5] = 41
    many = [classes_of_counts(name, names, counts) for name in ("v5", "v6")]
    table = comparison_report(comparison, store, classes=many).tables[-1]
    assert table.title == "worst confusions of v6, true → predicted"
    assert table.rows == (("action 3 → action 5", "41", "29.1%", "29.1%"),)
    assert "worst confusions" not in to_html(report_of(store, "v5", "v6"))


def test_page_loads_nothing_and_runs_nothing(store: RunStore) -> None:
    page = Page(to_html(report_of(store, "v5", "v6")))
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not {"src", "href", "srcset"} & {name for name, _ in page.attributes}
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert "url(" not in "".join(page.words)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def test_text_of_strangers_is_shown_as_it_is() -> None:
    report = ComparisonReport(
        title=STRANGE,
        verdicts=(STRANGE,),
        note=STRANGE,
        tables=(ReportTable(STRANGE, (STRANGE,), ((STRANGE, STRANGE),)),),
        panels=(Panel((Series(STRANGE, [0], [0]),), (0,), STRANGE),),
        matrices=(SideClasses(name=STRANGE, classes=(STRANGE,), counts=((1,),)),),
    )
    page = Page(to_html(report))
    assert "img" not in page.tags
    assert not any("onerror" in name for name, _ in page.attributes)
    assert sum(words.count(STRANGE) for words in page.words) == 13
    assert "<img" not in to_svg(report)


def test_sides_without_a_run_or_an_evaluation(store: RunStore) -> None:
    run = store.find("v6").run
    run.evaluation_table.unlink()
    report = report_of(store, "v6", "v7")
    assert report.matrices == ()
    assert [s.name for s in report.panels[1].series] == ["v6"]
    assert "no verdict" in to_html(report)


def test_versions_without_any_run(store: RunStore) -> None:
    report = report_of(store, "v3", "v7")
    assert (report.panels, report.matrices) == ((), ())
    assert Page(to_html(report)).open == []
    assert to_svg(report).count("no verdict") == 1
