"""What the tests of the preflight ask of it."""

from __future__ import annotations

import re
from typing import Any

from tales.legacy.check.check import check_migration
from tales.legacy.report import CheckOptions, Dependent, Finding, Report
from tests.fixtures.databases import Database


def look(database: Database, url: str | None = None, **options: Any) -> Report:
    """The report on a database, by its owner unless `url` says otherwise."""
    return check_migration(url or database.owner_url, CheckOptions(**options))


def findings(report: Report, name: str) -> list[Finding]:
    """The findings of one name."""
    return [finding for finding in report.findings if finding.name == name]


def the_finding(report: Report, name: str) -> Finding:
    """The only finding of this name."""
    (finding,) = findings(report, name)
    return finding


def the_dependent(report: Report, name: str) -> Dependent:
    """The only dependent of this name."""
    (dependent,) = [dependent for dependent in report.dependents if dependent.name == name]
    return dependent


def unqualified(definition: str) -> str:
    """A definition as PostgreSQL 16 and later print it: earlier ones put the table's name before every column."""
    return re.sub(r"\b(?:stories|kept)\.(?=[a-z])", "", definition)
