"""The queue: attempts that wait for a worker, and what workers do with them. A pending attempt is its own job."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from tales.domain.actor import Actor
from tales.domain.family import Child, Hero
from tales.domain.generation import Attempt, AttemptId, AttemptOutcome, AttemptRequest
from tales.domain.limits import NO_LIMITS, GenerationLimits
from tales.domain.retry import NextAttempt

LEASE = 10.0
"""Seconds that a worker may be silent before its attempts are taken for lost. It says that it lives more often."""

GRACE = 60.0
"""Seconds that a pending attempt which is in no queue is left alone."""

STRAY_AGE = 30.0
"""Seconds after its claim in which the answer to it comes, or never."""

QUEUE_TIMEOUT = 3600.0
"""Seconds that an attempt may wait for a worker: after an hour it is no bedtime story."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who a story is about, as its prompt was written about them."""

    child: Child | None = None
    hero: Hero | None = None


NOBODY = Cast()


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker that takes attempts of one queue, at most `concurrency` at a time."""

    id: UUID
    queue: str
    host: str
    process_id: int
    concurrency: int


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker as the database knows it. `in_hand` attempts are its own at the moment."""

    worker: WorkerInfo
    started_at: datetime
    heartbeat_at: datetime
    in_hand: int

    def is_alive(self, now: datetime) -> bool:
        """Whether its lease has not run out."""
        return (now - self.heartbeat_at).total_seconds() < LEASE


@dataclass(frozen=True, slots=True)
class QueueState:
    """Pending attempts of one queue: `waiting` for a worker, or `in_hand` of one. `oldest`: seconds of waiting."""

    queue: str
    waiting: int
    in_hand: int
    oldest: float


@dataclass(frozen=True, slots=True)
class ClaimedAttempt:
    """A pending attempt in a worker's hands, and the models of its generation's attempts so far, in order."""

    attempt: Attempt
    models_used: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoryText:
    """The story that an attempt wrote, under the id that it gets."""

    story_id: UUID
    title: str
    content: str


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """How a claimed attempt ended: with a story, with an attempt that follows, or with neither."""

    attempt: Attempt
    outcome: AttemptOutcome
    story: StoryText | None = None
    following: NextAttempt | None = None


@dataclass(frozen=True, slots=True)
class EndedAttempt:
    """An attempt as it has ended, without prompt and response; and what came of it."""

    attempt: Attempt
    story_id: UUID | None = None
    following: Attempt | None = None


@dataclass(frozen=True, slots=True)
class StrandedAttempts:
    """Pending attempts that are to end: their worker is gone, they have waited for too long, or no queue has them."""

    worker_lost: tuple[ClaimedAttempt, ...] = ()
    queue_timeout: tuple[ClaimedAttempt, ...] = ()
    not_enqueued: tuple[ClaimedAttempt, ...] = ()


class AttemptQueue(Protocol):
    """Each call is one statement or few, and one commit; what many ask for at the same time may share it."""

    async def enqueue(
        self,
        actor: Actor,
        request: AttemptRequest,
        cast: Cast,
        worker_id: UUID | None = None,
        limits: GenerationLimits = NO_LIMITS,
    ) -> Attempt | None:
        """Insert a pending attempt in the name of `actor`, claimed by `worker_id` already if nobody else waits.

        None when its child or hero is no longer as in `cast`: its prompt has to be written anew.
        Raises: Unauthenticated when the actor's session has ended, TooManyRequests, QueueFull, Conflict,
        Unavailable.
        """

    async def claim(
        self, worker: WorkerInfo, most: int, among: Collection[UUID] | None = None
    ) -> tuple[ClaimedAttempt, ...]:
        """At most `most` due attempts of the worker's queue, its own from now on; `among`: all it may take.

        Users take turns, whatever they have asked for.
        """

    async def finish(self, result: AttemptResult) -> EndedAttempt | None:
        """Keep how an attempt ended, with its story or the attempt that follows; None when it had ended already.

        Raises: Unavailable, and what the database has against the values.
        """

    async def save_provider_id(self, attempt: Attempt, provider_generation_id: str) -> None:
        """Keep the provider's own id of a call in flight, so that a cut call's cost can still be asked for.

        After an erasure somebody else may have an attempt of this very id: that one is left as it is.
        """

    async def renew_lease(self, worker: WorkerInfo) -> None:
        """Say that the worker lives."""

    async def sign_off(self, worker_id: UUID) -> None:
        """Say that the worker has stopped."""

    async def workers(self) -> tuple[WorkerState, ...]:
        """Every worker that is alive or was a while ago, the oldest first."""

    async def queues(self) -> tuple[QueueState, ...]:
        """Every queue in which an attempt waits or is in hand."""

    async def ended_among(self, worker_id: UUID, attempts: Collection[AttemptId]) -> frozenset[AttemptId]:
        """Those of these attempts that are no longer pending in the worker's hands.

        After an erasure, somebody else may have an attempt of this very id.
        """

    async def stranded(self, most: int, queue_timeout: float = QUEUE_TIMEOUT) -> StrandedAttempts:
        """Pending attempts that are to end, of each kind the oldest ones, at most `most`."""

    async def strays(self, worker: WorkerInfo, in_hand: Collection[UUID]) -> tuple[ClaimedAttempt, ...]:
        """Attempts claimed a while ago that the worker does not know of: the answer to its claim was lost."""
