"""A request that a model does not take is made in another way by the next attempt, in whichever process."""

from __future__ import annotations

from dataclasses import replace

from tales.domain.failures import Failure, FailureKind
from tales.domain.generation import Status
from tales.domain.model_parameters import refusal_message
from tales.domain.retry import NextAttempt, RetryPolicy
from tales.infrastructure.providers.parameters import ParameterMemory
from tales.infrastructure.repositories.model_parameters import ModelParameters
from tests.application.conftest import MODELS, QUEUE, Flow, answer

CHANGES = {"max_tokens": "max_completion_tokens"}
REFUSED = Failure(FailureKind.INVALID_REQUEST, refusal_message(CHANGES, 400), http_status=400, is_mended=True)
BODY = {"error": {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}}


def test_the_same_model_is_asked_again_at_once() -> None:
    policy = RetryPolicy(MODELS, max_attempts=2)
    assert policy.next_attempt(MODELS[:1], REFUSED, lambda _, high: high) == NextAttempt(MODELS[0], 0.0)
    assert policy.next_attempt(MODELS[:1] * 2, REFUSED, lambda _, high: high) is None


async def test_what_a_model_refused_is_remembered_in_its_attempt(flow: Flow) -> None:
    memory = ParameterMemory()
    parameters = ModelParameters(flow.transactions)

    async def recall() -> None:
        await parameters.recall(QUEUE, memory)

    flow.run_attempt = replace(flow.run_attempt, recall=recall)
    flow.provider.answers = [replace(answer(failure=REFUSED), full_response=BODY), answer()]
    generation = await flow.finish(await flow.ask())

    assert [attempt.status for attempt in generation.attempts] == [Status.FAILED, Status.SUCCESS]
    assert [attempt.model_used for attempt in generation.attempts] == [MODELS[0]] * 2
    # The second call was made by a process that may never have met the refusal.
    assert memory.of(MODELS[0]) == CHANGES
    (known,) = await parameters.known()
    assert (known.provider, known.model, known.changes) == (QUEUE, MODELS[0], CHANGES)
    assert known.learned_at == generation.attempts[0].completed_at


async def test_a_refusal_of_something_else_teaches_nothing(flow: Flow) -> None:
    other = Failure(FailureKind.INVALID_REQUEST, "The provider rejected the request (HTTP 400).")
    flow.provider.answers = [replace(answer(failure=other), full_response=BODY), answer()]
    await flow.finish(await flow.ask())
    assert await ModelParameters(flow.transactions).known() == ()
