"""A provider that signs users in: keys that it rotates, a key set over a real socket, and tokens."""

from __future__ import annotations

import asyncio
import base64
import json
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from uuid_utils.compat import uuid7

from tales.infrastructure.auth.claims import AUDIENCE

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
USER: UUID = uuid7()
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key for ES256."""
    return ec.generate_private_key(ec.SECP256R1())


def claims(**changes: Any) -> dict[str, Any]:
    """What Supabase says of a user; None leaves a claim out."""
    now = datetime.now(UTC)
    facts = {"sub": str(USER), "aud": AUDIENCE, "role": "authenticated", "iat": now, "exp": now + timedelta(hours=1)}
    return {name: value for name, value in (facts | {"app_metadata": {}} | changes).items() if value is not None}


def sign(key: PrivateKey, kid: str | None, **changes: Any) -> str:
    """A token for a user, signed as the kind of key has it."""
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    with warnings.catch_warnings():
        # The library warns of a key that is too small, which some test wants to be refused.
        warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
        return jwt.encode(claims(**changes), key, algorithm, headers={"kid": kid} if kid else None)


def public_jwk(key: PrivateKey, kid: str | None, **changes: Any) -> dict[str, Any]:
    """The public key as a JSON Web Key (RFC 7517)."""
    if isinstance(key, rsa.RSAPrivateKey):
        facts = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        facts = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"kty": facts["kty"], **facts, **({"kid": kid} if kid else {}), **changes}


def part(value: object) -> str:
    """One part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@dataclass
class Provider:
    """Serves `keys` at `url`. `asked` counts the requests; `status`, `body` and `delay` are what a test makes of it."""

    keys: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    asked: int = 0
    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0

    async def answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        await asyncio.sleep(self.delay)
        body = self.body if self.body is not None else json.dumps({"keys": self.keys}).encode()
        return web.Response(status=self.status, body=body, headers=self.headers, content_type="application/json")


@asynccontextmanager
async def serving(provider: Provider) -> AsyncIterator[Provider]:
    """The provider on a port of this machine."""
    app = web.Application()
    app.router.add_get("/jwks.json", provider.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        provider.url = f"http://{host}:{port}/jwks.json"
        yield provider
    finally:
        await runner.cleanup()
