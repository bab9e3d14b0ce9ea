"""A comparison as one file to share: a self-contained page, or its curves as SVG."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from mabe_tui.plotting.panel import Panel
from mabe_tui.plotting.svg import style_sheet, svg_chart, svg_document, without_controls
from mabe_tui.runs.comparison.class_list import has_many_classes
from mabe_tui.runs.comparison.compare import Comparison
from mabe_tui.runs.comparison.compare_tables import note_on_verdicts, sections
from mabe_tui.runs.comparison.inspection import SideClasses, side_classes, side_numbers
from mabe_tui.runs.comparison.sides import Side
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.curves.overlay import metrics_of, overlays
from mabe_tui.runs.format.export import write_new
from mabe_tui.runs.format.untrusted_text import clean
from mabe_tui.runs.store import RunStore

WHITE_TEXT_FROM = 0.85
"""Share of a row above which a cell of a confusion matrix is too dark for dark text."""
NOT_IN_NAMES = re.compile(r"[^\w.@-]+")
LONGEST_NAME = 80
STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--rule:#d5d9de;--soft:#f3f5f7}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8ea;--paper:#16191d;--rule:#3a4048;--soft:#21262c}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:76rem;
margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
.verdict{background:var(--soft);border-left:4px solid #0072b2;padding:.6rem 1rem;margin:.5rem 0}
.note{opacity:.8;font-size:.9rem}
.charts,.matrices{display:flex;flex-wrap:wrap;gap:1.5rem}.chart{flex:1 1 28rem;max-width:45rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .7rem;border-bottom:1px solid var(--rule);text-align:right}
th:first-child,td:first-child{text-align:left}caption{text-align:left;font-weight:600}
.matrix td{text-align:center}
"""


@dataclass(frozen=True)
class ReportTable:
    """A title, the headings of all columns but the first, and rows of a label and one cell per column."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class ComparisonReport:
    """Content of a report, before it is written in any format."""

    title: str
    verdicts: tuple[str, ...]
    note: str
    tables: tuple[ReportTable, ...]
    panels: tuple[Panel, ...]
    matrices: tuple[SideClasses, ...]


def comparison_report(
    comparison: Comparison,
    store: RunStore,
    axis: Axis = Axis.EPOCH,
    classes: Sequence[SideClasses] | None = None,
) -> ComparisonReport:
    """Build a report of a comparison, with the losses and the monitored metrics over the seeds.

    Args:
        comparison: what was found.
        store: has the runs.
        axis: x axis of the curves.
        classes: one per side, if already computed; by default, those of the runs' best checkpoints.

    Raises:
        RunError: dollars are requested, and a price is not known.
    """
    if classes is None:
        classes = [side_classes(side, store) for side in comparison.sides]
    return ComparisonReport(
        title=" and ".join(side.name for side in comparison.sides),
        verdicts=tuple(verdict.sentence for verdict in comparison.verdicts),
        note=note_on_verdicts(comparison) or "",
        tables=(*_tables(comparison), *_worst(classes)),
        panels=tuple(_panels(comparison.sides, store, axis)),
        matrices=tuple(matrix for matrix in classes if matrix.counts),
    )


def _tables(comparison: Comparison) -> Iterator[ReportTable]:
    columns = tuple(side.name for side in comparison.sides)
    for title, rows in sections(comparison):
        if rows:
            yield ReportTable(title, columns, tuple(tuple(map(clean, row)) for row in rows))


def _worst(classes: Sequence[SideClasses]) -> Iterator[ReportTable]:
    """List the worst confusions of each side, if a matrix is too large to find them in."""
    for side in classes if has_many_classes(classes) else ():
        rows = [
            (
                f"{clean(one.truth)} → {clean(one.predicted)}",
                f"{one.frames:,}",
                f"{one.of_truth:.1%}",
                f"{one.of_predicted:.1%}",
            )
            for one in side.confusions
        ]
        if rows:
            columns = (clean(side.examples), "of true", "of predicted")
            yield ReportTable(
                f"worst confusions of {side.name}, true → predicted", columns, tuple(rows)
            )


def _panels(sides: Sequence[Side], store: RunStore, axis: Axis) -> list[Panel]:
    numbers = [side_numbers(side, store) for side in sides if side.runs]
    known = metrics_of(numbers)
    monitors = dict.fromkeys(side.experiment.training.monitor for side in sides)
    return overlays(numbers, ["loss", *(name for name in monitors if name in known)], axis)


def to_svg(report: ComparisonReport) -> str:
    """Write the curves and the verdicts as one SVG file."""
    return svg_document(report.panels, report.verdicts)


def to_html(report: ComparisonReport) -> str:
    """Write the report as one page. It loads and runs nothing, and adapts to a light or dark theme."""
    title = escape(report.title)
    verdicts = "".join(f'<p class="verdict">{escape(each)}</p>' for each in report.verdicts)
    note = f'<p class="note">{escape(report.note)}</p>' if report.note else ""
    return without_controls(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy"'
        " content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{STYLE}{style_sheet()}</style></head>"
        f"<body><h1>{title}</h1>{verdicts}{note}"
        f"{_section('Curves', 'charts', [svg_chart(panel) for panel in report.panels])}"
        f"{''.join(_table(table) for table in report.tables)}"
        f"{_section('Confusion matrices', 'matrices', [_grid(m) for m in report.matrices])}"
        "</body></html>\n"
    )


def write_report(report: ComparisonReport, folder: Path) -> tuple[Path, Path]:
    """Write a report as a page and as SVG, without overwriting any file.

    Returns:
        The page and the picture: ``compare-v5-v6.html``, or ``compare-v5-v6-2.html`` and so on.

    Raises:
        UserError: the folder cannot be written.
    """
    name = "compare-" + NOT_IN_NAMES.sub("-", report.title.replace(" and ", "-"))[:LONGEST_NAME]
    page = write_new(folder, name, ".html", to_html(report).encode())
    return page, write_new(folder, name, ".svg", to_svg(report).encode())


def _section(title: str, kind: str, parts: Sequence[str]) -> str:
    if not parts:
        return ""
    return f'<h2>{title}</h2><div class="{kind}">{"".join(parts)}</div>'


def _table(table: ReportTable) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("", *table.columns))
    rows = "".join(_row(row) for row in table.rows)
    return (
        f'<h2>{escape(table.title)}</h2><div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _row(cells: Sequence[str]) -> str:
    label, *values = cells
    data = "".join(f"<td>{escape(value)}</td>" for value in values)
    return f'<tr><th scope="row">{escape(label)}</th>{data}</tr>'


def _grid(matrix: SideClasses) -> str:
    """Return a confusion matrix: frames, and the share of the row, which is also the shade."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("", *matrix.classes))
    rows = ""
    for name, counts in zip(matrix.classes, matrix.counts, strict=True):
        total = max(sum(counts), 1)
        cells = "".join(_cell(count, count / total) for count in counts)
        rows += f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'
    return (
        f'<table class="matrix"><caption>{escape(matrix.name)}: truth down, prediction across'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _cell(count: int, share: float) -> str:
    colour = ";color:#fff" if share >= WHITE_TEXT_FROM else ""
    style = f"background:rgba(0,114,178,{share:.2f}){colour}"
    return f'<td style="{style}">{share:.0%}<br><small>{count:,}</small></td>'
