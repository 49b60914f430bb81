"""What the use cases ask of the world besides rows: a model, a clock, ids, listeners, passwords, a log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, Self
from uuid import UUID

from tales.domain.actor import Actor
from tales.domain.failures import Failure
from tales.domain.generation import Attempt, AttemptId, Generation, Json
from tales.domain.progress import Snapshot
from tales.domain.repositories.attempt_queue import EndedAttempt


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
    """One request to a model. `minutes` is the length of the story that is asked for.

    `extra` are fields that only this model's server knows.
    """

    model: str
    prompt: str
    minutes: int
    extra: Mapping[str, Json] = field(default_factory=dict)


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

    @classmethod
    def nothing(cls, failure: Failure) -> Self:
        """No answer at all, and why."""
        return cls(
            text="",
            finish_reason=None,
            full_response=None,
            http_status=None,
            provider_generation_id=None,
            first_token_at=None,
            failure=failure,
        )


class TextRefused(Exception):
    """Raised by `on_text`: no more of this answer is wanted, for the reason that `failure` says."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.kind)
        self.failure = failure


class ModelProvider(Protocol):
    """An OpenAI-compatible service, near or far."""

    async def complete(
        self,
        call: ModelCall,
        on_provider_id: Callable[[str], None],
        on_text: Callable[[str], None],
    ) -> ModelAnswer:
        """Make exactly one request, and wait for its end.

        `on_provider_id` is called when the headers bring the provider's id, before the body; `on_text` for each
        piece of text; where it raises TextRefused, the call is ended, and what has come is the answer, with that
        failure. Never raises for what the network or the provider does.
        """


class ProgressPublisher(Protocol):
    """Who is told what becomes of attempts while they are made. Nothing here waits, and nothing fails a call."""

    def begin(self, attempt: Attempt) -> None:
        """A worker has taken it."""

    def publish(self, attempt: AttemptId, text: str) -> None:
        """A piece of its text has come."""

    def end(self, attempt: AttemptId, ended: EndedAttempt | None = None) -> None:
        """It has ended; how is in the database, and in `ended` if that is known here."""

    def enqueued(self) -> None:
        """An attempt waits for a worker of another process."""


class TemplateRenderer(Protocol):
    """What makes texts out of prompt templates."""

    def render(self, template: str, names: Mapping[str, object]) -> str:
        """What `template` writes when it may use `names`. Raises: BrokenTemplate, whatever is wrong with it."""


class EndWatch(Protocol):
    """How a worker learns that one of its attempts may have ended elsewhere: it was cancelled, or taken for lost."""

    def add(self, generation: Generation) -> None:
        """A generation of this very process, whose call is about to be made here."""

    def watch(self, attempt: AttemptId, on_doubt: Callable[[AttemptId], None]) -> None:
        """Call `on_doubt` whenever somebody says so, until `unwatch`. Anybody may say so: it is a reason to look."""

    def unwatch(self, attempt: AttemptId) -> None:
        """It has ended here."""


class Dispatcher(Protocol):
    """The way of a new attempt to a worker: to that of this very process, if it has a place free, or to any."""

    def reserve(self) -> UUID | None:
        """Keep a place free; the worker's id, or None where there is no place. `start` or `release` follows."""

    def release(self) -> None:
        """Nothing comes of what a place was reserved for."""

    def start(self, generation: Generation) -> None:
        """Make the call of the attempt that was inserted for a reserved place."""

    def enqueued(self, generation_id: UUID) -> None:
        """An attempt waits for a worker."""


class Subscription(Protocol):
    """One who follows a generation."""

    async def next(self) -> Snapshot | None:
        """How it stands, once that has changed since the last time; None when nothing more will be told."""


class Subscriptions(Protocol):
    """Where generations can be followed, whichever process makes their calls."""

    def subscribe(self, generation_id: UUID, *, with_text: bool) -> AbstractContextManager[Subscription]:
        """What becomes of a generation from now on, as the service sees it: whose it is was asked before."""


class PasswordHasher(Protocol):
    """Turns passwords into hashes that do not turn back."""

    def hash(self, password: str) -> str:
        """A salted hash of `password`."""

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the hash of `password`; takes as long for None, where there is no account."""

    def is_outdated(self, password_hash: str) -> bool:
        """Whether `hash` would make a better one of the same password today."""


class PasswordRules(Protocol):
    """What a password may be made of, and which ones are no secret."""

    def prepare(self, password: str) -> str | None:
        """`password` as it is compared, however it was typed; None for what cannot be typed everywhere, or is empty."""

    def is_common(self, password: str, address: str) -> bool:
        """Whether it would be tried first for the account of this `address`."""


class Mailer(Protocol):
    """Sends mail in the background. Nothing here waits, and what cannot be sent is in the log."""

    def send(self, address: str, subject: str, text: str) -> None:
        """Send `text` to `address`."""


class TokenReader(Protocol):
    """Reads the access tokens that a request brings along."""

    async def read(self, token: str) -> Actor:
        """Who brings this token. Raises: Unauthenticated when it is forged, expired or no token; Unavailable."""


class TokenIssuer(Protocol):
    """Gives out access tokens."""

    @property
    def lifetime(self) -> int:
        """How long a new token is good for, in seconds."""

    def issue(self, actor: Actor) -> str:
        """A signed token for `actor`."""


class Log(Protocol):
    """Where the service says what it does: names, ids and numbers, never anybody's words."""

    def info(self, event: str, **facts: object) -> None:
        """Something that is meant to happen."""

    def warning(self, event: str, **facts: object) -> None:
        """Something that an operator may want to know."""

    def error(self, event: str, **facts: object) -> None:
        """Something that an operator must see to."""
