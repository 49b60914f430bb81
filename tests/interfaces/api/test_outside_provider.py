"""Where another provider signs users in, its tokens are enough: on our own database, and on one like Supabase's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import jwt
import pytest
from httpx import AsyncClient
from pydantic import SecretStr
from uuid_utils.compat import uuid7

from tales.bootstrap import running_app
from tales.interfaces.api.app import create_app
from tales.legacy.migrate import migrate_up
from tales.settings import Settings
from tests.fixtures.databases import Database
from tests.fixtures.managed import ManagedDatabase
from tests.fixtures.server import APP_PASSWORD
from tests.infrastructure.auth.provider import RSA_KEY, Provider, claims, new_key, public_jwk, serving, sign
from tests.interfaces.api.world import PASSWORD, SECRET, client_of, problem

KEY = new_key()
MIA = {"name": "Mia", "age": 6}


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """A provider with two keys."""
    async with serving(Provider([public_jwk(KEY, "ec"), public_jwk(RSA_KEY, "rsa")])) as provider:
        yield provider


@asynccontextmanager
async def client_over(
    url: str, provider: Provider | None = None, secret: str | None = None
) -> AsyncIterator[AsyncClient]:
    """A client of the service as the operator has set it up."""
    settings = Settings(
        database_url=url,
        jwks_url=provider.url if provider else None,
        jwt_secret=SecretStr(secret) if secret else None,
    )
    async with (
        running_app(settings, with_worker=False) as app,
        client_of(create_app(app.services), "/api/v3") as client,
    ):
        yield client


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def users(database: Database) -> set[UUID]:
    return {row["id"] for row in database.rows("select id from auth.users")}


async def test_a_user_of_the_provider_is_at_home_from_the_first_token_on(
    database: Database, provider: Provider
) -> None:
    ada, eve = uuid7(), uuid7()
    async with client_over(database.app_url, provider) as client:
        hers = bearing(sign(KEY, "ec", sub=str(ada)))
        for _ in range(2):
            assert (await client.post("/children", json=MIA, headers=hers)).status_code == 201
        assert len((await client.get("/children", headers=hers)).json()["items"]) == 2
        another = bearing(sign(RSA_KEY, "rsa", sub=str(eve)))
        assert (await client.get("/children", headers=another)).json()["items"] == []

    assert users(database) == {ada, eve}
    assert provider.asked == 1


async def test_a_forged_token_makes_no_user(database: Database, provider: Provider) -> None:
    async with client_over(database.app_url, provider, SECRET) as client:
        for token in (sign(new_key(), "ec"), sign(KEY, "ec", aud="anon"), sign(KEY, "ec", sub=""), "nonsense"):
            problem(await client.get("/children", headers=bearing(token)), 401, "not_signed_in")

    assert users(database) == set()


async def test_while_the_provider_has_never_answered_a_token_is_no_reason_to_sign_in_again(
    database: Database, provider: Provider
) -> None:
    provider.status = 500
    async with client_over(database.app_url, provider) as client:
        problem(await client.get("/children", headers=bearing(sign(KEY, "ec"))), 503, "unavailable")


async def test_nobody_signs_up_here(database: Database, provider: Provider) -> None:
    async with client_over(database.app_url, provider) as client:
        answer = await client.post("/auth/signup", json={"email": "ada@example.org", "password": PASSWORD})
        problem(answer, 409, "conflict")


@pytest.fixture
def supabase(managed_database: ManagedDatabase) -> ManagedDatabase:
    """A migrated database beside an `auth` schema that is another's."""
    migrate_up(managed_database.owner_url)
    managed_database.as_platform(f"alter role tales_app login password '{APP_PASSWORD}'")
    return managed_database


async def test_on_supabase_its_own_users_bring_its_own_tokens_and_nobody_else(
    supabase: ManagedDatabase, provider: Provider
) -> None:
    user, stranger = uuid7(), uuid7()
    supabase.as_platform(f"insert into auth.users (id) values ('{user}')")
    async with client_over(supabase.app_url, provider) as client:
        hers = bearing(sign(KEY, "ec", sub=str(user)))
        assert (await client.post("/children", json=MIA, headers=hers)).status_code == 201
        unknown = bearing(sign(KEY, "ec", sub=str(stranger)))
        problem(await client.post("/children", json=MIA, headers=unknown), 401, "not_signed_in")
        answer = await client.post("/auth/token", data={"username": "ada@example.org", "password": PASSWORD})
        problem(answer, 409, "conflict")


async def test_on_supabase_the_shared_secret_is_enough(supabase: ManagedDatabase) -> None:

    user = uuid7()
    supabase.as_platform(f"insert into auth.users (id) values ('{user}')")
    async with client_over(supabase.app_url, secret=SECRET) as client:
        token = jwt.encode(claims(sub=str(user)), SECRET, "HS256")
        assert (await client.post("/children", json=MIA, headers=bearing(token))).status_code == 201
        problem(await client.get("/children", headers=bearing(sign(KEY, "ec", sub=str(user)))), 401, "not_signed_in")
