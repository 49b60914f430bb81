"""Sees to it that every generation ends: attempts that no worker will ever run are ended here.

What was kept for a while only is forgotten here as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tales.application.end_attempt import EndAttempt
from tales.application.ports import AttemptListener, Clock, Log
from tales.domain.failures import Failure, FailureKind
from tales.domain.generation import Attempt
from tales.domain.idempotency import KEPT_FOR
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork

GRACE = 60.0
"""Seconds that a pending attempt is left alone."""

PATIENCE = 3600.0
"""Seconds that a job may be due before nobody is expected to take it: after an hour it is no bedtime story."""

BATCH = 100

NOT_ENQUEUED = Failure(FailureKind.NOT_ENQUEUED, "This row was not made by the service, so no model was asked.")
JOB_LOST = Failure(FailureKind.WORKER_LOST, "worker lost: the queue no longer holds this attempt's job")
NOBODY_CAME = Failure(
    FailureKind.WORKER_LOST,
    "worker lost: no worker took this attempt within an hour. Start one for its provider.",
    retryable=False,
)


@dataclass(frozen=True, slots=True)
class Sweep:
    """One round over the attempts that have been pending for a while."""

    transactions: Transactions
    end_attempt: EndAttempt
    clock: Clock
    listener: AttemptListener
    log: Log

    async def __call__(self) -> int:
        """How many attempts were ended."""
        async with self.transactions.as_service() as work:
            await work.jobs.adopt_orphans()
            # A worker that died has left its text behind.
            await work.live_texts.forget_ended()
            await work.idempotency_keys.forget_before(self.clock.now() - KEPT_FOR)
            await work.request_rates.forget_idle()
            await work.commit()
        async with self.transactions.as_service() as work:
            before = self.clock.now() - timedelta(seconds=GRACE)
            pending = await work.generations.pending_since(before, BATCH)
        ended = 0
        for candidate in pending:
            ended += await self._end_if_lost(candidate)
        return ended

    async def _end_if_lost(self, candidate: Attempt) -> bool:
        async with self.transactions.as_service() as work:
            attempt = await work.generations.lock_attempt(candidate.id)
            failure = await _reason(work, attempt) if attempt else None
            if attempt is None or failure is None:
                return False
            await self.end_attempt(work, attempt, failure)
            await work.commit()
        self.listener.finish(candidate.id)
        self.log.warning("attempt swept", attempt=str(candidate.id), reason=str(failure.kind))
        return True


async def _reason(work: UnitOfWork, attempt: Attempt) -> Failure | None:
    """Why nobody will run this attempt; None when somebody may."""
    if not await work.jobs.has_job(attempt.id):
        return NOT_ENQUEUED if attempt.started_at is None else JOB_LOST
    return None if await work.jobs.is_being_served(attempt.id, PATIENCE) else NOBODY_CAME
