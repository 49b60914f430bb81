"""How a process is wired: whether it is ready, and whose tokens it takes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from tales.bootstrap import _check_ready, running_app
from tales.domain.errors import Unauthenticated, Unavailable
from tales.settings import Settings
from tests.fixtures.databases import Database


async def test_a_process_whose_background_work_has_gone_is_not_ready() -> None:
    async def database() -> None:
        """It answers."""

    working = asyncio.create_task(asyncio.Event().wait(), name="tales reaper")
    other = asyncio.create_task(asyncio.sleep(0), name="anybody's")
    check = _check_ready(database, [working, other])
    await other
    await check()

    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    with pytest.raises(Unavailable, match=r"Gone from the background: tales reaper\. Start this process again\."):
        await check()


async def test_a_database_that_does_not_answer_is_said() -> None:
    async def database() -> None:
        raise Unavailable("away")

    with pytest.raises(Unavailable, match="away"):
        await _check_ready(database, [])()


async def test_a_signing_secret_is_changed_while_everybody_stays_signed_in(database: Database) -> None:
    facts: dict[str, Any] = {"database_url": database.app_url, "llm_base_url": "http://127.0.0.1:1", "models": ("a/b",)}
    old, new = SecretStr("the old secret, and long enough...."), SecretStr("the new secret, and long enough....")
    async with running_app(Settings(**facts, jwt_secret=old), with_worker=False) as tales:
        actor = await tales.services.sign_in.local_user()
        token = tales.services.tokens.issue(actor)

    async with running_app(Settings(**facts, jwt_secret=new, jwt_previous_secrets=(old,)), with_worker=False) as tales:
        assert await tales.services.authenticate(token) == actor
    async with running_app(Settings(**facts, jwt_secret=new), with_worker=False) as tales:
        with pytest.raises(Unauthenticated):
            await tales.services.authenticate(token)
