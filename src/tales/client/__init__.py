"""A client of version 3 of the API: `Tales`, and `AsyncTales` for asyncio (docs/client.md).

    with Tales("http://127.0.0.1:8000") as tales:
        tales.sign_in("ada@example.org", "a long password")
        child = tales.children.add("Mia", 6, interests=["dragons"])
        generation = tales.generations.create(child_id=child.id, moral="kindness", wait=60)
        print(tales.stories.get(generation.story_id).content)

It stands alone: nothing of the service is imported with it.
"""

from __future__ import annotations

from tales.client.aio.client import AsyncTales
from tales.client.errors import (
    BadRequest,
    ClientError,
    Conflict,
    ConnectionFailed,
    FieldProblem,
    Forbidden,
    InvalidInput,
    NotFound,
    PreconditionFailed,
    Problem,
    ServerFailed,
    TimedOut,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
)
from tales.client.events import AttemptChanged, Delta, Ended, Event, Retrying
from tales.client.models import (
    Attempt,
    Child,
    CompleteAttempt,
    CompleteGeneration,
    Generation,
    Hero,
    Holdings,
    ListedGeneration,
    Me,
    SignedUp,
    Story,
    StoryGeneration,
)
from tales.client.retry import Retry
from tales.client.sync.client import Tales
from tales.client.tokens import MemoryTokens, Tokens, TokenStore
from tales.client.wire import checked_server

__all__ = [
    "AsyncTales",
    "Attempt",
    "AttemptChanged",
    "BadRequest",
    "Child",
    "ClientError",
    "CompleteAttempt",
    "CompleteGeneration",
    "Conflict",
    "ConnectionFailed",
    "Delta",
    "Ended",
    "Event",
    "FieldProblem",
    "Forbidden",
    "Generation",
    "Hero",
    "Holdings",
    "InvalidInput",
    "ListedGeneration",
    "Me",
    "MemoryTokens",
    "NotFound",
    "PreconditionFailed",
    "Problem",
    "Retry",
    "Retrying",
    "ServerFailed",
    "SignedUp",
    "Story",
    "StoryGeneration",
    "Tales",
    "TimedOut",
    "TokenStore",
    "Tokens",
    "TooManyRequests",
    "Unauthenticated",
    "Unavailable",
    "UnexpectedAnswer",
    "checked_server",
]
