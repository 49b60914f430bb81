"""Accounts are the service's alone, and an address has one."""

from __future__ import annotations

import pytest
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.errors import Conflict, Forbidden
from tales.infrastructure.postgres.errors import DatabaseRefused
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tests.factories import account, add_user
from tests.fixtures.databases import Database


async def test_an_account_is_found_by_its_address_whatever_its_case(transactions: SqlTransactions) -> None:
    ada = account(is_admin=True)
    async with transactions.as_service() as work:
        await work.accounts.add(ada)
        await work.commit()
    async with transactions.as_service() as work:
        assert await work.accounts.find("Ada@Example.ORG") == ada
        assert await work.accounts.find("bob@example.org") is None


async def test_an_address_has_one_account(transactions: SqlTransactions, database: Database) -> None:
    async with transactions.as_service() as work:
        await work.accounts.add(account())
        await work.commit()
    with pytest.raises(Conflict, match="has an account already"):
        async with transactions.as_service() as work:
            await work.accounts.add(account())
    assert database.rows("select count(*) from auth.users") == [{"count": 1}]


async def test_an_address_is_kept_in_lower_case(transactions: SqlTransactions) -> None:
    with pytest.raises(DatabaseRefused) as refused:
        async with transactions.as_service() as work:
            await work.accounts.add(account(email="Ada@example.org"))
    assert refused.value.constraint == "accounts_email_is_lower_case"


async def test_a_user_is_made_once(transactions: SqlTransactions, database: Database) -> None:
    user = uuid7()
    for _ in range(2):
        await add_user(transactions, user)
    assert database.rows("select id from auth.users") == [{"id": user}]


async def test_no_user_reaches_the_accounts(transactions: SqlTransactions) -> None:
    actor = Actor(await add_user(transactions), is_admin=True)
    with pytest.raises(Forbidden):
        async with transactions.as_user(actor) as work:
            await work.accounts.find("ada@example.org")
    with pytest.raises(Forbidden):
        async with transactions.as_user(actor) as work:
            await work.accounts.add(account())
    with pytest.raises(Forbidden):
        async with transactions.as_user(actor) as work:
            await work.accounts.ensure_user(uuid7())
