"""Sessions: prolonged by refresh tokens that work once, ended by a sign-out, a theft, a new password, or time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

import pytest

from tales.application.appoint_admin import AppointAdmin
from tales.application.change_password import ChangePassword
from tales.application.keep_session import KeepSession
from tales.application.refresh_tokens import IDLE, LONGEST, SignedIn
from tales.application.sign_in import SignIn
from tales.domain.actor import Actor
from tales.domain.errors import Conflict, InvalidInput, NotFound, NotSignedIn, TooManyRequests
from tales.infrastructure.auth.passwords import Argon2Passwords
from tales.infrastructure.persistence.unit_of_work import SqlTransactions
from tests.factories import add_user
from tests.fixtures.databases import Database
from tests.fixtures.recording import RecordingLog
from tests.fixtures.time import FakeClock, FakeIds

EMAIL = "ada@example.org"
PASSWORD = "correct horse battery"
NEW = "another horse battery"


@dataclass
class House:
    """A family with an account."""

    transactions: SqlTransactions
    sign_in: SignIn
    keep: KeepSession
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
        except NotSignedIn:
            return False
        return True


@pytest.fixture
async def house(transactions: SqlTransactions, ids: FakeIds, passwords: Argon2Passwords, clock: FakeClock) -> House:
    """A family that has signed up."""
    log = RecordingLog()
    sign_in = SignIn(transactions, ids, passwords, clock)
    await sign_in.sign_up(EMAIL, PASSWORD)
    keep = KeepSession(transactions, clock, log)
    return House(transactions, sign_in, keep, ChangePassword(transactions, passwords, clock), log)


async def test_a_refresh_token_is_traded_for_the_next_one_of_the_same_session(house: House) -> None:
    first = await house.enter()

    second = await house.keep.refresh(first.refresh_token)
    third = await house.keep.refresh(second.refresh_token)

    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    assert first.actor == second.actor == third.actor
    assert await house.lets_in(third.actor)


async def test_refresh_tokens_are_kept_as_hashes_only(house: House, database: Database) -> None:
    first = await house.enter()
    second = await house.keep.refresh(first.refresh_token)

    dump = str([database.rows(f"select * from tales.{t}") for t in ("sessions", "replaced_refresh_tokens")])
    assert first.refresh_token not in dump
    assert second.refresh_token not in dump
    (session,) = database.rows("select refresh_token_hash from tales.sessions")
    assert session["refresh_token_hash"] == sha256(second.refresh_token.encode()).digest()


async def test_a_token_that_is_used_again_ends_the_session_for_whoever_has_it(house: House) -> None:
    stolen = await house.enter()
    elsewhere = await house.enter()
    present = await house.keep.refresh((await house.keep.refresh(stolen.refresh_token)).refresh_token)

    with pytest.raises(NotSignedIn):
        await house.keep.refresh(stolen.refresh_token)

    with pytest.raises(NotSignedIn):
        await house.keep.refresh(present.refresh_token)
    assert not await house.lets_in(present.actor)
    assert await house.lets_in((await house.keep.refresh(elsewhere.refresh_token)).actor)
    (event,) = house.log.events
    assert event[0] == "warning"
    assert stolen.refresh_token not in repr(event)


async def test_of_two_refreshes_at_the_same_moment_one_gets_tokens_and_the_session_ends(
    house: House, database: Database
) -> None:
    for _ in range(10):
        signed_in = await house.enter()

        answers = await asyncio.gather(
            *(house.keep.refresh(signed_in.refresh_token) for _ in range(2)), return_exceptions=True
        )

        (winner,) = [answer for answer in answers if isinstance(answer, SignedIn)]
        (loser,) = [answer for answer in answers if isinstance(answer, BaseException)]
        assert isinstance(loser, NotSignedIn)
        with pytest.raises(NotSignedIn):
            await house.keep.refresh(winner.refresh_token)
    assert database.rows("select * from tales.sessions") == []
    assert database.rows("select * from tales.replaced_refresh_tokens") == []


@pytest.mark.parametrize("token", ["", "nonsense", "x" * 10_000, "\x00", "\ud800"])
async def test_what_is_no_refresh_token_ends_nothing(house: House, token: str) -> None:
    signed_in = await house.enter()

    with pytest.raises(NotSignedIn):
        await house.keep.refresh(token)

    assert await house.lets_in(signed_in.actor)


async def test_a_session_ends_when_nobody_prolongs_it(house: House, clock: FakeClock) -> None:
    signed_in = await house.enter()

    clock.advance(IDLE.total_seconds() - 1)
    signed_in = await house.keep.refresh(signed_in.refresh_token)
    clock.advance(IDLE.total_seconds())

    with pytest.raises(NotSignedIn):
        await house.keep.refresh(signed_in.refresh_token)


async def test_a_session_ends_after_a_year_however_often_it_is_prolonged(
    house: House, clock: FakeClock, database: Database
) -> None:
    signed_in = await house.enter()
    begin = clock.now()
    while clock.now() + IDLE < begin + LONGEST:
        clock.advance((IDLE - timedelta(days=1)).total_seconds())
        signed_in = await house.keep.refresh(signed_in.refresh_token)

    clock.set(begin + LONGEST)

    with pytest.raises(NotSignedIn):
        await house.keep.refresh(signed_in.refresh_token)
    await house.enter()
    (remaining,) = database.rows("select created_at from tales.sessions")
    assert remaining["created_at"] == clock.now()


async def test_who_signs_out_is_out_at_once_here_and_nowhere_else(house: House) -> None:
    here, elsewhere = await house.enter(), await house.enter()

    await house.keep.sign_out(here.actor)

    assert not await house.lets_in(here.actor)
    with pytest.raises(NotSignedIn):
        await house.keep.refresh(here.refresh_token)
    assert await house.lets_in(elsewhere.actor)
    await house.keep.sign_out(here.actor)


async def test_a_token_without_a_session_cannot_be_signed_out(house: House) -> None:
    with pytest.raises(Conflict):
        await house.keep.sign_out(Actor((await house.enter()).actor.user_id))


async def test_a_new_password_ends_the_other_sessions(house: House) -> None:
    here, elsewhere = await house.enter(), await house.enter()

    await house.change_password(here.actor, PASSWORD, NEW)

    assert await house.lets_in(here.actor)
    assert await house.keep.refresh(here.refresh_token)
    assert not await house.lets_in(elsewhere.actor)
    with pytest.raises(NotSignedIn):
        await house.keep.refresh(elsewhere.refresh_token)
    with pytest.raises(NotSignedIn):
        await house.enter(PASSWORD)
    assert await house.enter(NEW)


async def test_a_new_password_needs_the_present_one(house: House) -> None:
    here = await house.enter()

    with pytest.raises(InvalidInput) as caught:
        await house.change_password(here.actor, "wrong password", NEW)
    assert caught.value.field == "current_password"
    with pytest.raises(InvalidInput) as caught:
        await house.change_password(here.actor, PASSWORD, "short")
    assert caught.value.field == "new_password"

    assert await house.enter(PASSWORD)


async def test_the_present_password_cannot_be_found_by_trying_with_a_stolen_token(house: House) -> None:
    here = await house.enter()

    for _ in range(10):
        with pytest.raises(InvalidInput):
            await house.change_password(here.actor, "wrong password", NEW)
    with pytest.raises(TooManyRequests):
        await house.change_password(here.actor, PASSWORD, NEW)


async def test_a_session_that_has_ended_changes_no_password(house: House) -> None:
    here = await house.enter()
    await house.keep.sign_out(here.actor)

    with pytest.raises(NotSignedIn):
        await house.change_password(here.actor, PASSWORD, NEW)


async def test_a_user_without_a_password_cannot_change_it(house: House, transactions: SqlTransactions) -> None:
    with pytest.raises(Conflict):
        await house.change_password(Actor(await add_user(transactions)), PASSWORD, NEW)


async def test_a_password_that_changes_while_somebody_signs_in_with_the_old_one_wins(house: House) -> None:
    """Whichever comes first: afterwards, no session of the old password is open."""
    here = await house.enter()

    results = await asyncio.gather(
        *(house.enter(PASSWORD) for _ in range(4)),
        house.change_password(here.actor, PASSWORD, NEW),
        return_exceptions=True,
    )

    assert results[-1] is None
    for result in results[:-1]:
        if isinstance(result, SignedIn):
            assert not await house.lets_in(result.actor)
        else:
            assert isinstance(result, NotSignedIn)


async def test_an_erased_user_is_out_at_once(house: House, database: Database) -> None:
    signed_in = await house.enter()
    second = await house.keep.refresh(signed_in.refresh_token)

    database.execute("delete from auth.users where id = %s", signed_in.actor.user_id)

    assert not await house.lets_in(signed_in.actor)
    with pytest.raises(NotSignedIn):
        await house.keep.refresh(second.refresh_token)


async def test_an_admin_is_appointed_and_dismissed(house: House, transactions: SqlTransactions) -> None:
    appoint = AppointAdmin(transactions)
    before = await house.enter()

    await appoint("Ada@Example.org", is_admin=True)
    admin = await house.keep.refresh(before.refresh_token)
    assert (before.actor.is_admin, admin.actor.is_admin) == (False, True)

    await appoint(EMAIL, is_admin=False)
    assert not await house.lets_in(admin.actor)
    assert not (await house.enter()).actor.is_admin
    with pytest.raises(NotFound, match=r"no account of eve@example\.org"):
        await appoint("eve@example.org", is_admin=True)
