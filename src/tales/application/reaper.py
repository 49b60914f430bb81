"""Sees to it that every generation ends: attempts that nobody will run are ended here.

What was kept for a while only is forgotten here as well.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tales.application.ports import Clock, Log
from tales.application.run_attempt import RunAttempt
from tales.domain.errors import TalesError, Unavailable
from tales.domain.failures import Failure, FailureKind
from tales.domain.idempotency import KEPT_FOR
from tales.domain.repositories.attempt_queue import QUEUE_TIMEOUT, AttemptQueue, ClaimedAttempt
from tales.domain.repositories.unit_of_work import Transactions

MOST_AT_A_TIME = 200

WORKER_LOST = Failure(FailureKind.WORKER_LOST, "worker lost: the process that made this call ended before the call did")
NOT_ENQUEUED = Failure(FailureKind.NOT_ENQUEUED, "This row was not made by the service, so no model was asked.")


@dataclass(frozen=True, slots=True)
class Reaper:
    """One round over the attempts that nobody will run. Several may go round at the same time: each ends once."""

    queue: AttemptQueue
    transactions: Transactions
    run: RunAttempt
    clock: Clock
    log: Log
    queue_timeout: float = QUEUE_TIMEOUT

    async def __call__(self) -> int:
        """How many attempts were ended."""
        stranded = await self.queue.stranded(MOST_AT_A_TIME, self.queue_timeout)
        ends = [
            self._try_to_end(attempt, failure)
            for attempts, failure in (
                (stranded.worker_lost, WORKER_LOST),
                (stranded.queue_timeout, self._waited_too_long),
                (stranded.not_enqueued, NOT_ENQUEUED),
            )
            for attempt in attempts
        ]
        # Together, as they share statements.
        ended = sum(await asyncio.gather(*ends))
        await self._forget()
        return ended

    @property
    def _waited_too_long(self) -> Failure:
        return Failure(
            FailureKind.QUEUE_TIMEOUT,
            f"This story has waited for {self.queue_timeout:g} seconds, and no worker had a place for it. "
            "Too many others wait, or no worker runs for its provider.",
        )

    async def _try_to_end(self, stranded: ClaimedAttempt, failure: Failure) -> bool:
        """One that the database refuses to end must not keep the others from it."""
        try:
            return await self.end(stranded, failure)
        except Unavailable:
            raise
        except TalesError as error:
            self.log.warning("attempt not reaped", attempt=str(stranded.attempt.id), error=error.code)
            return False

    async def end(self, stranded: ClaimedAttempt, failure: Failure) -> bool:
        """End an attempt that nobody will run; False when it has ended already."""
        ended = await self.queue.finish(self.run.failed(stranded, failure))
        if ended is None:
            return False
        self.run.publisher.end(stranded.attempt.id, ended)
        self.log.warning("attempt reaped", attempt=str(stranded.attempt.id), reason=str(failure.kind))
        return True

    async def _forget(self) -> None:
        async with self.transactions.as_service() as work:
            # A worker that died has left its text behind.
            await work.live_texts.forget_ended()
            await work.idempotency_keys.forget_before(self.clock.now() - KEPT_FOR)
            await work.request_rates.forget_idle()
            await work.budgets.forget_past()
            await work.commit()
