"""A report in a terminal of 80 columns: tables with bars, and a line of blocks for what has an order."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from tales.application.reports import Report
from tales.interfaces.cli.report_columns import Column, Section
from tales.interfaces.cli.tables import printable

WIDTH = 80
_BAR = 8
_LONGEST_TITLE = 10
_PARTS = " ▏▎▍▌▋▊▉█"
_HEIGHTS = "▁▂▃▄▅▆▇█"


def report_tables(subject: str, report: Report, sections: Sequence[Section]) -> RenderableType:
    """The whole report."""
    parts: list[RenderableType] = [Text(heading(subject, report), style="bold")]
    for section in sections:
        parts.append(Text(f"\n{section.title}", style="bold"))
        parts += _series(section)
        parts.append(_table(section) if section.rows else Text(f"  {without_rows(section, report)}", style="dim"))
        if section.note:
            parts.append(Text(section.note, style="dim"))
    return Group(*parts)


def report_text(subject: str, report: Report, sections: Sequence[Section]) -> str:
    """The same as text without colours."""
    console = Console(file=io.StringIO(), width=WIDTH, highlight=False, color_system=None)
    console.print(report_tables(subject, report, sections))
    assert isinstance(console.file, io.StringIO)  # it is this very one
    return console.file.getvalue()


def heading(subject: str, report: Report) -> str:
    """What was counted, and what was left out."""
    wanted = report.wanted
    narrowed = [
        f"{name.removesuffix('_id').replace('_', ' ')} {value}"
        for name in ("model", "story_type", "language", "user_id", "prompt_version")
        if (value := getattr(wanted, name)) is not None
    ]
    left_out = f"{report.migrated_left_out:,} migrated attempts left out" if report.migrated_left_out else ""
    rolled = f"until {report.rolled_up_until:%Y-%m-%d %H:%M} from rollups" if report.rolled_up_until else ""
    not_counted = " and ".join(
        name.removesuffix("_id").replace("_", " ") for name in report.not_counted if name not in {"all", "estimate"}
    )
    too_many = f"too many attempts to count by {not_counted} when narrowed so" if not_counted else ""
    nothing = "too many attempts of one user to count: take a shorter period" if "all" in report.not_counted else ""
    unestimated = "too many costs to estimate" if "estimate" in report.not_counted else ""
    period = f"{wanted.since:%Y-%m-%d %H:%M} to {wanted.until:%Y-%m-%d %H:%M} UTC"
    days = f"days of {wanted.zone}" if wanted.zone != "UTC" else ""
    parts = [f"{subject}: {period}", days, *narrowed, left_out, rolled, too_many, nothing, unestimated]
    return printable("; ".join(filter(None, parts)))


def without_rows(section: Section, report: Report) -> str:
    """What stands where a section has no rows: what is left out was not counted, and may be much."""
    # The section of days is the only one that is not named as its dimension.
    dimension = {"days": "day"}.get(section.name, section.name)
    is_left_out = not {"all", dimension}.isdisjoint(report.not_counted)
    return "left out: too many attempts to count" if is_left_out else "nothing in this period"


def bar(part: float | None) -> str:
    """A bar of blocks for a share from 0 to 1."""
    if part is None:
        return ""
    eighths = round(min(max(part, 0.0), 1.0) * _BAR * 8)
    full, rest = divmod(eighths, 8)
    return (_PARTS[8] * full + (_PARTS[rest] if rest else "")).ljust(_BAR)


def sparkline(values: Iterable[float]) -> str:
    """A line of blocks, each as high as its value is beside the greatest."""
    found = list(values)
    most = max(found, default=0.0) or 1.0
    return "".join(_HEIGHTS[min(int(value / most * len(_HEIGHTS)), len(_HEIGHTS) - 1)] for value in found)


def _series(section: Section) -> list[RenderableType]:
    if section.spark is None:
        return []
    values = [value for row in section.rows if (value := section.spark(row)) is not None]
    if section.name == "days":
        values.reverse()  # the newest day is the first row, and time runs to the right
    return [Text(f"  {sparkline(values[-(WIDTH - 4) :])}", style="cyan")] if len(values) > 1 else []


def _table(section: Section) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for column in section.columns:
        if column.is_number:
            table.add_column(printable(column.title), justify="right", no_wrap=len(column.title) <= _LONGEST_TITLE)
        else:
            table.add_column(column.title, overflow="fold")
        if column.bar is not None:
            table.add_column("", no_wrap=True, width=_BAR, style="cyan")
    for row in section.rows:
        table.add_row(*(cell for column in section.columns for cell in _cells(column, row)))
    return table


def _cells(column: Column, row: object) -> list[Text]:
    shown = [Text(printable(column.shown(row)))]
    return [*shown, Text(bar(column.bar(row)))] if column.bar is not None else shown
