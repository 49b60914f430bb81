"""A worker makes the one call of an attempt, and keeps what came of it.

No transaction is open during the call: one short transaction claims the attempt, another keeps the result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tales.application.end_attempt import EndAttempt
from tales.application.ports import (
    AttemptEnds,
    AttemptListener,
    IdMaker,
    Log,
    ModelAnswer,
    ModelCall,
    ModelProvider,
)
from tales.domain.brief import DEFAULT_MINUTES
from tales.domain.errors import TalesError, Unavailable
from tales.domain.failures import Failure, FailureKind
from tales.domain.generation import Attempt, AttemptId, AttemptOutcome, Status
from tales.domain.manuscript import Manuscript, read_manuscript
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork
from tales.domain.story import NewStory

LOST = Failure(FailureKind.WORKER_LOST, "worker lost: the process that made this call ended before the call did")
STOPPED = Failure(FailureKind.WORKER_LOST, "worker lost: the process that made this call was asked to stop")
UNSTORABLE = Failure(FailureKind.INTERNAL, "The database refused the answer, so it is not kept. The log says why.")

KEEPING_DELAYS = (0.1, 0.3, 1.0, 3.0, 10.0, 10.0, 10.0)
"""Seconds between tries to keep an answer while the database does not answer: it has been paid for."""


@dataclass(frozen=True, slots=True)
class RunAttempt:
    """Runs attempts, each once."""

    transactions: Transactions
    provider: ModelProvider
    end_attempt: EndAttempt
    ids: IdMaker
    listener: AttemptListener
    ends: AttemptEnds
    log: Log
    keeping_delays: Sequence[float] = KEEPING_DELAYS

    async def __call__(self, attempt_id: AttemptId, user_id: UUID, job: int) -> None:
        """Make the call of `attempt_id`, unless it was made already. `job` is the queue's, in this worker's hands.

        `user_id` is whose call the job was made for. When that user has been erased, somebody else may have put a row
        with the same id beside the service: no model is called for it, and the sweep ends it.

        Raises: Unavailable when the database does not answer; the queue then hands the job out again.
        """
        # From before it is claimed: what ends it after that is not missed.
        with self.ends.watch_end(attempt_id) as ended:
            attempt = await self._claim(attempt_id, user_id, job)
            if attempt is None:
                return
            self.listener.begin(attempt_id)
            try:
                await self._make(attempt, ended)
            finally:
                self.listener.finish(attempt_id)

    async def _make(self, attempt: Attempt, ended: asyncio.Event) -> None:
        """Make the call of a claimed attempt, and keep what comes of it."""
        try:
            answer = await self._call_until(ended, attempt)
        except asyncio.CancelledError:
            await asyncio.shield(self._fail(attempt, STOPPED))
            raise
        if answer is None:
            self.log.info("call given up", attempt=str(attempt.id))
            return
        # Stopping must not throw away an answer that is already here.
        await asyncio.shield(self._keep_patiently(attempt, answer))

    async def _claim(self, attempt_id: AttemptId, user_id: UUID, job: int) -> Attempt | None:
        """The attempt, once it is this worker's; None when there is nothing to do here."""
        async with self.transactions.as_service() as work:
            started = await work.generations.start_attempt(attempt_id)
            attempt = await work.generations.lock_attempt(attempt_id)
            if attempt is None or (not started and await work.jobs.is_held_by_another(attempt_id, job)):
                self.log.info("attempt already taken", attempt=str(attempt_id))
                return None
            if attempt.user_id != user_id:
                self.log.warning("attempt is not the job's", attempt=str(attempt_id))
                return None
            if not started:
                # The queue gave a dead worker's job to this one.
                await self.end_attempt(work, attempt, LOST)
            await work.commit()
        if not started:
            self.log.warning("worker lost", attempt=str(attempt_id))
            self.listener.finish(attempt_id)
        return attempt if started else None

    async def _call_until(self, ended: asyncio.Event, attempt: Attempt) -> ModelAnswer | None:
        """What came of the call; None when its attempt ended first: nobody waits for the answer any more."""
        calling = asyncio.create_task(self._call(attempt))
        ending = asyncio.create_task(ended.wait())
        try:
            await asyncio.wait({calling, ending}, return_when=asyncio.FIRST_COMPLETED)
            return calling.result() if calling.done() else None
        finally:
            calling.cancel()
            ending.cancel()
            await asyncio.gather(calling, ending, return_exceptions=True)

    async def _call(self, attempt: Attempt) -> ModelAnswer:
        async def keep_provider_id(provider_generation_id: str) -> None:
            async with self.transactions.as_service() as work:
                await work.generations.note_provider_id(attempt.id, provider_generation_id)
                await work.commit()

        self.log.info("attempt started", attempt=str(attempt.id), model=attempt.model_used)
        call = ModelCall(attempt.model_used, attempt.prompt or "", attempt.story_length or DEFAULT_MINUTES)
        return await self.provider.complete(
            call, keep_provider_id, lambda piece: self.listener.publish(attempt.id, piece)
        )

    async def _keep_patiently(self, claimed: Attempt, answer: ModelAnswer) -> None:
        """Keep the answer, waiting for a database that is away; one that it refuses ends the attempt all the same."""
        for delay in (*self.keeping_delays, None):
            try:
                await self._keep(claimed, answer)
            except Unavailable:
                if delay is None:
                    raise
                self.log.warning("answer not kept yet", attempt=str(claimed.id), retry_in_seconds=delay)
                await asyncio.sleep(delay)
            except TalesError as error:
                await self._give_up(claimed, error)
                return
            else:
                return

    async def _give_up(self, claimed: Attempt, error: TalesError) -> None:
        self.log.error("answer refused", attempt=str(claimed.id), code=error.code, reason=error.message)
        await self._fail(claimed, UNSTORABLE)

    async def _keep(self, claimed: Attempt, answer: ModelAnswer) -> None:
        """One transaction: the attempt and its story, or the attempt and the next one."""
        async with self.transactions.as_service() as work:
            attempt = await _lock(work, claimed)
            if attempt is None:
                self.log.warning("answer came too late", attempt=str(claimed.id))
                return
            result = _read(attempt, answer)
            if isinstance(result, Manuscript):
                await work.generations.finish_attempt(claimed.id, _success(answer))
                await work.stories.add(self._story(attempt, result))
            else:
                await self.end_attempt(work, attempt, result, answer)
            await work.commit()
        outcome = "success" if isinstance(result, Manuscript) else result.kind
        self.log.info("attempt ended", attempt=str(claimed.id), outcome=str(outcome))

    async def _fail(self, claimed: Attempt, failure: Failure) -> None:
        async with self.transactions.as_service() as work:
            attempt = await _lock(work, claimed)
            if attempt is not None:
                await self.end_attempt(work, attempt, failure)
                await work.commit()

    def _story(self, attempt: Attempt, manuscript: Manuscript) -> NewStory:
        return NewStory(
            id=self.ids.new(),
            user_id=attempt.user_id,
            title=manuscript.title,
            content=manuscript.text,
            attempt=attempt.id,
            child_id=attempt.child_id,
            hero_id=attempt.hero_id,
        )


async def _lock(work: UnitOfWork, claimed: Attempt) -> Attempt | None:
    """The attempt, if it is still pending. After an erasure, somebody else may have put in a row of the same id."""
    attempt = await work.generations.lock_attempt(claimed.id)
    return attempt if attempt is not None and attempt.user_id == claimed.user_id else None


def _read(attempt: Attempt, answer: ModelAnswer) -> Manuscript | Failure:
    if answer.failure is not None:
        return answer.failure
    return read_manuscript(answer.text, answer.finish_reason, attempt.story_length or DEFAULT_MINUTES)


def _success(answer: ModelAnswer) -> AttemptOutcome:
    return AttemptOutcome(
        status=Status.SUCCESS,
        full_response=answer.full_response,
        http_status=answer.http_status,
        provider_generation_id=answer.provider_generation_id,
        first_token_at=answer.first_token_at,
    )
