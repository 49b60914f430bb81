"""What the use cases ask of the world besides rows: a model, a clock, ids, listeners, passwords, a log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from tales.domain.actor import Actor
from tales.domain.failures import Failure
from tales.domain.generation import AttemptId, Json


class Clock(Protocol):
    """The one source of the time of day."""

    def now(self) -> datetime:
        """Now, in UTC."""


class IdMaker(Protocol):
    """The one source of new ids: UUID version 7 (RFC 9562), made before anything is asked of anybody."""

    def new(self) -> UUID:
        """An id that nobody has had."""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One request to a model. `minutes` is the length of the story that is asked for."""

    model: str
    prompt: str
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """What came of one request, good or bad.

    `text` is what the model wrote and `full_response` the whole answer as it came, reassembled when streamed;
    both hold what had arrived when the call failed. `failure` says why it is no complete answer.
    """

    text: str
    finish_reason: str | None
    full_response: Json
    http_status: int | None
    provider_generation_id: str | None
    first_token_at: datetime | None
    failure: Failure | None


class ModelProvider(Protocol):
    """An OpenAI-compatible service, near or far."""

    async def complete(
        self,
        call: ModelCall,
        on_provider_id: Callable[[str], Awaitable[None]],
        on_text: Callable[[str], None],
    ) -> ModelAnswer:
        """Make exactly one request, and wait for its end.

        `on_provider_id` is called when the headers bring the provider's id, before the body; `on_text` for each
        piece of text. Never raises for what the network or the provider does.
        """


class TextSink(Protocol):
    """Where the text of an attempt goes while it is written."""

    def publish(self, attempt: AttemptId, text: str) -> None:
        """Hand a piece of text to whoever listens; never waits."""

    def finish(self, attempt: AttemptId) -> None:
        """No more text will come of this attempt."""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A piece of an attempt's text, as it came from the model. `text` is None when no more will come."""

    attempt: AttemptId
    text: str | None


class TextSource(Protocol):
    """Where the text of stories can be read while they are written."""

    def listen(self, generation_id: UUID) -> AbstractContextManager[asyncio.Queue[TextPiece]]:
        """What is written for a generation from now on."""


class PasswordHasher(Protocol):
    """Turns passwords into hashes that do not turn back."""

    def hash(self, password: str) -> str:
        """A salted hash of `password`."""

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the hash of `password`; takes as long for None, where there is no account."""


class TokenIssuer(Protocol):
    """Gives out and reads the tokens that a request brings along."""

    @property
    def lifetime(self) -> int:
        """How long a new token is good for, in seconds."""

    def issue(self, actor: Actor) -> str:
        """A signed token for `actor`."""

    def read(self, token: str) -> Actor:
        """Who brings this token. Raises: NotSignedIn when it is forged, expired or no token."""


class Log(Protocol):
    """Where the service says what it does: names, ids and numbers, never anybody's words."""

    def info(self, event: str, **facts: object) -> None:
        """Something that is meant to happen."""

    def warning(self, event: str, **facts: object) -> None:
        """Something that an operator may want to know."""

    def error(self, event: str, **facts: object) -> None:
        """Something that an operator must see to."""
