"""One row of another origin never takes a list, a page or an export with it, whatever it holds."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg import sql

from tests.fixtures.databases import Database
from tests.fixtures.rows import THEN, child, ended, hero, insert, story
from tests.interfaces.api.world import Family

TIMES = ("infinity", "-infinity", "0044-03-15 BC", "56972-06-11", "9999-12-31 23:59:59.999999+00")
EARLIEST, LATEST = "0001-01-02T00:00:00Z", "9999-12-30T00:00:00Z"
SHOWN = {time: EARLIEST if time.startswith("-") or time.endswith("BC") else LATEST for time in TIMES}
PATHS = ("/children", "/heroes", "/stories", "/generations")


@pytest.fixture
def rows(database: Database, family: Family) -> dict[str, list[UUID]]:
    """By list: a row for each of these times in every column that has one, and one of today."""
    made: dict[str, list[UUID]] = {path: [] for path in PATHS}
    with database.connect() as connection:
        connection.execute("set session_replication_role = replica")
        for time in (*TIMES, THEN):
            attempt = ended(family.user_id, created_at=time, completed_at=time, started_at=time, first_token_at=time)
            insert(connection, "generations", attempt)
            made["/generations"].append(attempt["generation_id"])
            for table, row in (
                ("children", child(family.user_id, created_at=time)),
                ("heroes", hero(family.user_id, created_at=time)),
                ("stories", story(attempt, created_at=time, updated_at=time)),
            ):
                made[f"/{table}"].append(insert(connection, table, row)["id"])
    return made


def _key(path: str) -> str:
    return "generation_id" if path == "/generations" else "id"


async def _pages(family: Family, path: str, limit: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        answer = await family.client.get(path, params={"limit": limit, **cursor})
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        assert len(items) < 100, "a list that does not end"
        if answer.json()["next_cursor"] is None:
            return items
        cursor = {"cursor": answer.json()["next_cursor"]}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("limit", [1, 50])
async def test_times_that_python_does_not_hold_are_listed_once_each(
    family: Family, rows: dict[str, list[UUID]], path: str, limit: int
) -> None:
    # Ready-made heroes are there too, and older than all but those of before 1.
    items = [item for item in await _pages(family, path, limit) if item[_key(path)] in set(map(str, rows[path]))]
    assert sorted(item[_key(path)] for item in items) == sorted(map(str, rows[path]))
    shown = {item[_key(path)]: item.get("created_at") or item["attempts"][0]["created_at"] for item in items}
    assert [shown[str(id_)] for id_ in rows[path]][: len(TIMES)] == list(SHOWN.values())


async def test_each_page_and_the_export_show_them_too(family: Family, rows: dict[str, list[UUID]]) -> None:
    for path, ids in rows.items():
        for id_ in ids:
            answer = await family.client.get(f"{path}/{id_}")
            assert answer.status_code == 200, answer.text
    for id_ in rows["/stories"]:
        whole = await family.client.get(f"/stories/{id_}", params={"include": "generation.attempts"})
        assert whole.status_code == 200, whole.text
    exported = await family.client.get("/me/export")
    assert exported.status_code == 200, exported.text
    document = exported.json()
    assert {row["id"] for row in document["stories"]} == set(map(str, rows["/stories"]))


async def test_such_a_story_is_rated_and_its_child_changed(family: Family, rows: dict[str, list[UUID]]) -> None:
    for id_ in rows["/stories"]:
        assert (await family.client.put(f"/stories/{id_}/rating", json={"rating": 9})).json()["rating"] == 9
    for id_ in rows["/children"]:
        changed = await family.client.patch(f"/children/{id_}", json={"age": 7})
        assert (changed.status_code, changed.json()["age"]) == (200, 7)


@pytest.mark.parametrize(
    ("interests", "shown"),
    [
        ("array['dragons', null]", ["dragons"]),
        ("array[['dragons', 'the sea'], ['cats', 'owls']]", ["dragons", "the sea", "cats", "owls"]),
        ("'[5:6]={dragons,cats}'", ["dragons", "cats"]),
        ("null", []),
    ],
)
async def test_interests_of_any_shape_are_listed(
    database: Database, family: Family, interests: str, shown: list[str]
) -> None:
    id_ = uuid4()
    database.execute("alter table tales.children alter column interests drop not null")
    with database.connect() as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(
            sql.SQL("insert into tales.children (id, user_id, name, age, interests) values (%s, %s, 'Mia', 6, {})")
            .format(sql.SQL(interests)),  # type: ignore[arg-type]
            [id_, family.user_id],
        )  # fmt: skip
    (item,) = (await family.client.get("/children")).json()["items"]
    assert (item["id"], item["interests"]) == (str(id_), shown)


@pytest.mark.parametrize(("table", "columns"), [("children", ["name", "age"]), ("heroes", ["name"])])
async def test_a_row_that_lacks_what_ours_have_is_listed(
    database: Database, family: Family, table: str, columns: list[str]
) -> None:
    make = {"children": child, "heroes": hero}[table]
    with database.connect() as connection:
        for column in columns:
            connection.execute(f"alter table tales.{table} alter column {column} drop not null")  # type: ignore[arg-type]
        connection.execute("set session_replication_role = replica")
        row = insert(connection, table, make(family.user_id, **dict.fromkeys(columns)))
    items = (await family.client.get(f"/{table}")).json()["items"]
    assert str(row["id"]) in [item["id"] for item in items]
