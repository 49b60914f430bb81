"""Sessions: prolonged by refresh tokens that work once, ended by a sign-out, a theft, a new password, or time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

import pytest

from tales.application.accounts import appoint_admin
from tales.application.change_password import ChangePassword
from tales.application.passwords import Passwords
from tales.application.refresh_tokens import IDLE, LONGEST, SignedIn
from tales.application.sessions import Sessions
from tales.application.sign_in import SignIn
from tales.domain.actor import Actor
from tales.domain.errors import Conflict, InvalidInput, NotFound, TooManyRequests, Unauthenticated
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tests.factories import add_user
from tests.fixtures.databases import Database
from tests.fixtures.recording import RecordingLog
from tests.fixtures.time import FakeClock, FakeIds

EMAIL = "ada@example.org"
PASSWORD = "correct horse battery"
NEW = "another horse battery"


@dataclass
class Accounts:
    """A family with an account."""

    transactions: SqlTransactions
    sign_in: SignIn
    keep: Sessions
    change_password: ChangePassword
    log: RecordingLog

    async def enter(self, password: str = PASSWORD) -> SignedIn:
        """A new session."""
        return await self.sign_in.sign_in(EMAIL, password)

    async def lets_in(self, actor: Actor) -> bool:
        """Whether the access token of this actor still opens anything."""
        try:
            async with self.transactions.as_user(actor):
                pass
        except Unauthenticated:
            return False
        return True


@pytest.fixture
async def accounts(transactions: SqlTransactions, ids: FakeIds, passwords: Passwords, clock: FakeClock) -> Accounts:
    """A family that has signed up."""
    log = RecordingLog()
    sign_in = SignIn(transactions, ids, passwords, clock)
    await sign_in.sign_up(EMAIL, PASSWORD)
    keep = Sessions(transactions, clock, log)
    return Accounts(transactions, sign_in, keep, ChangePassword(transactions, passwords, clock), log)


async def test_a_refresh_token_is_traded_for_the_next_one_of_the_same_session(accounts: Accounts) -> None:
    first = await accounts.enter()

    second = await accounts.keep.refresh(first.refresh_token)
    third = await accounts.keep.refresh(second.refresh_token)

    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    assert first.actor == second.actor == third.actor
    assert await accounts.lets_in(third.actor)


async def test_refresh_tokens_are_kept_as_hashes_only(accounts: Accounts, database: Database) -> None:
    first = await accounts.enter()
    second = await accounts.keep.refresh(first.refresh_token)

    dump = str([database.rows(f"select * from tales.{t}") for t in ("sessions", "replaced_refresh_tokens")])
    assert first.refresh_token not in dump
    assert second.refresh_token not in dump
    (session,) = database.rows("select refresh_token_hash from tales.sessions")
    assert session["refresh_token_hash"] == sha256(second.refresh_token.encode()).digest()


async def test_a_token_that_is_used_again_ends_the_session_for_whoever_has_it(accounts: Accounts) -> None:
    stolen = await accounts.enter()
    elsewhere = await accounts.enter()
    present = await accounts.keep.refresh((await accounts.keep.refresh(stolen.refresh_token)).refresh_token)

    with pytest.raises(Unauthenticated):
        await accounts.keep.refresh(stolen.refresh_token)

    with pytest.raises(Unauthenticated):
        await accounts.keep.refresh(present.refresh_token)
    assert not await accounts.lets_in(present.actor)
    assert await accounts.lets_in((await accounts.keep.refresh(elsewhere.refresh_token)).actor)
    (event,) = accounts.log.events
    assert event[0] == "warning"
    assert stolen.refresh_token not in repr(event)


async def test_of_two_refreshes_at_the_same_moment_one_gets_tokens_and_the_session_ends(
    accounts: Accounts, database: Database
) -> None:
    for _ in range(10):
        signed_in = await accounts.enter()

        answers = await asyncio.gather(
            *(accounts.keep.refresh(signed_in.refresh_token) for _ in range(2)), return_exceptions=True
        )

        (winner,) = [answer for answer in answers if isinstance(answer, SignedIn)]
        (loser,) = [answer for answer in answers if isinstance(answer, BaseException)]
        assert isinstance(loser, Unauthenticated)
        with pytest.raises(Unauthenticated):
            await accounts.keep.refresh(winner.refresh_token)
    assert database.rows("select * from tales.sessions") == []
    assert database.rows("select * from tales.replaced_refresh_tokens") == []


@pytest.mark.parametrize("token", ["", "nonsense", "x" * 10_000, "\x00", "\ud800"])
async def test_what_is_no_refresh_token_ends_nothing(accounts: Accounts, token: str) -> None:
    signed_in = await accounts.enter()

    with pytest.raises(Unauthenticated):
        await accounts.keep.refresh(token)

    assert await accounts.lets_in(signed_in.actor)


async def test_a_session_ends_when_nobody_prolongs_it(accounts: Accounts, clock: FakeClock) -> None:
    signed_in = await accounts.enter()

    clock.advance(IDLE.total_seconds() - 1)
    signed_in = await accounts.keep.refresh(signed_in.refresh_token)
    clock.advance(IDLE.total_seconds())

    with pytest.raises(Unauthenticated):
        await accounts.keep.refresh(signed_in.refresh_token)


async def test_a_session_ends_after_a_year_however_often_it_is_prolonged(
    accounts: Accounts, clock: FakeClock, database: Database
) -> None:
    signed_in = await accounts.enter()
    begin = clock.now()
    while clock.now() + IDLE < begin + LONGEST:
        clock.advance((IDLE - timedelta(days=1)).total_seconds())
        signed_in = await accounts.keep.refresh(signed_in.refresh_token)

    clock.set(begin + LONGEST)

    with pytest.raises(Unauthenticated):
        await accounts.keep.refresh(signed_in.refresh_token)
    await accounts.enter()
    (remaining,) = database.rows("select created_at from tales.sessions")
    assert remaining["created_at"] == clock.now()


async def test_who_signs_out_is_out_at_once_here_and_nowhere_else(accounts: Accounts) -> None:
    here, elsewhere = await accounts.enter(), await accounts.enter()

    await accounts.keep.sign_out(here.actor)

    assert not await accounts.lets_in(here.actor)
    with pytest.raises(Unauthenticated):
        await accounts.keep.refresh(here.refresh_token)
    assert await accounts.lets_in(elsewhere.actor)
    await accounts.keep.sign_out(here.actor)


async def test_a_token_without_a_session_cannot_be_signed_out(accounts: Accounts) -> None:
    with pytest.raises(Conflict):
        await accounts.keep.sign_out(Actor((await accounts.enter()).actor.user_id))


async def test_a_new_password_ends_the_other_sessions(accounts: Accounts) -> None:
    here, elsewhere = await accounts.enter(), await accounts.enter()

    await accounts.change_password(here.actor, PASSWORD, NEW)

    assert await accounts.lets_in(here.actor)
    assert await accounts.keep.refresh(here.refresh_token)
    assert not await accounts.lets_in(elsewhere.actor)
    with pytest.raises(Unauthenticated):
        await accounts.keep.refresh(elsewhere.refresh_token)
    with pytest.raises(Unauthenticated):
        await accounts.enter(PASSWORD)
    assert await accounts.enter(NEW)


async def test_a_new_password_needs_the_present_one(accounts: Accounts) -> None:
    here = await accounts.enter()

    with pytest.raises(InvalidInput) as caught:
        await accounts.change_password(here.actor, "wrong password", NEW)
    assert caught.value.field == "current_password"
    with pytest.raises(InvalidInput) as caught:
        await accounts.change_password(here.actor, PASSWORD, "short")
    assert caught.value.field == "new_password"

    assert await accounts.enter(PASSWORD)


async def test_the_present_password_cannot_be_found_by_trying_with_a_stolen_token(accounts: Accounts) -> None:
    here = await accounts.enter()

    for _ in range(10):
        with pytest.raises(InvalidInput):
            await accounts.change_password(here.actor, "wrong password", NEW)
    with pytest.raises(TooManyRequests):
        await accounts.change_password(here.actor, PASSWORD, NEW)


async def test_a_session_that_has_ended_changes_no_password(accounts: Accounts) -> None:
    here = await accounts.enter()
    await accounts.keep.sign_out(here.actor)

    with pytest.raises(Unauthenticated):
        await accounts.change_password(here.actor, PASSWORD, NEW)


async def test_a_user_without_a_password_cannot_change_it(accounts: Accounts, transactions: SqlTransactions) -> None:
    with pytest.raises(Conflict):
        await accounts.change_password(Actor(await add_user(transactions)), PASSWORD, NEW)


async def test_a_password_that_changes_while_somebody_signs_in_with_the_old_one_wins(accounts: Accounts) -> None:
    """Whichever comes first: afterwards, no session of the old password is open."""
    here = await accounts.enter()

    results = await asyncio.gather(
        *(accounts.enter(PASSWORD) for _ in range(4)),
        accounts.change_password(here.actor, PASSWORD, NEW),
        return_exceptions=True,
    )

    assert results[-1] is None
    for result in results[:-1]:
        if isinstance(result, SignedIn):
            assert not await accounts.lets_in(result.actor)
        else:
            assert isinstance(result, Unauthenticated)


async def test_an_erased_user_is_out_at_once(accounts: Accounts, database: Database) -> None:
    signed_in = await accounts.enter()
    second = await accounts.keep.refresh(signed_in.refresh_token)

    database.execute("delete from auth.users where id = %s", signed_in.actor.user_id)

    assert not await accounts.lets_in(signed_in.actor)
    with pytest.raises(Unauthenticated):
        await accounts.keep.refresh(second.refresh_token)


async def test_an_admin_is_appointed_and_dismissed(accounts: Accounts, transactions: SqlTransactions) -> None:
    before = await accounts.enter()

    await appoint_admin(transactions, "Ada@Example.org", is_admin=True)
    admin = await accounts.keep.refresh(before.refresh_token)
    assert (before.actor.is_admin, admin.actor.is_admin) == (False, True)

    await appoint_admin(transactions, EMAIL, is_admin=False)
    assert not await accounts.lets_in(admin.actor)
    assert not (await accounts.enter()).actor.is_admin
    with pytest.raises(NotFound, match=r"no account of eve@example\.org"):
        await appoint_admin(transactions, "eve@example.org", is_admin=True)
