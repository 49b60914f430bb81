from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.domain.failures import FALLBACK_KINDS, RETRYABLE, Failure, FailureKind
from tales.domain.retry import NextAttempt, RetryPolicy

ONE = RetryPolicy(("a",), max_attempts=3)
CHAIN = RetryPolicy(("a", "b", "c"), max_attempts=9)
KINDS = st.sampled_from(FailureKind)
KEPT = FailureKind.WORKER_LOST


def longest(low: float, high: float) -> float:
    assert low == 0.0
    return high


def shortest(low: float, _high: float) -> float:
    return low


def failure(
    kind: FailureKind = FailureKind.SERVER_ERROR, retry_after: float | None = None, retryable: bool | None = None
) -> Failure:
    return Failure(kind, "why", retry_after=retry_after, retryable=retryable)


def models(policy: RetryPolicy, first: str, failed: Failure) -> list[str]:
    """The models of all attempts when each one fails the same way."""
    used = [first]
    while (following := policy.next_attempt(used, failed, shortest)) is not None:
        used.append(following.model)
    return used


@pytest.mark.parametrize("kind", sorted(RETRYABLE))
def test_one_model_is_tried_up_to_the_last_attempt(kind: FailureKind) -> None:
    assert models(ONE, "a", failure(kind)) == ["a", "a", "a"]


@pytest.mark.parametrize("kind", sorted(set(FailureKind) - RETRYABLE))
def test_one_model_is_not_asked_again_for_what_it_would_only_repeat(kind: FailureKind) -> None:
    assert models(ONE, "a", failure(kind)) == ["a"]


def test_there_are_three_attempts_unless_an_operator_says_otherwise() -> None:
    assert models(RetryPolicy(("a",)), "a", failure()) == ["a", "a", "a"]


def test_a_policy_of_one_attempt_never_tries_again() -> None:
    assert RetryPolicy(("a", "b"), max_attempts=1).next_attempt(["a"], failure(), longest) is None


@pytest.mark.parametrize("kind", sorted(RETRYABLE - {KEPT}))
def test_each_failure_moves_on_along_the_chain_and_stays_at_its_end(kind: FailureKind) -> None:
    policy = RetryPolicy(("a", "b"), max_attempts=4)
    assert models(policy, "a", failure(kind)) == ["a", "b", "b", "b"]


def test_a_short_retry_after_moves_on_too_rather_than_have_a_family_wait() -> None:
    limited = failure(FailureKind.RATE_LIMITED, retry_after=1.0)
    assert CHAIN.next_attempt(["a"], limited, shortest) == NextAttempt("b", 0.0)


def test_a_lost_worker_says_nothing_about_its_model() -> None:
    assert models(RetryPolicy(("a", "b"), max_attempts=3), "a", failure(KEPT)) == ["a", "a", "a"]


@pytest.mark.parametrize("kind", sorted(FALLBACK_KINDS))
def test_what_one_model_cannot_do_goes_through_the_chain_at_once_and_ends_with_it(kind: FailureKind) -> None:
    assert models(CHAIN, "a", failure(kind)) == ["a", "b", "c"]
    assert CHAIN.next_attempt(["a"], failure(kind), longest) == NextAttempt("b", 0.0)


@pytest.mark.parametrize("kind", sorted(set(FailureKind) - RETRYABLE - FALLBACK_KINDS))
def test_what_no_model_can_mend_ends_the_generation(kind: FailureKind) -> None:
    assert models(CHAIN, "a", failure(kind)) == ["a"]


@pytest.mark.parametrize(
    ("first", "following"),
    [("b", ["b", "a", "c"]), ("c", ["c", "a", "b"]), ("not/in-the-chain", ["not/in-the-chain", "a", "b", "c"])],
)
def test_a_model_that_a_parent_chose_has_the_whole_chain_to_fall_back_on(first: str, following: list[str]) -> None:
    assert models(CHAIN, first, failure(FailureKind.MODEL_NOT_FOUND)) == following


def test_a_provider_that_asks_to_try_again_is_believed() -> None:
    asked = failure(FailureKind.AUTHENTICATION, retryable=True)
    assert models(ONE, "a", asked) == ["a", "a", "a"]


@pytest.mark.parametrize("kind", FailureKind)
def test_a_provider_that_asks_not_to_try_again_is_believed(kind: FailureKind) -> None:
    assert ONE.next_attempt(["a"], failure(kind, retryable=False), longest) is None


@pytest.mark.parametrize("kind", sorted((RETRYABLE | FALLBACK_KINDS) - {KEPT}))
def test_what_a_provider_rules_out_for_one_model_is_not_ruled_out_for_the_next(kind: FailureKind) -> None:
    assert CHAIN.next_attempt(["a"], failure(kind, retryable=False), longest) == NextAttempt("b", 0.0)


@pytest.mark.parametrize(("attempts", "cap"), [(1, 1.0), (2, 2.0), (3, 4.0), (5, 16.0), (6, 30.0), (40, 30.0)])
def test_the_longest_wait_doubles_up_to_the_ceiling(attempts: int, cap: float) -> None:
    policy = RetryPolicy(("a",), max_attempts=100)
    assert policy.next_attempt(["a"] * attempts, failure(), longest) == NextAttempt("a", cap)
    assert policy.next_attempt(["a"] * attempts, failure(), shortest) == NextAttempt("a", 0.0)


@pytest.mark.parametrize("base", [1.0, 1e-300, 1e300])
def test_the_wait_does_not_overflow_however_many_attempts_there_were(base: float) -> None:
    policy = RetryPolicy(("a",), max_attempts=10**6, base=base)
    following = policy.next_attempt(["a"] * 5000, failure(), longest)
    assert following is not None
    assert 0.0 < following.delay <= 30.0


def test_a_retry_after_is_the_least_that_is_waited() -> None:
    limited = failure(FailureKind.RATE_LIMITED, retry_after=120.0)
    assert ONE.next_attempt(["a"], limited, shortest) == NextAttempt("a", 120.0)
    assert ONE.next_attempt(["a"], limited, longest) == NextAttempt("a", 121.0)


@pytest.mark.parametrize("retry_after", [120.1, 86_400.0, float("inf"), float("nan")])
def test_a_retry_after_beyond_the_ceiling_moves_on_at_once_and_ends_with_the_chain(retry_after: float) -> None:
    limited = failure(FailureKind.RATE_LIMITED, retry_after=retry_after)
    assert models(CHAIN, "a", limited) == ["a", "b", "c"]
    assert CHAIN.next_attempt(["a"], limited, longest) == NextAttempt("b", 0.0)
    assert ONE.next_attempt(["a"], limited, longest) is None


def test_a_retry_after_of_the_past_is_no_wait() -> None:
    assert ONE.next_attempt(["a"], failure(retry_after=-60.0), shortest) == NextAttempt("a", 0.0)


FAILURES = st.builds(failure, KINDS, st.none() | st.floats(-10, 1000), st.none() | st.booleans())


@given(
    chain=st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True),
    first=st.sampled_from("abcdx"),
    failures=st.lists(FAILURES, min_size=8, max_size=8),
    max_attempts=st.integers(1, 6),
    seed=st.integers(),
)
def test_whatever_goes_wrong_a_generation_ends_in_time(
    chain: Sequence[str], first: str, failures: Sequence[Failure], max_attempts: int, seed: int
) -> None:
    policy = RetryPolicy(tuple(chain), max_attempts)
    draw = random.Random(seed).uniform
    used = [first]
    for failed in failures:
        following = policy.next_attempt(used, failed, draw)
        if following is None:
            break
        cap = min(policy.ceiling, policy.base * 2.0 ** (len(used) - 1))
        least = max(failed.retry_after or 0.0, 0.0) if following.model == used[-1] else 0.0
        assert least <= policy.retry_after_ceiling
        assert least <= following.delay <= least + cap
        assert following.model in {*chain, first}
        used.append(following.model)
    else:
        pytest.fail("a generation must end")
    assert len(used) <= max_attempts


def test_full_jitter_is_drawn_from_the_whole_range() -> None:
    draw = random.Random(7).uniform
    policy = RetryPolicy(("a",), base=10.0)
    delays = [following.delay for _ in range(500) if (following := policy.next_attempt(["a"], failure(), draw))]
    assert len(delays) == 500
    assert min(delays) < 1.0
    assert max(delays) > 9.0
    assert 4.0 < sum(delays) / 500 < 6.0
