"""Access tokens say who brings them, for a while, and cannot be forged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.errors import Unauthenticated
from tales.infrastructure.auth import verified_tokens
from tales.infrastructure.auth.claims import AUDIENCE, LEEWAY, Expected
from tales.infrastructure.auth.tokens import JwtTokens
from tests.fixtures.time import FakeClock

SECRET = "a secret for tests, and long enough"
USER = uuid7()


@pytest.fixture
def tokens() -> JwtTokens:
    """Tokens given out now."""
    return JwtTokens(SECRET, FakeClock(datetime.now(UTC)))


def forge(secret: str = SECRET, **changes: object) -> str:
    claims: dict[str, object] = {
        "sub": str(USER),
        "aud": AUDIENCE,
        "exp": datetime.now(UTC) + timedelta(minutes=5),
        "app_metadata": {},
    }
    claims |= changes
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, secret, algorithm="HS256")


@pytest.mark.parametrize("actor", [Actor(USER), Actor(USER, is_admin=True), Actor(USER, session_id=uuid7())])
async def test_a_token_says_who_brings_it(tokens: JwtTokens, actor: Actor) -> None:
    assert await tokens.read(tokens.issue(actor)) == actor


async def test_a_token_is_good_for_its_lifetime_only() -> None:
    long_ago = FakeClock(datetime.now(UTC) - timedelta(seconds=JwtTokens.lifetime + LEEWAY + 1))
    tokens = JwtTokens(SECRET, long_ago)

    with pytest.raises(Unauthenticated):
        await tokens.read(tokens.issue(Actor(USER)))


async def test_a_token_that_was_good_is_refused_from_the_second_on_that_it_expires() -> None:
    clock = FakeClock(datetime.now(UTC).replace(microsecond=0))
    tokens = JwtTokens(SECRET, clock)
    token = tokens.issue(Actor(USER))
    clock.advance(JwtTokens.lifetime + LEEWAY - 0.001)
    assert await tokens.read(token) == Actor(USER)

    clock.advance(0.001)

    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await tokens.read(token)


async def test_a_token_that_is_known_helps_nobody_who_changes_it(tokens: JwtTokens) -> None:
    token = tokens.issue(Actor(USER))
    admin = forge("another secret, which is as long as ours", app_metadata={"role": "admin"})
    assert await tokens.read(token) == Actor(USER)

    head, claims, signature = token.split(".")
    forged = admin.split(".")
    for changed in (
        f"{head}.{forged[1]}.{signature}",
        f"{head}.{claims}.{forged[2]}",
        f"{token}A",
        f"{head}.{claims}.",
    ):
        with pytest.raises(Unauthenticated):
            await tokens.read(changed)
    assert await tokens.read(token) == Actor(USER)


async def test_more_tokens_than_are_remembered_are_as_good(tokens: JwtTokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verified_tokens, "CAPACITY", 3)
    users = [Actor(uuid7()) for _ in range(8)]
    issued = [tokens.issue(user) for user in users]

    for _ in range(2):
        assert [await tokens.read(token) for token in issued] == users
    assert len(tokens._verified._known) == 3


async def test_two_machines_need_not_agree_on_the_second() -> None:
    fast = JwtTokens(SECRET, FakeClock(datetime.now(UTC) + timedelta(seconds=LEEWAY / 2)))

    assert await JwtTokens(SECRET, FakeClock(datetime.now(UTC))).read(fast.issue(Actor(USER))) == Actor(USER)


async def test_an_operator_can_name_who_gives_tokens_and_for_whom() -> None:
    clock = FakeClock(datetime.now(UTC))
    named = JwtTokens(SECRET, clock, Expected("tales", "https://tales.example.org"))

    assert await named.read(named.issue(Actor(USER))) == Actor(USER)
    for other in (Expected("tales", "https://eve.example.org"), Expected("others", "https://tales.example.org")):
        with pytest.raises(Unauthenticated):
            await named.read(JwtTokens(SECRET, clock, other).issue(Actor(USER)))
    with pytest.raises(Unauthenticated):
        await named.read(forge(aud="tales"))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "no token",
        forge(secret="another secret, which is as long as ours"),
        forge(aud="anon"),
        forge(aud=["anon", "others"]),
        forge(sub="not an id"),
        forge(sub=""),
        forge(sub=f"{{{USER}}}"),
        forge(sub=f"urn:uuid:{USER}"),
        forge(sub=USER.hex),
        forge(sub=None),
        forge(exp=None),
        forge(exp="tomorrow"),
        forge(nbf=datetime.now(UTC) + timedelta(days=1)),
        forge(aud=None),
        jwt.encode({"sub": str(USER), "aud": AUDIENCE, "exp": 9999999999}, None, algorithm="none"),
    ],
)
async def test_what_is_no_token_of_ours_is_refused(tokens: JwtTokens, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await tokens.read(token)


@pytest.mark.parametrize(
    "changes",
    [
        {"user_metadata": {"role": "admin"}},
        {"role": "admin"},
        {"app_metadata": "admin"},
        {"app_metadata": {"role": ["admin"]}},
        {"app_metadata": None},
    ],
)
async def test_only_the_operators_metadata_makes_an_admin(tokens: JwtTokens, changes: dict[str, object]) -> None:
    assert not (await tokens.read(forge(**changes))).is_admin


async def test_what_a_previous_secret_has_signed_is_good_until_it_is_taken_out() -> None:
    clock, old, new = (
        FakeClock(datetime.now(UTC)),
        "the old secret, and long enough....",
        "the new secret, and long enough....",
    )
    before = JwtTokens(old, clock).issue(Actor(USER))
    meanwhile = JwtTokens(new, clock, previous=("another one, which is older still..", old))

    for _ in range(2):
        assert await meanwhile.read(before) == Actor(USER)
    afterwards = JwtTokens(new, clock)
    assert await afterwards.read(meanwhile.issue(Actor(USER))) == Actor(USER)
    with pytest.raises(Unauthenticated):
        await afterwards.read(before)
    with pytest.raises(Unauthenticated):
        await meanwhile.read(forge())
