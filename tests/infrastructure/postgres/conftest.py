"""The worlds of the security matrix, made once for all its tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tales.legacy.migrate import migrate_up
from tests.fixtures.actors import (
    Actor,
)
from tests.fixtures.databases import Database, copy_of
from tests.fixtures.managed import make_managed
from tests.fixtures.server import Server
from tests.infrastructure.postgres.matrix_world import KINDS, World, fill


@pytest.fixture(scope="package")
def superusers(server: Server, newest_template: str) -> Iterator[World]:
    with copy_of(server, newest_template) as database, database.connect() as connection:
        yield World("superuser", connection, *fill(connection), Actor("owner", None))


@pytest.fixture(scope="package")
def ordinary(server: Server, newest_template: str) -> Iterator[World]:
    assert newest_template  # it has made the roles
    with make_managed(server) as managed:
        migrate_up(managed.owner_url)
        platform = Database(managed.name, managed.superuser_url, managed.app_url)
        with platform.connect() as connection:
            yield World("ordinary", connection, *fill(connection), Actor("owner", f"{managed.name}_owner"))


@pytest.fixture(scope="package", params=KINDS)
def world(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue({"superuser": "superusers", "ordinary": "ordinary"}[request.param])
    return found
