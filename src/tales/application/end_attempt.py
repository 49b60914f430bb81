"""An attempt ends without a story: its reason is kept, and the next attempt begins by the same commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tales.application.ports import ModelAnswer
from tales.domain.failures import Failure
from tales.domain.generation import Attempt, AttemptOutcome
from tales.domain.repositories.unit_of_work import UnitOfWork
from tales.domain.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class EndAttempt:
    """Ends attempts, and starts the next ones as `policy` says. `jitter` draws a float between its arguments."""

    policy: RetryPolicy
    jitter: Callable[[float, float], float]

    async def __call__(
        self, work: UnitOfWork, attempt: Attempt, failure: Failure, answer: ModelAnswer | None = None
    ) -> None:
        """End `attempt`, which `work` holds locked, with `failure` and whatever arrived of an `answer`."""
        await work.generations.finish_attempt(attempt.id, _outcome(failure, answer))
        used = await work.generations.models_used(attempt.id.generation_id)
        following = self.policy.next_attempt(used, failure, self.jitter)
        if following is not None:
            ended = replace(attempt, status=failure.status)
            request = ended.retry(following.model)
            await work.generations.create_attempt(request)
            await work.jobs.enqueue(request.id, request.user_id, following.delay)


def _outcome(failure: Failure, answer: ModelAnswer | None) -> AttemptOutcome:
    return AttemptOutcome(
        status=failure.status,
        full_response=answer.full_response if answer else None,
        error_type=failure.kind,
        error_message=failure.message,
        http_status=failure.http_status or (answer.http_status if answer else None),
        provider_generation_id=answer.provider_generation_id if answer else None,
        first_token_at=answer.first_token_at if answer else None,
    )
