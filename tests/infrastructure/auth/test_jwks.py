"""The keys of an outside provider are fetched when they are needed, seldom, and kept while it is away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tales.domain.errors import Unavailable
from tales.infrastructure.auth.jwks import FRESH, PAUSE, Jwks
from tests.fixtures.time import FakeClock
from tests.infrastructure.auth.provider import RSA_KEY, Provider, new_key, public_jwk, serving

KEY = new_key()


@dataclass
class Log:
    """Keeps what was logged."""

    events: list[str] = field(default_factory=list)

    def info(self, event: str, **facts: object) -> None: ...

    def warning(self, event: str, **facts: object) -> None:
        self.events.append(f"{event} {facts}")

    def error(self, event: str, **facts: object) -> None: ...


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """A provider with one key."""
    async with serving(Provider([public_jwk(KEY, "one")])) as provider:
        yield provider


@pytest.fixture
def log() -> Log:
    """A log."""
    return Log()


@pytest.fixture
def jwks(provider: Provider, clock: FakeClock, log: Log) -> Jwks:
    """Its key set, as one process keeps it."""
    return Jwks(provider.url, clock, log)


async def test_keys_are_fetched_once(jwks: Jwks, provider: Provider) -> None:
    for _ in range(5):
        assert await jwks.find("one", "ES256")

    assert provider.asked == 1


async def test_requests_at_the_same_moment_share_one_fetch(jwks: Jwks, provider: Provider) -> None:
    provider.delay = 0.1

    found = await asyncio.gather(*(jwks.find("one", "ES256") for _ in range(20)))

    assert all(found)
    assert provider.asked == 1


async def test_a_new_key_is_found_at_once_when_the_provider_rotates(
    jwks: Jwks, provider: Provider, clock: FakeClock
) -> None:
    await jwks.find("one", "ES256")
    clock.advance(PAUSE.total_seconds())
    provider.keys = [public_jwk(KEY, "one"), public_jwk(RSA_KEY, "two")]

    assert await jwks.find("two", "RS256")
    assert await jwks.find("one", "ES256")
    assert provider.asked == 2


async def test_invented_keys_cost_the_provider_one_request_in_ten_seconds(
    jwks: Jwks, provider: Provider, clock: FakeClock
) -> None:
    await jwks.find("one", "ES256")
    for second in range(60):
        clock.advance(1)
        assert await jwks.find(f"invented {second}", "ES256") is None

    assert provider.asked == 1 + 60 // PAUSE.total_seconds()


async def test_a_key_that_is_taken_out_is_trusted_no_longer(jwks: Jwks, provider: Provider, clock: FakeClock) -> None:
    await jwks.find("one", "ES256")
    provider.keys = [public_jwk(RSA_KEY, "two")]
    clock.advance(FRESH.total_seconds())

    # Nobody waits for the fetch whose key is known; the next one sees what it brought.
    await jwks.find("one", "ES256")
    for _ in range(100):
        if await jwks.find("one", "ES256") is None:
            break
        await asyncio.sleep(0.01)

    assert await jwks.find("one", "ES256") is None
    assert await jwks.find("two", "RS256")


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 404},
        {"body": b"<html>"},
        {"body": b"[]"},
        {"body": b'{"keys": 1}'},
        {"body": b"\xff"},
        {"body": b"[" * 100_000},
        {"body": b'{"keys": [' + b" " * 300_000 + b"]}"},
        {"status": 302, "headers": {"Location": "http://127.0.0.1:9/"}},
    ],
)
async def test_keys_are_kept_while_the_provider_is_away(
    jwks: Jwks, provider: Provider, clock: FakeClock, log: Log, fault: dict[str, object]
) -> None:
    await jwks.find("one", "ES256")
    for name, value in fault.items():
        setattr(provider, name, value)

    for _ in range(3):
        clock.advance(FRESH.total_seconds() * 100)
        assert await jwks.find("one", "ES256")
        assert await jwks.find("two", "ES256") is None

    assert log.events
    assert all(event.startswith("the signing keys were not fetched") for event in log.events)


async def test_keys_that_were_never_had_are_a_reason_to_try_again_later(clock: FakeClock, log: Log) -> None:
    async with serving(Provider([public_jwk(KEY, "one")])) as provider:
        jwks = Jwks(provider.url, clock, log)
        provider.status = 503
        for _ in range(5):
            with pytest.raises(Unavailable):
                await jwks.find("one", "ES256")
        assert provider.asked == 1

        provider.status = 200
        clock.advance(PAUSE.total_seconds())
        assert await jwks.find("one", "ES256")


async def test_a_provider_that_is_gone_is_no_crash(clock: FakeClock, log: Log) -> None:
    async with serving(Provider()) as provider:
        url = provider.url

    with pytest.raises(Unavailable):
        await Jwks(url, clock, log).find("one", "ES256")


async def test_a_request_that_is_given_up_does_not_stop_the_fetch(jwks: Jwks, provider: Provider) -> None:
    provider.delay = 0.05
    waiting = asyncio.create_task(jwks.find("one", "ES256"))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert await jwks.find("one", "ES256")
    assert provider.asked == 1


async def test_what_is_no_key_for_signatures_is_left_out_and_the_others_are_used(
    jwks: Jwks, provider: Provider
) -> None:
    good = public_jwk(KEY, "good")
    provider.keys = [
        public_jwk(KEY, "for encryption", use="enc"),
        public_jwk(RSA_KEY, "another algorithm", alg="RS512"),
        public_jwk(ec.generate_private_key(ec.SECP384R1()), "another curve"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "a secret", "alg": "HS256"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "another kind"},
        {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA", "kid": "no point"},
        {"kty": "EC", "crv": ["P-256"], "kid": "a list"},
        {"kty": "RSA", "kid": "no modulus"},
        {name: value for name, value in good.items() if name != "x"} | {"kid": "half"},
        json.loads('"a string"'),
        [],
        good,
    ]

    assert await jwks.find("good", "ES256")
    for kid in ("for encryption", "another algorithm", "another curve", "a secret", "another kind", "no point", "half"):
        for algorithm in ("ES256", "RS256", "HS256"):
            assert await jwks.find(kid, algorithm) is None, kid


async def test_a_key_serves_its_own_algorithm_alone(jwks: Jwks) -> None:
    assert await jwks.find("one", "ES256")
    assert await jwks.find("one", "RS256") is None


async def test_a_token_may_leave_out_the_name_where_there_is_one_key(
    jwks: Jwks, provider: Provider, clock: FakeClock
) -> None:
    assert await jwks.find(None, "ES256")

    provider.keys.append(public_jwk(new_key(), "two"))
    clock.advance(PAUSE.total_seconds())
    assert await jwks.find("two", "ES256")
    assert await jwks.find(None, "ES256") is None


def test_the_tests_keys_are_what_they_say() -> None:
    assert isinstance(RSA_KEY, rsa.RSAPrivateKey)
    assert public_jwk(KEY, "one")["crv"] == "P-256"
