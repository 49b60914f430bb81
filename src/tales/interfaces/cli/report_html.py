"""A report as one page: tables, with charts as SVG in it. It loads nothing and runs nothing, so it works offline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from tales.application.reports import Report
from tales.interfaces.cli.report_columns import Column, Section
from tales.interfaces.cli.report_tables import heading, without_rows
from tales.interfaces.cli.tables import printable

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --soft: #52606d; --line: #d9e2ec; --bar: #2a6f97; --paper: #fff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --soft: #9aa5b1; --line: #3e4c59; --bar: #61a5c2; --paper: #16202a }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 70rem; padding: 0 1rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .75rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
th { color: var(--soft) } .number { text-align: right; white-space: nowrap }
.wide { overflow-x: auto } svg rect { fill: var(--bar) } svg text { fill: var(--soft); font-size: 12px }
.note { color: var(--soft) }
"""
_WIDTH, _HEIGHT, _BAR = 720, 120, 120


def report_page(subject: str, report: Report, sections: Sequence[Section]) -> str:
    """The page."""
    title = _escaped(heading(subject, report))
    parts = "\n".join(_section(section, report) for section in sections)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>Tales: {title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Tales: {_escaped(subject)}</h1>\n<p>{title}</p>\n{parts}\n</body>\n</html>\n"
    )


def _section(section: Section, report: Report) -> str:
    if not section.rows:
        return f"<h2>{_escaped(section.title)}</h2>\n<p>{without_rows(section, report).capitalize()}.</p>"
    head = "".join(_head(column) for column in section.columns)
    body = "\n".join(f"<tr>{''.join(_cell(column, row) for column in section.columns)}</tr>" for row in section.rows)
    note = f'\n<p class="note">{_escaped(section.note)}</p>' if section.note else ""
    table = f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>'
    return f"<h2>{_escaped(section.title)}</h2>\n{_chart(section)}{table}{note}"


def _head(column: Column) -> str:
    kind = ' class="number"' if column.is_number else ""
    return f'<th scope="col"{kind}>{_escaped(column.title)}</th>' + ("<td></td>" if column.bar else "")


def _cell(column: Column, row: object) -> str:
    kind = ' class="number"' if column.is_number else ""
    cell = f"<td{kind}>{_escaped(column.shown(row))}</td>"
    if column.bar is None:
        return cell
    part = min(max(column.bar(row) or 0.0, 0.0), 1.0)
    return (
        f'{cell}<td><svg width="{_BAR}" height="14" role="img" aria-label="{part:.0%}">'
        f'<rect width="{part * _BAR:.1f}" height="14" rx="2"/></svg></td>'
    )


def _chart(section: Section) -> str:
    """Columns for what has an order, the earliest on the left."""
    if section.spark is None:
        return ""
    found = [
        (section.columns[0].shown(row), value) for row in section.rows if (value := section.spark(row)) is not None
    ]
    if section.name == "days":
        found.reverse()
    return _columns(found, section.title) if len(found) > 1 else ""


def _columns(series: Iterable[tuple[str, float]], title: str) -> str:
    found = list(series)
    most = max(value for _, value in found) or 1.0
    step = _WIDTH / len(found)
    drawn = "".join(
        f'<rect x="{n * step:.1f}" y="{_HEIGHT * (1 - value / most):.1f}" width="{max(step - 1, 0.5):.1f}"'
        f' height="{_HEIGHT * value / most:.1f}"><title>{_escaped(f"{label}: {value:.4g}")}</title></rect>'
        for n, (label, value) in enumerate(found)
    )
    ends = (
        f'<text x="0" y="{_HEIGHT + 16}">{_escaped(found[0][0])}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 16}" text-anchor="end">{_escaped(found[-1][0])}</text>'
    )
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT + 20}" width="100%" style="max-width:{_WIDTH}px"'
    return f'<svg {box} role="img" aria-label="{_escaped(title)}">{drawn}{ends}</svg>\n'


def _escaped(text: str) -> str:
    return escape(printable(text))
