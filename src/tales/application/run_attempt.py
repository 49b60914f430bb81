"""A worker makes the one call of an attempt that it has claimed, and keeps what came of it.

No transaction is open during the call: the claim is committed before, and the result is kept by a commit after it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tales.application.ports import (
    IdMaker,
    Log,
    ModelAnswer,
    ModelCall,
    ModelProvider,
    ProgressPublisher,
    TextRefused,
)
from tales.domain.errors import TalesError, Unavailable
from tales.domain.failures import Failure, FailureKind
from tales.domain.generation import Attempt, AttemptId, AttemptOutcome, Status
from tales.domain.parsed_story import ParsedStory, parse_story
from tales.domain.repositories.attempt_queue import (
    AttemptQueue,
    AttemptResult,
    ClaimedAttempt,
    EndedAttempt,
    StoryText,
)
from tales.domain.retry import RetryPolicy
from tales.domain.story_rules import Asked, StoryCheck, asked_of
from tales.domain.story_spec import DEFAULT_MINUTES

STOPPED = Failure(FailureKind.WORKER_LOST, "worker lost: the process that made this call was asked to stop")
TOO_LATE = Failure(
    FailureKind.WORKER_LOST, "worker lost: the process that was to make this call stood still for longer than its lease"
)
UNFORESEEN = Failure(FailureKind.INTERNAL, "The call failed in a way that nobody foresaw. The log says more.")
UNSTORABLE = Failure(FailureKind.INTERNAL, "The database refused the answer, so it is not kept. The log says why.")
"""Of a story that is refused, the response is kept all the same."""

SAVING_DELAYS = (0.1, 0.3, 1.0, 3.0)
"""Seconds between tries to keep an answer while the database does not answer; the last one again and again."""

PROVIDER_ID_DELAY = 0.3
"""Seconds that an answer has to follow the provider's id. Mostly it does, and the id is saved with it."""


FIRST_LOOK = 400
"""Characters of a text before it is looked at for the first time."""


@dataclass(frozen=True, slots=True)
class RunAttempt:
    """Runs attempts, each once. `jitter` draws a float between its arguments."""

    queue: AttemptQueue
    provider: ModelProvider
    policy: RetryPolicy
    jitter: Callable[[float, float], float]
    ids: IdMaker
    publisher: ProgressPublisher
    log: Log
    saving_delays: Sequence[float] = SAVING_DELAYS
    provider_id_delay: float = PROVIDER_ID_DELAY
    recall: Callable[[], Awaitable[None]] | None = None
    """Learns what other processes have found out about the models."""
    check: StoryCheck | None = None
    """What counts as a story, beside that it is whole."""

    async def call(self, claimed: ClaimedAttempt) -> ModelAnswer:
        """Make the call. Raises nothing but CancelledError, whatever the provider does."""
        attempt = claimed.attempt
        saving: list[asyncio.Task[None]] = []
        timer: asyncio.TimerHandle | None = None

        def save_provider_id(provider_id: str) -> None:
            nonlocal timer
            timer = asyncio.get_running_loop().call_later(
                self.provider_id_delay,
                lambda: saving.append(asyncio.create_task(self._save_provider_id(attempt, provider_id))),
            )

        self.publisher.begin(attempt)
        self.log.info("attempt started", attempt=str(attempt.id), model=attempt.model_used)
        if claimed.models_used[-2:] == (attempt.model_used,) * 2:
            await self._recall()
        watch = _Watch(self.check, asked_of(attempt)) if self.check is not None else None

        def take(piece: str) -> None:
            if watch is not None:
                watch.look(piece)
            self.publisher.publish(attempt.id, piece)

        call = ModelCall(attempt.model_used, attempt.prompt or "", attempt.story_length or DEFAULT_MINUTES)
        try:
            return await self.provider.complete(call, save_provider_id, take)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the attempt must end, and its words stay unsaid
            self._report("call failed", attempt.id, error=type(error).__name__)
            return ModelAnswer.nothing(UNFORESEEN)
        finally:
            if timer is not None:
                timer.cancel()
            if saving:
                # An answer that is here has been paid for: whoever stops the call now comes too late.
                with suppress(asyncio.CancelledError):
                    await asyncio.wait(saving)

    async def save(self, claimed: ClaimedAttempt, answer: ModelAnswer) -> EndedAttempt | None:
        """Keep what came of the call, waiting for a database that is away: it has been paid for.

        One that the database refuses ends the attempt all the same, and what was paid for is kept: of a story that is
        refused the whole response. None when the attempt had ended already.
        """
        ended = await self._save_what_can_be(claimed, answer)
        self.publisher.end(claimed.attempt.id, ended)
        if ended is None:
            self.log.warning("answer came too late", attempt=str(claimed.attempt.id))
        else:
            outcome = ended.attempt.error_type or ended.attempt.status
            self.log.info("attempt ended", attempt=str(claimed.attempt.id), outcome=str(outcome))
        return ended

    def failed(self, claimed: ClaimedAttempt, failure: Failure, answer: ModelAnswer | None = None) -> AttemptResult:
        """The attempt ends with `failure` and whatever arrived of an `answer`; the policy says what follows."""
        outcome = AttemptOutcome(
            status=failure.status,
            full_response=answer.full_response if answer else None,
            error_type=failure.kind,
            error_message=failure.message,
            http_status=failure.http_status or (answer.http_status if answer else None),
            provider_generation_id=answer.provider_generation_id if answer else None,
            first_token_at=answer.first_token_at if answer else None,
        )
        following = self.policy.next_attempt(claimed.models_used, failure, self.jitter)
        return AttemptResult(claimed.attempt, outcome, following=following)

    def _result(self, claimed: ClaimedAttempt, answer: ModelAnswer) -> AttemptResult:
        failure = answer.failure
        if failure is None:
            minutes = claimed.attempt.story_length or DEFAULT_MINUTES
            read = parse_story(answer.text, answer.finish_reason, minutes)
            if isinstance(read, ParsedStory) and self.check is not None:
                read = self.check(read, asked_of(claimed.attempt)) or read
            if isinstance(read, ParsedStory):
                story = StoryText(self.ids.new(), read.title, read.text)
                return AttemptResult(claimed.attempt, _success(answer), story)
            failure = read
        return self.failed(claimed, failure, answer)

    async def _save_what_can_be(self, claimed: ClaimedAttempt, answer: ModelAnswer) -> EndedAttempt | None:
        result = self._result(claimed, answer)
        try:
            return await self._save_with_retries(result)
        except TalesError as error:
            self._report_refusal(claimed, error)
            refused = _refused_story(error)
        if result.story is not None:
            try:
                return await self._save_with_retries(self.failed(claimed, refused, answer))
            except TalesError as error:
                self._report_refusal(claimed, error)
        return await self._save_with_retries(self.failed(claimed, UNSTORABLE))

    def _report_refusal(self, claimed: ClaimedAttempt, error: TalesError) -> None:
        self._report(
            "answer refused",
            claimed.attempt.id,
            code=error.code,
            reason=error.message,
            refused_by=error.refused_by,
        )

    async def _save_with_retries(self, result: AttemptResult) -> EndedAttempt | None:
        for delay in itertools.chain(self.saving_delays, itertools.repeat(self.saving_delays[-1])):
            try:
                return await self.queue.finish(result)
            except Unavailable:
                self.log.warning("answer not kept yet", attempt=str(result.attempt.id), retry_in_seconds=delay)
            await asyncio.sleep(delay)
        raise AssertionError  # pragma: no cover -- the delays never end

    def _report(self, event: str, attempt: AttemptId, **facts: object) -> None:
        # Without a traceback, which could quote a family's words.
        self.log.error(event, attempt=str(attempt), **facts)

    async def _recall(self) -> None:
        """A model is asked once more: perhaps another process has just learned how it wants to be asked."""
        if self.recall is not None:
            try:
                await self.recall()
            except TalesError as error:
                self.log.warning("what models refuse is not known", error=error.code)

    async def _save_provider_id(self, attempt: Attempt, provider_id: str) -> None:
        try:
            await self.queue.save_provider_id(attempt, provider_id)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the call goes on, and its end brings the id again
            self.log.warning("provider id not saved", attempt=str(attempt.id), error=type(error).__name__)


@dataclass(slots=True)
class _Watch:
    """Looks at a text while it comes, seldomer the longer it is: a story that can be none any more is paid in vain."""

    check: StoryCheck
    asked: Asked
    text: str = ""
    next_look: int = FIRST_LOOK

    def look(self, piece: str) -> None:
        """Raises: TextRefused."""
        self.text += piece
        if len(self.text) < self.next_look:
            return
        self.next_look = max(len(self.text) + FIRST_LOOK // 2, len(self.text) * 5 // 4)
        failure = self.check.early(self.text, self.asked)
        if failure is not None:
            raise TextRefused(failure)


def _refused_story(error: TalesError) -> Failure:
    what = error.refused_by or error.message.removesuffix(".")
    return Failure(FailureKind.INTERNAL, f"The database refused the story: {what}. Its response is kept.")


def stopped() -> ModelAnswer:
    """What is kept of a call that this process gives up because it stops."""
    return ModelAnswer.nothing(STOPPED)


def too_late() -> ModelAnswer:
    """What is kept of a call that is not made, because the lease on it has run out."""
    return ModelAnswer.nothing(TOO_LATE)


def _success(answer: ModelAnswer) -> AttemptOutcome:
    return AttemptOutcome(
        status=Status.SUCCESS,
        full_response=answer.full_response,
        http_status=answer.http_status,
        provider_generation_id=answer.provider_generation_id,
        first_token_at=answer.first_token_at,
    )
