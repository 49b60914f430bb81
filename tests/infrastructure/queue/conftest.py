"""A family, a worker, and the two ways through the queue."""

from __future__ import annotations

import os

import pytest
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.generation import Attempt, AttemptId
from tales.domain.repositories.attempt_queue import NOBODY, WorkerInfo
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.factories import add_user, attempt_request

WORKER = WorkerInfo(uuid7(), "test", "host", os.getpid(), 4)


@pytest.fixture
async def actor(transactions: SqlTransactions) -> Actor:
    """A family."""
    return Actor(await add_user(transactions))


async def enqueue(queue: SqlAttemptQueue, actor: Actor, **changes: object) -> Attempt:
    """An attempt that waits."""
    attempt = await queue.enqueue(actor, attempt_request(actor.user_id, **changes), NOBODY)
    assert attempt is not None
    return attempt


async def claim(queue: SqlAttemptQueue, most: int = 9, worker: WorkerInfo = WORKER) -> list[AttemptId]:
    """What a worker gets."""
    return [claimed.attempt.id for claimed in await queue.claim(worker, most)]
