"""Small things to test with: valid unless a test says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from uuid_utils.compat import uuid7

from tales.domain.failures import Failure, FailureKind
from tales.domain.family import Child, Hero, NewChild, NewHero
from tales.domain.generation import AttemptId, AttemptOutcome, AttemptRequest, Status
from tales.domain.repositories.accounts import Account
from tales.domain.repositories.attempt_queue import AttemptResult
from tales.domain.repositories.unit_of_work import Transactions
from tales.domain.retry import NextAttempt
from tales.domain.story import NewStory
from tales.domain.story_spec import StorySpec, StoryType
from tales.infrastructure.postgres.escaping import dump_storable
from tales.infrastructure.postgres.unit_of_work import SqlTransactions, SqlUnitOfWork
from tales.infrastructure.queue.attempt_rows import result_row

CREATED = datetime(2026, 3, 20, 11, tzinfo=UTC)


class NoHashes:
    """Hashes that cost nothing (`tales.application.ports.PasswordHasher`): for what is about something else."""

    def hash(self, password: str) -> str:
        return password

    def verify(self, password: str, password_hash: str | None) -> bool:
        return password == password_hash

    def is_outdated(self, password_hash: str) -> bool:
        return False


def new_child(**changes: Any) -> NewChild:
    """Mia, six years old, who likes dragons."""
    facts: dict[str, Any] = {"name": "Mia", "age": 6, "interests": ("dragons",), "gender": "girl"}
    return NewChild(**facts | changes)


def new_hero(**changes: Any) -> NewHero:
    """Captain Moon, in a silver cape."""
    facts: dict[str, Any] = {"name": "Captain Moon", "appearance": "a silver cape"}
    return NewHero(**facts | changes)


def child(**changes: Any) -> Child:
    """Mia, as she is kept."""
    facts: dict[str, Any] = {"id": uuid7(), "user_id": uuid7(), "created_at": CREATED, "name": "Mia", "age": 6}
    facts |= {"interests": ("dragons",), "gender": "girl", "version": 1}
    return Child(**facts | changes)


def hero(**changes: Any) -> Hero:
    """Captain Moon, as he is kept."""
    facts: dict[str, Any] = {
        "id": uuid7(),
        "user_id": uuid7(),
        "created_at": CREATED,
        "name": "Captain Moon",
        "appearance": "a silver cape",
        "version": 1,
    }
    return Hero(**facts | changes)


def spec(**changes: Any) -> StorySpec:
    """A story about Mia, for three minutes, about kindness."""
    facts: dict[str, Any] = {"story_type": StoryType.CHILD, "moral": "kindness", "child": child(), "story_length": 3}
    return StorySpec(**facts | changes)


def attempt_request(user_id: UUID, **changes: Any) -> AttemptRequest:
    """The first attempt at a story about a child."""
    facts: dict[str, Any] = {
        "id": AttemptId(uuid7(), 1),
        "user_id": user_id,
        "model_used": "sim/ok",
        "prompt": "Write a bedtime story about Mia.",
        "prompt_version": "bedtime-1",
        "queue": "test",
        "story_type": StoryType.CHILD,
        "moral": "kindness",
        "language": "en",
        "story_length": 3,
    }
    return AttemptRequest(**facts | changes)


def response(**changes: Any) -> dict[str, Any]:
    """A complete answer of a provider, as OpenRouter writes it."""
    message = {"role": "assistant", "content": "The Kind Dragon\n\nOnce upon a time ..."}
    facts = {
        "id": "gen-1",
        "provider": "Simulator",
        "model": "sim/ok-2026",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 120, "completion_tokens": 340, "cost": 0.00042},
    }
    return facts | changes


def success(**changes: Any) -> AttemptOutcome:
    """A call that gave a story."""
    facts: dict[str, Any] = {"status": Status.SUCCESS, "full_response": response(), "http_status": 200}
    return AttemptOutcome(**facts | {"provider_generation_id": "gen-1"} | changes)


def failure(kind: FailureKind = FailureKind.SERVER_ERROR, **changes: Any) -> AttemptOutcome:
    """A call that gave none."""
    status = Failure(kind, "").status
    facts: dict[str, Any] = {"status": status, "error_type": kind, "error_message": "The provider failed."}
    return AttemptOutcome(**facts | changes)


def new_story(user_id: UUID, attempt: AttemptId, **changes: Any) -> NewStory:
    """The story that an attempt wrote."""
    facts: dict[str, Any] = {"id": uuid7(), "user_id": user_id, "attempt": attempt}
    return NewStory(**facts | {"title": "The Kind Dragon", "content": "Once upon a time ..."} | changes)


def account(**changes: Any) -> Account:
    """Somebody who signs in with an address."""
    facts: dict[str, Any] = {"user_id": uuid7(), "email": "ada@example.org", "password_hash": "$hash"}
    return Account(**facts | {"is_admin": False} | changes)


async def add_user(transactions: Transactions, user_id: UUID | None = None) -> UUID:
    """A user without an account, in the database."""
    user = user_id or uuid7()
    async with transactions.as_service() as work:
        await work.accounts.ensure_user(user)
        await work.commit()
    return user


async def finish_attempt(
    work: SqlUnitOfWork, attempt_id: AttemptId, outcome: AttemptOutcome, following: NextAttempt | None = None
) -> bool:
    """End a pending attempt as a worker does, within a transaction of the service; False when it had ended already."""
    attempt = await work.generations.get_attempt(attempt_id)
    assert attempt is not None
    row = result_row(AttemptResult(attempt, outcome, following=following), CREATED)
    finish = text("select generation_id from tales.finish_attempts(cast(:results as jsonb))")
    ended = await work.session.execute(finish, {"results": dump_storable([row])})
    work.session.expire_all()
    return ended.first() is not None


async def add_ended_attempt(
    transactions: SqlTransactions, request: AttemptRequest, outcome: AttemptOutcome | None = None
) -> AttemptId:
    """An attempt that has ended, successfully unless said otherwise."""
    async with transactions.as_service() as work:
        await work.generations.create_attempt(request)
        await finish_attempt(work, request.id, outcome or success())
        await work.commit()
    return request.id


async def add_story(transactions: SqlTransactions, user_id: UUID, **changes: Any) -> UUID:
    """A story and the successful attempt that wrote it; `changes` are the story's."""
    attempt = await add_ended_attempt(transactions, attempt_request(user_id))
    story = new_story(user_id, attempt, **changes)
    async with transactions.as_service() as work:
        await work.stories.add(story)
        await work.commit()
    return story.id
