"""Accounts, and the machine's local user."""

from __future__ import annotations

import pytest

from tales.application.sign_in import LOCAL_USER, SignIn
from tales.domain.errors import Conflict, InvalidInput, NotSignedIn
from tales.infrastructure.auth.passwords import Argon2Passwords
from tales.infrastructure.persistence.unit_of_work import SqlTransactions
from tests.fixtures.databases import Database
from tests.fixtures.time import FakeIds

PASSWORD = "correct horse battery"


@pytest.fixture
def sign_in(transactions: SqlTransactions, ids: FakeIds) -> SignIn:
    """Signing in, over a real database and real hashes."""
    return SignIn(transactions, ids, Argon2Passwords())


async def test_who_signed_up_signs_in_whatever_the_case_of_the_address(sign_in: SignIn) -> None:
    account = await sign_in.sign_up("Ada@Example.org", PASSWORD)

    actor = await sign_in.check("ada@example.ORG", PASSWORD)

    assert actor.user_id == account.user_id
    assert not actor.is_admin


async def test_the_password_is_kept_as_a_hash_only(sign_in: SignIn, database: Database) -> None:
    await sign_in.sign_up("ada@example.org", PASSWORD)

    (row,) = database.rows("select * from tales.accounts")
    assert row["password_hash"].startswith("$argon2id$")
    assert PASSWORD not in repr(row)


@pytest.mark.parametrize(("email", "password"), [("ada@example.org", "wrong password"), ("eve@example.org", PASSWORD)])
async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(
    sign_in: SignIn, email: str, password: str
) -> None:
    await sign_in.sign_up("ada@example.org", PASSWORD)

    with pytest.raises(NotSignedIn) as caught:
        await sign_in.check(email, password)

    assert caught.value.message == "The address or the password is wrong. Check both, or sign up first."


async def test_an_address_has_one_account(sign_in: SignIn) -> None:
    await sign_in.sign_up("ada@example.org", PASSWORD)

    with pytest.raises(Conflict, match="account already"):
        await sign_in.sign_up("ADA@example.org", PASSWORD)


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@example.org", "ada@example", "a da@example.org", "a@b.c" * 60])
async def test_what_is_no_address_is_refused(sign_in: SignIn, email: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await sign_in.sign_up(email, PASSWORD)

    assert caught.value.field == "email"


@pytest.mark.parametrize("password", ["", "seven77", "x" * 257])
async def test_a_password_too_short_or_too_long_is_refused_and_not_repeated(sign_in: SignIn, password: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await sign_in.sign_up("ada@example.org", password)

    assert caught.value.field == "password"
    assert not password or password not in caught.value.message


async def test_the_machines_local_user_is_created_on_first_use_and_found_again(
    sign_in: SignIn, database: Database
) -> None:
    assert await sign_in.local_user() == await sign_in.local_user() == LOCAL_USER
    assert database.rows("select count(*) from auth.users") == [{"count": 1}]
