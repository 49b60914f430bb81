from __future__ import annotations

import pytest

from tales.domain.failures import FALLBACK_KINDS, RETRYABLE, TIMEOUTS, Failure, FailureKind
from tales.domain.generation import Status

ENDS_THE_GENERATION = {
    FailureKind.AUTHENTICATION,
    FailureKind.PAYMENT_REQUIRED,
    FailureKind.CANCELLED,
    FailureKind.NOT_ENQUEUED,
    FailureKind.QUEUE_TIMEOUT,
}


def test_each_kind_is_worth_a_retry_or_another_model_or_neither() -> None:
    groups = (RETRYABLE, FALLBACK_KINDS, ENDS_THE_GENERATION)
    assert set().union(*groups) == set(FailureKind)
    assert sum(map(len, groups)) == len(FailureKind)


@pytest.mark.parametrize("kind", FailureKind)
def test_an_attempt_ends_as_timeout_when_time_ran_out_and_else_as_failed(kind: FailureKind) -> None:
    ran_out_of_time = "timeout" in kind or kind in {FailureKind.DEADLINE, FailureKind.WORKER_LOST}
    assert Failure(kind, "why").status is (Status.TIMEOUT if ran_out_of_time else Status.FAILED)


def test_a_call_that_ran_out_of_time_is_worth_a_retry() -> None:
    assert TIMEOUTS - {FailureKind.QUEUE_TIMEOUT} < RETRYABLE


@pytest.mark.parametrize("kind", FailureKind)
def test_a_kind_is_kept_by_its_name_in_small_letters(kind: FailureKind) -> None:
    assert kind.value == str(kind) == kind.name.lower()
