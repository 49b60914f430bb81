"""Any legacy database: `check` refuses with what to do, or everything works, there and back.

`TALES_SHAPES` says how many shapes are drawn; `make test-deep` draws many.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import cast

import psycopg
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, example, given, settings

from tales.application.services import Services
from tales.infrastructure.migrations.shape import UnknownShape
from tales.interfaces.api.app import create_app
from tales.legacy.check.check import check_migration
from tales.legacy.migrate import MigrationOptions, migrate_down, migrate_up
from tales.legacy.report import CheckOptions, Impact, Report, Severity
from tales.legacy.verify import verify
from tests.fixtures.databases import Database
from tests.fixtures.server import Server
from tests.legacy.comparing import contents
from tests.legacy.first_use import use_service
from tests.legacy.making import ADA, BEN, database_of, platform_url
from tests.legacy.shapes import NARROWEST, OURS, REAL, Shape, shapes

SHAPES = int(os.environ.get("TALES_SHAPES", "3"))
CHOICES = {"tales.orphans": "quarantine", "tales.invalid": "quarantine"}
OPTIONS = CheckOptions(orphans="quarantine", invalid="quarantine")
EMPTY = re.compile(
    r'tales\.(\w+)\.(.+) stays without NOT NULL|alter table tales\.(\w+) alter column (\S+|".*") set not null'
)
NEW = ("+ stories (", "+ children (", "+ heroes (")
ROUNDS = 8
"""How often an operator does what `check` says and looks again."""


class Refusal(Exception):
    """`check` refuses, and what it says to do cannot be done by a statement alone."""


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """An application whose use cases each shape sets."""
    return create_app(cast("Services", None))


def todo(report: Report) -> list[str]:
    """The statements for everything that stops the migration at its beginning. Raises: Refusal."""
    if any(finding.name == "encoding" for finding in report.findings):
        raise Refusal
    named: list[tuple[str, tuple[str, ...]]] = [
        *((f.sentence, f.statements) for f in report.findings if f.severity is Severity.PROBLEM),
        *((c.what, c.statements) for c in report.causes if c.rule is None),
        *((c.name, (c.statement or "",)) for c in report.columns if c.refuses_new_rows and c.in_specification),
    ]
    assert all(statements for _, statements in named), f"nothing to do is said: {named}"
    return [statement for _, statements in named for statement in statements]


def run(database: Database, statements: Iterable[str]) -> None:
    """What an operator does: as the owner, or as somebody else what an owner may not do."""
    for statement in dict.fromkeys(statements):
        try:
            database.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            with psycopg.connect(platform_url(database), autocommit=True) as platform:
                platform.execute(statement)


def follow_check(database: Database) -> Report:
    """Do what `check` says until it has nothing against the migration's beginning. Raises: Refusal."""
    for _ in range(ROUNDS):
        try:
            report = check_migration(database.owner_url, OPTIONS)
            statements = todo(report)
        except UnknownShape as refusal:
            statements = re.findall(r"(?:create|alter) table [^;]*;", str(refusal))
            if not statements:
                raise
        if not statements:
            if any("there is no user" in finding.sentence for finding in report.findings):
                # It says to check again when there is one: until then nobody knows what a first story meets.
                raise Refusal
            return report
        try:
            run(database, statements)
        except psycopg.errors.FeatureNotSupported as error:
            # A type that something uses: `check` has named what.
            assert any("made again afterwards" in problem for problem in report.problems), error  # noqa: PT017
            raise Refusal from None
    raise AssertionError(f"what check says does not help: {report.problems}")


def go_up(database: Database, report: Report) -> None:
    """Migrate; what keeps columns from being dropped goes in the middle, as `check` says."""
    options = MigrationOptions(CHOICES, drops_not_null=True)
    if any(dependent.impact is Impact.STOPS for dependent in report.dependents):
        migrate_up(database.owner_url, options=replace(options, until_expand=True))
        for found in check_migration(database.owner_url, OPTIONS).dependents:
            if found.impact is Impact.STOPS:
                run(database, found.statements or (f"drop {found.kind} if exists {found.name} cascade",))
    migrate_up(database.owner_url, options=options)


def there_and_back(server: Server, app: FastAPI, shape: Shape) -> None:
    """The property. Raises: Refusal."""
    with database_of(server, shape) as database:
        url = platform_url(database)
        report = follow_check(database)
        before = contents(url)
        go_up(database, report)
        assert verify(url).problems == ()
        moved = database_rows(url, f"select from tales.stories where user_id = '{ADA}'")
        asyncio.run(use_service(app, database.app_url, ADA, BEN, moved, keeps=shape.keeps))
        warnings = migrate_down(database.owner_url, "014", archive="table")
        # A column that is empty in something new stays without NOT NULL, and that is said (docs/migration.md).
        empty = {tuple(filter(None, column)) for warning in warnings for column in EMPTY.findall(warning)}
        assert len(empty) == len(warnings), warnings
        assert shape.keeps or not warnings
        # What the operator had to drop; what goes with a column comes back with it.
        lost = [found.name for found in report.dependents if found.impact is not Impact.LOST]
        bare = [name.rpartition(".")[2] for name in lost]
        allowed = ("generations_archive", *lost, *bare)
        changed = [
            line
            for line in before.differences(contents(url), allowed)
            if not (shape.keeps and line.startswith(NEW))
            and not any(f"column tales.{table}.{name}:" in line for table, name in empty)
        ]
        assert not changed, "\n".join(changed)
        if shape.returns:
            go_up(database, check_migration(database.owner_url, OPTIONS))
            assert verify(url).problems == ()


def database_rows(url: str, query: str) -> int:
    """How many rows there are."""
    with psycopg.connect(url) as connection:
        return connection.execute(query).rowcount


@settings(
    max_examples=SHAPES,
    # A few are always the same; who asks for many wants new ones.
    derandomize="TALES_SHAPES" not in os.environ,
    deadline=None,
    # To shrink an example takes longer than to read it.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(shape=shapes())
@example(shape=OURS)
@example(shape=REAL)
@example(shape=NARROWEST)
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("newest_template")
def test_check_refuses_or_everything_works_there_and_back(server: Server, app: FastAPI, shape: Shape) -> None:
    try:
        there_and_back(server, app, shape)
    except Refusal:
        # `todo` has seen that each sentence says what to do.
        return
