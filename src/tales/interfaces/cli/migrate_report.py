"""The report of `tales migrate check` as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tales.interfaces.cli.console import out
from tales.legacy.report import (
    MOVED_COLUMNS_JOIN,
    Cause,
    Column,
    Dependent,
    Estimate,
    Finding,
    Impact,
    Report,
    Severity,
)

_COLOURS = {Severity.PROBLEM: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}
_IMPACTS = {
    Impact.STOPS: "stops the dropping",
    Impact.LOST: "is dropped with it",
    Impact.FAILS: "may fail afterwards",
    Impact.FOLLOWS: "depends on one that stops",
}
_UNITS = ("B", "kB", "MB", "GB", "TB")


def show(report: Report) -> None:
    """Print everything: what will happen, then what needs a hand, then how it ends."""
    if report.nothing_to_move:
        out.print(f"The database stands at {report.revision} (by its {report.recognised_by}). {report.nothing_to_move}")
        _show_findings(report.findings)
        return
    out.print(f"The database stands at {report.revision} (by {report.recognised_by}).")
    _show_steps(report)
    if report.estimate:
        _show_estimate(report.estimate)
    _show_causes(report.causes)
    _show_columns(report.columns)
    _show_dependents(report.dependents)
    _show_findings(report.findings)
    if report.unaffected:
        kept = ", ".join(f"{thing.kind} {thing.name}" for thing in report.unaffected)
        out.print(f"Stays as it is: {escape(kept)}.", soft_wrap=True)
    _show_end(report)


def _show_steps(report: Report) -> None:
    table = Table("", "migration", "what it does", box=SIMPLE)
    for step in report.steps:
        table.add_row(step.number, Text(step.name), Text(step.summary))
    _print_filled("Will run", table)


def _show_estimate(estimate: Estimate) -> None:
    facts = Table.grid(padding=(0, 2))
    low, high = estimate.seconds
    sample = f"{estimate.sampled_rows:,} were read and hashed in {estimate.sample_seconds:.2f} s"
    facts.add_row("stories", f"{estimate.rows:,}")
    facts.add_row("time", f"{_duration(low)} to {_duration(high)}, unthrottled ({sample})")
    facts.add_row("table now", _size(estimate.stories_bytes))
    facts.add_row("room needed", " to ".join(map(_size, estimate.new_bytes)))
    facts.add_row("write-ahead log", " to ".join(map(_size, estimate.wal_bytes)))
    free = "unknown from here" if estimate.free_bytes is None else _size(estimate.free_bytes)
    facts.add_row("free on its disk", free)
    out.print(facts)


def _show_causes(causes: Iterable[Cause]) -> None:
    table = Table(box=SIMPLE)
    table.add_column("cause")
    table.add_column("stories", justify="right")
    table.add_column("what happens")
    table.add_column("for example", no_wrap=True)
    for cause in causes:
        rule = Text(f"They {cause.rule}.") if cause.rule else Text(cause.todo, style="red")
        table.add_row(Text(cause.what), f"{cause.rows:,}", rule, Text("\n".join(cause.examples)))
    _print_filled("Stories that break a new rule", table)
    for cause in causes:
        if cause.rule is None:
            _show_statements(cause.statements)


def _show_columns(columns: Iterable[Column]) -> None:
    table = Table("column", "type", "", box=SIMPLE)
    for column in columns:
        impact = "stays"
        if column.refuses_new_rows:
            impact = (
                f"would refuse new rows: the service does not know it; `up` relaxes it, with --yes: {column.statement}"
            )
            if column.in_specification:
                impact = f"would refuse new rows: the service writes NULL there; relax it: {column.statement}"
        table.add_row(Text(f"{column.table}.{column.name}"), Text(column.type), Text(impact))
    _print_filled("Columns beyond the specification", table)


def _show_dependents(dependents: Iterable[Dependent]) -> None:
    table = Table(box=SIMPLE)
    for name in ("kind", "name", "columns", "impact"):
        table.add_column(name, overflow="fold")
    for dependent in dependents:
        impact = Text(_IMPACTS[dependent.impact], style="red" if dependent.impact is Impact.STOPS else "yellow")
        table.add_row(dependent.kind, Text(dependent.name), Text(", ".join(dependent.columns)), impact)
    _print_filled("What depends on a column that 017 drops", table)
    for dependent in dependents:
        out.print(Text(f"{dependent.kind} {dependent.name}: {dependent.advice}"), soft_wrap=True)
        _show_indented(dependent.definition, style="dim")
        _show_statements(dependent.statements)
    if table.row_count:
        out.print("The moved columns of a story s, from expand on:")
        _show_indented(f"join {MOVED_COLUMNS_JOIN}", style="cyan")


def _show_findings(findings: Iterable[Finding]) -> None:
    for finding in findings:
        line = Text(f"{finding.severity.value}: ", style=_COLOURS[finding.severity])
        out.print(line.append(finding.sentence, style="default"), soft_wrap=True)
        _show_statements(finding.statements)


def _show_statements(statements: Iterable[str]) -> None:
    for statement in statements:
        _show_indented(statement, style="cyan")


def _show_indented(sql: str, *, style: str) -> None:
    # Lines are not wrapped, so that they can be copied.
    out.print(Text(f"    {sql}".replace("\n", "\n    "), style=style), soft_wrap=True)


def _show_end(report: Report) -> None:
    if not report.problems:
        out.print("[green]Everything has a rule.[/green] Nothing was changed. Go on with `tales migrate up`.")
        return
    out.print(f"[red]{len(report.problems)} without a rule.[/red] Nothing was changed.")
    for problem in report.problems:
        out.print(Text(f"- {problem}"), soft_wrap=True)
    if any(dependent.impact is Impact.STOPS for dependent in report.dependents):
        out.print(
            "Change what depends on dropped columns in between: `tales migrate up --until expand`, your own "
            "statements, `tales migrate check`, `tales migrate up`.",
            soft_wrap=True,
        )


def _print_filled(title: str, table: Table) -> None:
    if table.row_count:
        out.print(title, style="bold")
        out.print(table)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def _size(size: float) -> str:
    """In decimal units."""
    for unit in _UNITS[:-1]:
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} {_UNITS[-1]}"
