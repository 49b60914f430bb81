"""How a process is wired: whose tokens it takes, and that it takes down what it has begun."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

import pytest
from pydantic import SecretStr

from tales import bootstrap
from tales.bootstrap import running_app
from tales.domain.errors import Unauthenticated
from tales.settings import Settings
from tests.fixtures.databases import Database
from tests.fixtures.waiting import until


async def test_a_signing_secret_is_changed_while_everybody_stays_signed_in(database: Database) -> None:
    facts = _facts(database)
    old, new = SecretStr("the old secret, and long enough...."), SecretStr("the new secret, and long enough....")
    async with running_app(Settings(**facts, jwt_secret=old), with_worker=False) as tales:
        actor = await tales.services.sign_in.local_user()
        token = tales.services.tokens.issue(actor)

    async with running_app(Settings(**facts, jwt_secret=new, jwt_previous_secrets=(old,)), with_worker=False) as tales:
        assert await tales.services.authenticate(token) == actor
    async with running_app(Settings(**facts, jwt_secret=new), with_worker=False) as tales:
        with pytest.raises(Unauthenticated):
            await tales.services.authenticate(token)


STEPS = (
    *("SqlTransactions", "open_tracing", "SqlAttemptQueue", "open_provider", "Worker"),
    *("KeepRollups", "NoticeListener", "open_mailer", "_auth"),
)


@pytest.mark.parametrize("step", STEPS)
async def test_whatever_cannot_be_begun_all_before_it_is_ended(
    database: Database, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise RuntimeError(step)

    monkeypatch.setattr(bootstrap, step, fail)
    settings = Settings(**_facts(database), jwt_secret=SecretStr("a secret for tests, and long enough"))

    with pytest.raises(RuntimeError, match=f"^{step}$"):
        async with running_app(settings, with_worker=True):
            pytest.fail("it runs")

    assert [name for task in asyncio.all_tasks() if (name := task.get_name()).startswith("tales ")] == []
    assert database.rows("select from tales.workers") == []
    await until(
        lambda: (
            database.rows(
                "select from pg_stat_activity where application_name like 'tales%' and datname = current_database()"
            )
            == []
        )
    )


def _facts(database: Database) -> dict[str, Any]:
    return {"database_url": database.app_url, "llm_base_url": "http://127.0.0.1:1", "models": ("a/b",)}
