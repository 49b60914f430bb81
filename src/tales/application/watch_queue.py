"""What waits to be written, and who writes, as an operator sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tales.application.admins import check_admin
from tales.application.ports import Clock
from tales.domain.actor import Actor
from tales.domain.repositories.attempt_queue import AttemptQueue, QueueState, WorkerState


@dataclass(frozen=True, slots=True)
class QueueAndWorkers:
    """How things stood at `now`. `workers` are those that are alive, or were a while ago."""

    now: datetime
    queues: tuple[QueueState, ...]
    workers: tuple[WorkerState, ...]

    @property
    def waiting(self) -> int:
        """Attempts that no worker has taken."""
        return sum(queue.waiting for queue in self.queues)

    @property
    def in_hand(self) -> int:
        """Attempts that a worker has taken."""
        return sum(queue.in_hand for queue in self.queues)

    @property
    def oldest(self) -> float:
        """Seconds that the oldest attempt has waited; 0 where none waits."""
        return max((queue.oldest for queue in self.queues), default=0.0)

    @property
    def alive(self) -> tuple[WorkerState, ...]:
        """The workers whose lease holds."""
        return tuple(state for state in self.workers if state.is_alive(self.now))


@dataclass(frozen=True, slots=True)
class WatchQueue:
    """Looks at the queue and the workers, for admins."""

    attempts: AttemptQueue
    clock: Clock

    async def __call__(self, actor: Actor) -> QueueAndWorkers:
        """How things stand. Raises: Forbidden for whoever is no admin."""
        check_admin(actor, "The queue is")
        queues, workers = await self.attempts.queues(), await self.attempts.workers()
        return QueueAndWorkers(self.clock.now(), queues, workers)
