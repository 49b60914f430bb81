"""Sessions and attempts to get in, as the database keeps them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.errors import Forbidden, Unauthenticated
from tales.domain.repositories.sessions import Session
from tales.domain.throttle import LoginKind
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.repositories.sessions import FORGOTTEN_AT_ONCE
from tests.factories import account
from tests.fixtures.databases import Database
from tests.fixtures.rows import insert, login_attempt, replaced_token, session
from tests.fixtures.time import NOON, FakeClock


@pytest.fixture
async def user(transactions: SqlTransactions) -> UUID:
    """A user with an account."""
    ada = account()
    async with transactions.as_service() as work:
        await work.accounts.add(ada)
        await work.commit()
    return ada.user_id


async def test_a_transaction_asks_whether_its_session_is_open(transactions: SqlTransactions, user: UUID) -> None:
    opened = Session(uuid7(), user, None, NOON, NOON + timedelta(days=1))
    async with transactions.as_service() as work:
        await work.sessions.open(opened, "token")
        await work.commit()

    async with transactions.as_user(Actor(user, session_id=opened.id)) as work:
        assert await work.children.get(uuid7()) is None
    for session_id in (uuid7(), user):
        with pytest.raises(Unauthenticated, match="session has ended"):
            async with transactions.as_user(Actor(user, session_id=session_id)):
                pass


async def test_no_user_reaches_sessions_and_attempts(transactions: SqlTransactions, user: UUID) -> None:
    actor = Actor(user, is_admin=True)
    with pytest.raises(Forbidden):
        async with transactions.as_user(actor) as work:
            await work.sessions.hold("token")
    with pytest.raises(Forbidden):
        async with transactions.as_user(actor) as work:
            await work.login_attempts.clear(LoginKind.SIGN_IN, "ada@example.org", None)


async def test_expired_sessions_are_cleared_away_a_few_at_a_time(
    transactions: SqlTransactions, database: Database, user: UUID, clock: FakeClock
) -> None:
    clock.set(NOON)
    with database.connect() as connection:
        for day in range(FORGOTTEN_AT_ONCE + 5):
            row = session(user, expires_at=NOON - timedelta(minutes=day))
            insert(connection, "replaced_refresh_tokens", replaced_token(insert(connection, "sessions", row)))
        still_open = insert(connection, "sessions", session(user, expires_at=NOON + timedelta(seconds=1)))

    left = []
    for _ in range(3):
        async with transactions.as_service() as work:
            await work.sessions.forget_expired()
            await work.commit()
        left.append(len(database.rows("select from tales.sessions")))

    assert left == [6, 1, 1]
    assert database.rows("select id from tales.sessions") == [{"id": still_open["id"]}]
    assert database.rows("select * from tales.replaced_refresh_tokens") == []


@pytest.mark.parametrize(
    ("table", "changes", "constraint"),
    [
        ("sessions", {"refresh_token_hash": b"a token in clear"}, "sessions_token_is_kept_as_a_hash"),
        ("sessions", {"client_hash": b"203.0.113.7"}, "sessions_client_is_kept_as_a_hash"),
        ("sessions", {"expires_at": NOON - timedelta(days=1)}, "sessions_end_after_they_began"),
        ("sessions", {"user_id": UUID(int=1)}, "sessions_user_id_fkey"),
        ("login_attempts", {"address_hash": b"ada@example.org"}, "login_attempts_address_is_kept_as_a_hash"),
        ("login_attempts", {"client_hash": b"203.0.113.7"}, "login_attempts_client_is_kept_as_a_hash"),
        ("login_attempts", {"attempts": -1}, "login_attempts_are_not_negative"),
        ("login_attempts", {"kind": "burglary"}, "login_attempts_kind_is_known"),
    ],
)
async def test_what_cannot_be_is_refused(
    database: Database, user: UUID, table: str, changes: dict[str, object], constraint: str
) -> None:
    row = session(user, created_at=NOON) if table == "sessions" else login_attempt()

    with database.connect() as connection, pytest.raises(psycopg.IntegrityError) as refused:
        insert(connection, table, row | changes)

    assert refused.value.diag.constraint_name == constraint
