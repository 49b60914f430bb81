"""Tokens of an outside provider: verified by its keys, whatever somebody makes up."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tales.domain.actor import Actor
from tales.domain.errors import Unauthenticated
from tales.infrastructure.auth.claims import LEEWAY, Expected
from tales.infrastructure.auth.jwks import FRESH, Jwks
from tales.infrastructure.auth.outside_tokens import OutsideTokens
from tests.fixtures.time import FakeClock
from tests.infrastructure.auth.provider import (
    RSA_KEY,
    USER,
    Provider,
    claims,
    new_key,
    part,
    public_jwk,
    serving,
    sign,
)
from tests.interfaces.api.world import Silence

SECRET = "a secret that is shared with the provider"
ISSUER = "https://auth.example.org/auth/v1"
KEY, OTHER = new_key(), new_key()
SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024)
NOW = datetime.now(UTC)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """A provider with a key of each kind, and one that nobody should trust."""
    keys = [public_jwk(KEY, "ec"), public_jwk(RSA_KEY, "rsa"), public_jwk(SMALL, "small")]
    async with serving(Provider(keys)) as provider:
        yield provider


@pytest.fixture
def tokens(provider: Provider, clock: FakeClock) -> OutsideTokens:
    """Its tokens, where the operator has named the issuer, the keys and the secret."""
    return OutsideTokens(Expected(issuer=ISSUER), Jwks(provider.url, clock, Silence()), (SECRET,), clock)


def good(key: Any = KEY, kid: str | None = "ec", **changes: Any) -> str:
    return sign(key, kid, **{"iss": ISSUER} | changes)


@pytest.mark.parametrize(
    "token",
    [
        good(),
        good(RSA_KEY, "rsa"),
        jwt.encode(claims(iss=ISSUER), SECRET, "HS256"),
        jwt.encode(claims(iss=ISSUER), SECRET, "HS256", headers={"kid": "ec"}),
        good(aud=["others", "authenticated"]),
        good(sub=str(USER).upper()),
    ],
)
async def test_a_token_of_the_provider_says_who_brings_it(tokens: OutsideTokens, token: str) -> None:
    assert await tokens.read(token) == Actor(USER)


@pytest.mark.parametrize(("claim", "late"), [("exp", -1), ("nbf", 1), ("iat", 1)])
async def test_clocks_may_differ_by_a_few_seconds_and_no_more(tokens: OutsideTokens, claim: str, late: int) -> None:
    def off_by(seconds: float) -> str:
        return good(**{claim: datetime.now(UTC) + late * timedelta(seconds=seconds)})

    assert await tokens.read(off_by(LEEWAY / 2)) == Actor(USER)
    with pytest.raises(Unauthenticated):
        await tokens.read(off_by(LEEWAY * 3))


async def test_the_providers_metadata_makes_an_admin_and_the_users_own_does_not(tokens: OutsideTokens) -> None:
    assert await tokens.read(good(app_metadata={"role": "admin"})) == Actor(USER, is_admin=True)
    assert await tokens.read(good(user_metadata={"role": "admin"}, role="admin")) == Actor(USER)


async def test_a_session_of_the_provider_is_none_of_ours(tokens: OutsideTokens) -> None:
    assert await tokens.read(good(session_id=str(USER))) == Actor(USER)


def pem(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def signed_by_hand(secret: bytes, kid: str) -> str:
    """HS256 with any secret: libraries refuse to sign with a public key."""
    head = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{part(json_claims())}"
    signature = hmac.new(secret, head.encode(), hashlib.sha256).digest()
    return f"{head}.{jwt.utils.base64url_encode(signature).decode()}"


def json_claims(**changes: Any) -> dict[str, Any]:
    facts = claims(iss=ISSUER, **changes)
    return facts | {name: int(facts[name].timestamp()) for name in ("iat", "exp")}


def swapped(header: dict[str, Any]) -> str:
    """A good token under another header."""
    _, payload, signature = good().split(".")
    return f"{part(header)}.{payload}.{signature}"


FORGED = {
    "no signature": f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(json_claims())}.",
    "no signature, loudly": f"{part({'alg': 'None', 'typ': 'JWT', 'kid': 'ec'})}.{part(json_claims())}.",
    "the signature cut off": good().rpartition(".")[0] + ".",
    "none over a good signature": swapped({"alg": "none", "kid": "ec"}),
    "a public key as a secret": signed_by_hand(pem(RSA_KEY), "rsa"),
    "a public key of another kind as a secret": signed_by_hand(pem(KEY), "ec"),
    "a key set's own text as a secret": signed_by_hand(json.dumps(public_jwk(RSA_KEY, "rsa")).encode(), "rsa"),
    "an empty secret": signed_by_hand(b"", "ec"),
    "another secret": jwt.encode(claims(iss=ISSUER), SECRET[::-1], "HS256"),
    "another strength of the secret": jwt.encode(claims(iss=ISSUER), SECRET * 2, "HS512"),
    "another key under a known name": good(OTHER, "ec"),
    "a key of another set": good(OTHER, "theirs"),
    "a key of another set without a name": good(OTHER, None),
    "the name of another key": good(KEY, "rsa"),
    "a key that is too small": good(SMALL, "small"),
    "another algorithm of a known key": jwt.encode(claims(iss=ISSUER), RSA_KEY, "RS512", headers={"kid": "rsa"}),
    "a padding that was not agreed": jwt.encode(claims(iss=ISSUER), RSA_KEY, "PS256", headers={"kid": "rsa"}),
    "a key that it brings itself": jwt.encode(
        claims(iss=ISSUER), OTHER, "ES256", headers={"jwk": public_jwk(OTHER, "ec"), "jku": "http://127.0.0.1:9/"}
    ),
    "a name that is none": swapped({"alg": "ES256", "kid": ["ec"]}),
    "a path for a name": swapped({"alg": "ES256", "kid": "../../dev/null"}),
    "an algorithm that is none": swapped({"alg": ["ES256"], "kid": "ec"}),
    "no algorithm": swapped({"kid": "ec"}),
    "an extension that must be understood": jwt.encode(
        claims(iss=ISSUER), KEY, "ES256", headers={"kid": "ec", "crit": ["exp2"], "exp2": 1}
    ),
    "expired": good(exp=NOW - timedelta(hours=1)),
    "not yet": good(nbf=NOW + timedelta(days=1)),
    "issued tomorrow": good(iat=NOW + timedelta(days=1)),
    "no end": good(exp=None),
    "an end that is none": good(exp="tomorrow"),
    "another audience": good(aud="anon"),
    "no audience": good(aud=None),
    "another issuer": good(iss="https://auth.example.com/auth/v1"),
    "an issuer that begins alike": good(iss=ISSUER + ".example.com"),
    "no issuer": good(iss=None),
    "nobody": good(sub=None),
    "an empty name": good(sub=""),
    "a name that is no UUID": good(sub="auth0|5f7c8ec7c33c6c004bbafe82"),
    "a UUID in braces": good(sub=f"{{{USER}}}"),
    "a UUID without hyphens": good(sub=USER.hex),
    "a service, not a user": good(sub=None, role="service_role"),
    "claims that are a list": jwt.encode(claims(iss=ISSUER), SECRET).split(".")[0] + "." + part([]) + ".AAAA",
    "a header that is a list": f"{part([])}.{part(json_claims())}.AAAA",
    "nested without end": f"{jwt.utils.base64url_encode(b'[' * 40_000).decode()}.e30.e30",
    "no token": "nonsense",
    "empty": "",
    "dots": "..",
    "long": "x" * 60_000,
    "not ASCII": "\xff\u0430.\ud800.",
}


@pytest.mark.parametrize("kind", list(FORGED))
async def test_what_the_provider_has_not_signed_for_us_is_refused(tokens: OutsideTokens, kind: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        await tokens.read(FORGED[kind])

    assert refused.value.message == "This token is not valid, or no longer. Sign in again."
    assert await tokens.read(good()) == Actor(USER)


async def test_without_a_shared_secret_no_secret_is_taken(provider: Provider, clock: FakeClock) -> None:
    tokens = OutsideTokens(Expected(issuer=ISSUER), Jwks(provider.url, clock, Silence()), (), clock)

    assert await tokens.read(good()) == Actor(USER)
    for secret in (b"", b"None", SECRET.encode()):
        with pytest.raises(Unauthenticated):
            await tokens.read(signed_by_hand(secret, "ec"))


async def test_without_keys_the_shared_secret_alone_counts(clock: FakeClock) -> None:
    tokens = OutsideTokens(Expected(), None, (SECRET,), clock)

    assert await tokens.read(jwt.encode(claims(), SECRET, "HS256")) == Actor(USER)
    for token in (good(), good(RSA_KEY, "rsa"), signed_by_hand(pem(RSA_KEY), "rsa")):
        with pytest.raises(Unauthenticated):
            await tokens.read(token)


async def test_the_provider_may_rotate_its_keys_while_users_are_signed_in(
    tokens: OutsideTokens, provider: Provider, clock: FakeClock
) -> None:
    before = good()
    assert await tokens.read(before) == Actor(USER)

    provider.keys.append(public_jwk(OTHER, "new"))
    clock.advance(10)

    assert await tokens.read(good(OTHER, "new")) == Actor(USER)
    assert await tokens.read(before) == Actor(USER)


async def fetched(tokens: OutsideTokens) -> None:
    """Wait for the fetch that is under way."""
    assert tokens._keys is not None
    assert tokens._keys._fetch is not None
    await tokens._keys._fetch


@pytest.mark.parametrize("replaced", [True, False])
async def test_a_key_that_the_provider_takes_back_ends_the_tokens_that_were_verified_by_it(
    tokens: OutsideTokens, provider: Provider, clock: FakeClock, replaced: bool
) -> None:
    """Also when another key comes under the same name, and also tokens that have been good all along."""
    old = good()
    assert await tokens.read(old) == Actor(USER)

    provider.keys[0] = public_jwk(OTHER, "ec" if replaced else "new")
    clock.advance(FRESH.total_seconds())
    # A stale set still serves the request that has it fetched anew.
    assert await tokens.read(old) == Actor(USER)
    await fetched(tokens)

    with pytest.raises(Unauthenticated):
        await tokens.read(old)
    assert await tokens.read(good(OTHER, "ec" if replaced else "new")) == Actor(USER)


async def test_a_set_that_is_fetched_anew_and_is_the_same_goes_on_verifying(
    tokens: OutsideTokens, provider: Provider, clock: FakeClock
) -> None:
    token = good()
    for _ in range(3):
        assert await tokens.read(token) == Actor(USER)
        await fetched(tokens)
        clock.advance(FRESH.total_seconds())
    assert provider.asked == 3


async def test_a_token_that_was_good_is_refused_from_the_second_on_that_it_expires(
    tokens: OutsideTokens, clock: FakeClock
) -> None:
    expires = int(datetime.now(UTC).timestamp()) + 600
    token = good(exp=expires)
    clock.set(datetime.fromtimestamp(expires + LEEWAY - 0.001, UTC))
    assert await tokens.read(token) == Actor(USER)

    clock.set(datetime.fromtimestamp(expires + LEEWAY, UTC))

    with pytest.raises(Unauthenticated):
        await tokens.read(token)
