"""Who puts attempts into the queue, and takes them out: the service alone. A user's own row waits for nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from tests.fixtures.actors import (
    ANONYMOUS,
    SERVICE,
    Actor,
    acting,
    admin,
    fake_admin,
    refused,
    requester,
    user,
)
from tests.fixtures.databases import Database
from tests.fixtures.rows import (
    THEN,
    Connection,
    Row,
    add_user,
    attempt,
    change,
    child,
    ended,
    insert,
    queued,
    retry,
    worker,
)
from tests.fixtures.server import APP_PASSWORD, Server

DENIED = psycopg.errors.InsufficientPrivilege
CLAIM = "select * from tales.claim_attempts(%s, %s, 10, now())"
FINISH = "select * from tales.finish_attempts(%s::jsonb)"
ENQUEUE = "select * from tales.enqueue_attempts(%s::jsonb)"
RENEW = "select tales.renew_lease(%s, 'test', 'here', 1, 4)"
COLUMNS = ("queue", "available_at", "turn", "worker_id", "started_at")


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.connect() as connection:
        yield connection


@pytest.fixture
def parent(connection: Connection) -> UUID:
    return add_user(connection)


def asked(row: Row, **changes: Any) -> str:
    """What the service hands to the queue, for this one attempt."""
    return json.dumps([row | {"queue": "test"} | changes], default=str)


def place(connection: Connection, row: Row) -> dict[str, Any]:
    """What the queue has said of an attempt."""
    query = f"select {', '.join(COLUMNS)}, status from tales.generations where generation_id = %s"
    (found,) = connection.execute(query, [row["generation_id"]]).fetchall()
    return dict(found)


def everybody(parent: UUID) -> list[Actor]:
    """Whoever may come by Supabase's REST endpoint."""
    return [ANONYMOUS, user(parent), user(uuid4()), admin(), fake_admin()]


# Beside the service.


def test_nobody_calls_the_queues_functions_but_the_service(connection: Connection, parent: UUID) -> None:
    row = insert(connection, "generations", queued(parent))
    calls: list[tuple[str, list[object]]] = [
        (ENQUEUE, [asked(attempt(parent))]),
        (CLAIM, [uuid4(), "test"]),
        (FINISH, [json.dumps([row], default=str)]),
        (RENEW, [uuid4()]),
    ]
    for actor in everybody(parent):
        for statement, parameters in calls:
            with refused(error=DENIED), acting(connection, actor):
                connection.execute(statement, parameters)
    assert place(connection, row)["worker_id"] is None


def test_who_asks_in_a_users_name_enqueues_and_does_nothing_else(connection: Connection, parent: UUID) -> None:
    row = attempt(parent)
    with acting(connection, requester(user(parent))):
        connection.execute(ENQUEUE, [asked(row)])
    for statement, parameters in ((CLAIM, [uuid4(), "test"]), (FINISH, ["[]"]), (RENEW, [uuid4()])):
        with refused(error=DENIED), acting(connection, requester(user(parent))):
            connection.execute(statement, parameters)
    assert place(connection, row)["queue"] == "test"


VALUES = {
    "queue": "'test'",
    "available_at": "now()",
    "turn": "0",
    "worker_id": "gen_random_uuid()",
    "started_at": "now()",
}
INSERTED = "generation_id, attempt_number, user_id, status, model_used, prompt, story_type, moral"
A_ROW = "select gen_random_uuid(), 1, %(user)s::uuid, 'pending', 'sim/ok', 'Mine.', 'child', 'kindness'"
WAYS = {
    "insert": f"insert into tales.generations ({INSERTED}, {{column}}) {A_ROW}, {{value}}",
    "a default": f"insert into tales.generations ({INSERTED}, {{column}}) "
    "values (%(mine)s, 1, %(user)s, 'pending', 'sim/ok', 'Mine.', 'child', 'kindness', default)",
    "update": "update tales.generations set {column} = {value} where generation_id = %(mine)s",
    "update to NULL": "update tales.generations set {column} = null where generation_id = %(mine)s",
    "while cancelling": "update tales.generations set status = 'failed', completed_at = now(), {column} = {value} "
    "where generation_id = %(mine)s",
    "on conflict": f"insert into tales.generations ({INSERTED}) {A_ROW} "
    "on conflict (generation_id, attempt_number) do update set {column} = {value}",
    "merge": "merge into tales.generations as g using (select %(mine)s::uuid as id) as m on g.generation_id = m.id "
    "when matched then update set {column} = {value}",
    "a lock": "select {column} from tales.generations for update; "
    "with mine as (update tales.generations set {column} = {value} returning 1) select from mine",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("column", COLUMNS)
def test_a_user_fills_no_column_of_the_queues(connection: Connection, parent: UUID, column: str, way: str) -> None:
    mine = insert(connection, "generations", attempt(parent))
    statement = WAYS[way].format(column=column, value=VALUES[column])
    for name, value in (("user", parent), ("mine", mine["generation_id"])):
        statement = statement.replace(f"%({name})s", f"'{value}'")
    for actor in (user(parent), admin(), ANONYMOUS):
        with refused(error=DENIED), acting(connection, actor):
            connection.execute(statement)
    assert place(connection, mine) == dict.fromkeys(COLUMNS) | {"status": "pending"}


def test_a_user_copies_no_row_into_the_queue(connection: Connection, parent: UUID) -> None:
    with (
        refused(error=DENIED),
        acting(connection, user(parent)),
        connection.cursor() as cursor,
        cursor.copy(f"copy tales.generations ({INSERTED}, queue) from stdin") as rows,
    ):
        rows.write_row((uuid4(), 1, parent, "pending", "sim/ok", "Mine.", "child", "kindness", "test"))


def test_who_signs_in_at_a_rest_endpoint_becomes_neither_the_service_nor_its_requester(
    server: Server, database: Database
) -> None:
    """A user's statement runs as `authenticated` within a session of a login that may take on no other role."""
    login = f"{database.name}_rest"
    server.execute(sql.SQL("create role {} login noinherit password {}").format(sql.Identifier(login), APP_PASSWORD))
    server.execute(sql.SQL("grant anon, authenticated to {}").format(sql.Identifier(login)))
    try:
        with psycopg.connect(server.url(database.name, login, APP_PASSWORD), autocommit=True) as connection:
            connection.execute("set role authenticated")
            for role in ("tales_requester", "service_role", "tales_app"):
                for statement in (f"set role {role}", f"select set_config('role', '{role}', false)"):
                    with pytest.raises(DENIED):
                        connection.execute(statement)
    finally:
        server.execute(sql.SQL("drop role {}").format(sql.Identifier(login)))


@pytest.mark.parametrize("queue", ["test", "", "openrouter"])
def test_what_a_user_puts_in_beside_the_service_is_never_claimed(
    connection: Connection, parent: UUID, queue: str
) -> None:
    with acting(connection, user(parent)):
        row = insert(connection, "generations", attempt(parent))
    assert place(connection, row) == dict.fromkeys(COLUMNS) | {"status": "pending"}
    for asked_for in (queue, None):
        assert connection.execute(CLAIM, [uuid4(), asked_for]).fetchall() == []
        named = "select * from tales.claim_attempts(%s, %s, 10, now(), %s)"
        assert connection.execute(named, [uuid4(), asked_for, [row["generation_id"]]]).fetchall() == []
    assert place(connection, row)["worker_id"] is None


# In a user's name.


def test_the_requester_puts_its_own_users_attempt_into_the_queue(connection: Connection, parent: UUID) -> None:
    waiting, begun = attempt(parent), attempt(parent)
    worker_id = uuid4()
    with acting(connection, requester(user(parent))):
        insert(connection, "generations", waiting | {"queue": "test", "available_at": THEN})
        start = {"queue": "test", "available_at": THEN, "worker_id": worker_id, "started_at": THEN}
        insert(connection, "generations", begun | start)
    assert place(connection, waiting) == {
        **dict.fromkeys(COLUMNS),
        "queue": "test",
        "available_at": THEN,
        "status": "pending",
    }
    assert place(connection, begun)["worker_id"] == worker_id
    (claimed,) = connection.execute(CLAIM, [uuid4(), "test"]).fetchall()
    assert claimed["generation_id"] == waiting["generation_id"], "the other one is in a worker's hands already"


def test_the_requester_asks_for_nobody_else(connection: Connection, parent: UUID) -> None:
    theirs = add_user(connection)
    child_of_theirs = insert(connection, "children", child(theirs))["id"]
    failed = insert(connection, "generations", ended(parent, "failed"))
    for forged in (
        attempt(theirs),
        attempt(parent, child_id=child_of_theirs),
        attempt(parent, attempt_number=2, generation_id=failed["generation_id"]),
        attempt(parent, origin="migrated"),
        attempt(parent, status="success", completed_at=THEN),
    ):
        with refused(error=DENIED), acting(connection, requester(user(parent))):
            insert(connection, "generations", forged | {"queue": "test", "available_at": THEN})
    for forged in (attempt(theirs), attempt(parent, child_id=child_of_theirs)):
        with refused(error=DENIED), acting(connection, requester(user(parent))):
            connection.execute(ENQUEUE, [asked(forged)])


def test_the_requester_takes_nothing_out_of_the_queue(connection: Connection, parent: UUID) -> None:
    row = insert(connection, "generations", queued(parent))
    for changes in ({"worker_id": uuid4(), "started_at": THEN}, {"queue": None, "available_at": None}):
        with refused(error=DENIED), acting(connection, requester(user(parent))):
            change(connection, "generations", row, **changes)


def test_claims_of_a_request_hold_for_its_own_attempt_alone(database: Database, connection: Connection) -> None:
    """The service inserts the attempts of many users with one statement."""
    mine, theirs = add_user(connection), add_user(connection)

    def request(row: Row, asker: UUID) -> Row:
        claims = json.dumps({"sub": str(asker), "role": "authenticated"})
        return row | {"queue": "test", "claims": claims}

    def both() -> list[Row]:
        return [request(attempt(mine), mine), request(attempt(theirs), theirs)]

    with psycopg.connect(database.app_url, autocommit=True) as service:
        service.execute(ENQUEUE, [json.dumps(both(), default=str)])
        with pytest.raises(DENIED):
            service.execute(ENQUEUE, [json.dumps([*both(), request(attempt(theirs), mine)], default=str)])
        role = service.execute("select current_user, current_setting('request.jwt.claims', true)").fetchone()
    assert role is not None
    assert role[0] == "tales_app", "what it has taken on lasts for the statement alone"
    assert not role[1]
    rows = connection.execute("select user_id from tales.generations order by created_at").fetchall()
    assert {row["user_id"] for row in rows} == {mine, theirs}
    assert len(rows) == 2, "one that is refused fails them all"


@pytest.mark.parametrize(
    "row",
    [
        {"queue": "test"},
        {"available_at": THEN},
        {"worker_id": uuid4(), "started_at": THEN},
        {"queue": "test", "available_at": THEN, "worker_id": uuid4()},
    ],
    ids=",".join,
)
def test_the_queues_columns_agree(connection: Connection, parent: UUID, row: Row) -> None:
    with refused(error=psycopg.errors.CheckViolation), acting(connection, SERVICE):
        insert(connection, "generations", attempt(parent, **row))


# Workers.


def test_the_service_keeps_workers_and_nobody_else_hears_of_them(connection: Connection, parent: UUID) -> None:
    with acting(connection, SERVICE):
        mine = insert(connection, "workers", worker())
    for actor in [*everybody(parent), requester(user(parent))]:
        for statement in (
            "select id from tales.workers",
            "update tales.workers set heartbeat_at = 'infinity'",
            "delete from tales.workers",
        ):
            with refused(error=DENIED), acting(connection, actor):
                connection.execute(statement)
        with refused(error=DENIED), acting(connection, actor):
            insert(connection, "workers", worker())
    assert connection.execute("select id from tales.workers").fetchall() == [{"id": mine["id"]}]


def test_the_service_neither_deletes_attempts_nor_makes_a_second_one_out_of_nothing(
    connection: Connection, parent: UUID
) -> None:
    row = insert(connection, "generations", queued(parent))
    with refused("generations_retry_after_failure"), acting(connection, SERVICE):
        connection.execute(ENQUEUE, [asked(retry(row))])
