"""The public keys of an outside provider: a JSON Web Key Set (RFC 7517), fetched and kept."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp
import jwt

from tales.application.ports import Clock, Log
from tales.domain.errors import Unavailable

FRESH = timedelta(minutes=10)
"""A key that the provider has taken out of its set is trusted for so long at most, while the provider answers."""

PAUSE = timedelta(seconds=10)
"""Between two fetches at least, so that tokens with invented keys cost the provider nothing."""

_TIMEOUT = aiohttp.ClientTimeout(total=5)
_MOST_BYTES = 256 * 1024
ALGORITHMS = ("ES256", "RS256")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, and the one algorithm that it verifies."""

    kid: str | None
    algorithm: str
    key: jwt.PyJWK


class Jwks:
    """The key set at `url`, which is https or on this machine.

    Once it has been had, it is kept for as long as the provider does not answer.
    """

    def __init__(self, url: str, clock: Clock, log: Log) -> None:
        self._url = url
        self._clock = clock
        self._log = log
        self._keys: tuple[SigningKey, ...] | None = None
        self._fetched_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._fetch: asyncio.Task[None] | None = None

    async def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key of this name for this algorithm; None when the provider has none.

        A key that is unknown is looked for at the provider. Raises: Unavailable while the set has never been had.
        """
        found = self._pick(kid, algorithm)
        if found is None or self._is_stale():
            fetch = self._fetching()
            if found is None and fetch is not None:
                # One fetch serves everybody: it goes on when this request is given up.
                await asyncio.shield(fetch)
                found = self._pick(kid, algorithm)
        if self._keys is None:
            raise Unavailable("The keys of the sign-in provider cannot be fetched. Check TALES_JWKS_URL.")
        return found

    def _pick(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        fitting = [key for key in self._keys or () if key.algorithm == algorithm and kid in (None, key.kid)]
        # A token that names no key is verified where there is no choice.
        return fitting[0].key if len(fitting) == 1 else None

    def _is_stale(self) -> bool:
        return self._fetched_at is None or self._clock.now() - self._fetched_at >= FRESH

    def _fetching(self) -> asyncio.Task[None] | None:
        """The fetch that is under way, or a new one; None when it is too soon for that."""
        if self._fetch is not None and not self._fetch.done():
            return self._fetch
        now = self._clock.now()
        if self._asked_at is not None and now - self._asked_at < PAUSE:
            return None
        self._asked_at = now
        self._fetch = asyncio.create_task(self._load(), name="tales signing keys")
        return self._fetch

    async def _load(self) -> None:
        try:
            self._keys = _signing_keys(await self._download())
            self._fetched_at = self._clock.now()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError) as error:
            self._log.warning("the signing keys were not fetched", error=type(error).__name__)

    async def _download(self) -> bytes:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT, auto_decompress=True) as session,
            # A redirect could lead to where nothing protects the keys.
            session.get(self._url, allow_redirects=False, headers={"Accept": "application/json"}) as answer,
        ):
            if answer.status != 200:
                raise ValueError("no key set")
            body = bytearray()
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > _MOST_BYTES:
                    raise ValueError("too large for a key set")
            return bytes(body)


def _signing_keys(body: bytes) -> tuple[SigningKey, ...]:
    """The keys of a set that verify signatures of the algorithms that are taken. Raises: ValueError."""
    match json.loads(body):
        case {"keys": list(items)}:
            return tuple(key for item in items if (key := _signing_key(item)) is not None)
    raise ValueError("no key set")


def _signing_key(item: object) -> SigningKey | None:
    """One key of a set; None for what is meant for something else, or is no key (RFC 7517, section 5)."""
    if not isinstance(item, dict):
        return None
    # The members that make up a public key (RFC 7518, section 6): nothing else of the item is used.
    match item:
        case {"kty": "EC", "crv": "P-256", "x": str(x), "y": str(y)}:
            algorithm, members = "ES256", {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        case {"kty": "RSA", "n": str(n), "e": str(e)}:
            algorithm, members = "RS256", {"kty": "RSA", "n": n, "e": e}
        case _:
            return None
    if item.get("use", "sig") != "sig" or item.get("alg", algorithm) != algorithm:
        return None
    try:
        key = jwt.PyJWK(members, algorithm=algorithm)
    except (jwt.PyJWTError, ValueError):
        return None
    kid = item.get("kid")
    return SigningKey(kid if isinstance(kid, str) else None, algorithm, key)
