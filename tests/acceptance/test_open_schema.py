"""Whatever others put into a schema that they may write to, no connection of ours calls it, and operators are told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tales.infrastructure.migrations.migrate import migration_status
from tales.legacy.check.check import check_migration
from tales.legacy.migrate import ARCHIVE_TABLE, finish, has_legacy_stories, migrate_down, migrate_up
from tales.legacy.report import CheckOptions
from tales.legacy.verify import verify
from tests.fixtures.databases import Database
from tests.fixtures.open_schema import open_to_everybody
from tests.fixtures.processes import Place, ask, sign_in, until
from tests.fixtures.server import Server
from tests.legacy.library import add_user, add_varied_stories


def run(place: Place, *arguments: str, **variables: str) -> str:
    """What `tales ...` says, which has to succeed."""
    command = place.start("sim/ok", *arguments, output=subprocess.PIPE, **variables)
    output, _ = command.communicate(timeout=60)
    assert command.returncode == 0, output
    return output


def test_the_baits_would_be_taken(server: Server, database: Database) -> None:
    with pytest.raises(AssertionError, match="text = varchar"), open_to_everybody(server, database):
        database.rows("select 'a'::text = 'a'::varchar")


@pytest.mark.timeout(60)
def test_nobodys_function_is_called_from_a_familys_first_request_to_its_last(
    server: Server, place: Place, tmp_path: Path
) -> None:
    place.database.execute("alter role tales_app login")
    urls = {"TALES_DATABASE_URL": place.database.app_url}
    with (
        (tmp_path / "log").open("wb") as log,
        open_to_everybody(server, place.database),
        place.serving("sim/ok", output=log.fileno(), **urls) as (_, client),
    ):
        sign_in(client)
        run(place, "users", "admin", "ada@example.org")
        sign_in(client)
        ask(client)
        until(lambda: bool(client.get("/api/v3/stories").json()["items"]), seconds=20)
        (story,) = client.get("/api/v3/stories").json()["items"]
        answers = [
            client.get(f"/api/v3/{path}")
            for path in (
                *(
                    "children",
                    "heroes",
                    "generations",
                    "generations?status=success",
                    "stories?q=dragon",
                    "stories?limit=1",
                ),
                *(f"stories/{story['id']}?include=generation.attempts", f"generations/{story['generation_id']}"),
                *(f"generations/{story['generation_id']}/events", "me", "me/export"),
                *(f"analytics/{report}" for report in ("models", "retries", "replay", "timeouts", "costs", "prompts")),
            )
        ]
        answers.append(client.put(f"/api/v3/stories/{story['id']}/rating", json={"rating": 9}))
        answers.append(client.patch(f"/api/v3/stories/{story['id']}", json={"title": "The Kind Dragon"}))
        run(place, "generations", "list")
        answers.append(client.request("DELETE", "/api/v3/me", json={"password": "correct horse battery"}))

    assert {(answer.url.path, answer.status_code) for answer in answers if answer.is_error} == set()
    assert "others may create in schema public" in (tmp_path / "log").read_text()


@pytest.mark.timeout(60)
def test_a_schema_that_others_may_write_to_is_named_by_the_check_and_the_way_up(place: Place) -> None:
    assert "may create" not in run(place, "migrate", "check")
    place.database.execute("grant create on schema public to service_role")

    said = run(place, "migrate", "check"), run(place, "migrate", "up")

    for each in said:
        assert "service_role may create functions" in " ".join(each.split())
        assert "revoke create on schema public from service_role;" in " ".join(each.split())


@pytest.mark.timeout(60)
def test_nobodys_function_is_called_while_a_legacy_database_is_moved_there_and_back(
    server: Server, legacy_database: Database
) -> None:
    add_varied_stories(legacy_database, add_user(legacy_database))
    url = legacy_database.owner_url
    with open_to_everybody(server, legacy_database):
        assert not check_migration(url, CheckOptions()).problems
        assert has_legacy_stories(url)
        for destination in ("015", "017", None):
            migrate_up(url, destination)
            verify(url)
        migrate_down(url, "014", ARCHIVE_TABLE)
        migrate_up(url)
        finish(url)
        assert all(migration.applied for migration in migration_status(url))


def test_a_new_schema_is_made_in_a_database_that_others_have_come_to_first(
    server: Server, empty_database: Database
) -> None:
    with open_to_everybody(server, empty_database):
        migrate_up(empty_database.owner_url)
        migrate_down(empty_database.owner_url, "000")
