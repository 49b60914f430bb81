"""Other retry policies over recorded attempts: what is known is exact, and what is not known is said."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.domain.courses import Course, Step, by_attempt_number, by_attempts, by_first_failure, by_reason
from tales.domain.errors import InvalidInput
from tales.domain.failures import Failure, FailureKind
from tales.domain.generation import Status
from tales.domain.replay import ReplayPolicy, replay
from tales.domain.retry import RetryPolicy

CHAIN = ("a", "b", "c")


def step(model: str, reason: FailureKind | None = None, **facts: object) -> Step:
    """One attempt of one generation, of 10 seconds and a cent."""
    known = {"waited": 1.0, "seconds": 10.0, "timed": 1, "cost_usd": Decimal("0.01")} | facts
    status = Failure(reason, "").status if reason else Status.SUCCESS
    return Step(model_used=model, status=status, error_type=reason, **known)  # type: ignore[arg-type]


OK_AT_ONCE = Course(1, (step("a"),))
OK_AT_SECOND = Course(1, (step("a", FailureKind.OVERLOADED), step("b")))
OK_AT_THIRD = Course(1, (step("a", FailureKind.OVERLOADED), step("b", FailureKind.DEADLINE), step("c")))
GAVE_UP = Course(1, (step("a", FailureKind.REFUSAL), step("b", FailureKind.REFUSAL), step("c", FailureKind.REFUSAL)))
ENDED = Course(1, (step("a", FailureKind.AUTHENTICATION),))
PENDING = Course(1, (step("a", FailureKind.OVERLOADED), Step(model_used="b", status=Status.PENDING, error_type=None)))
COURSES = (OK_AT_ONCE, OK_AT_SECOND, OK_AT_THIRD, GAVE_UP, ENDED, PENDING)


def recorded(seed: int, policy: RetryPolicy, generations: int) -> tuple[Course, ...]:
    """What a policy made of a world in which anything fails half of the time."""
    random = Random(seed)
    made = []
    for _ in range(generations):
        used, steps = [policy.models[0]], []
        while True:
            reason = random.choice([*FailureKind, *[None] * len(FailureKind)])
            steps.append(step(used[-1], reason, seconds=random.random()))
            following = reason and policy.next_attempt(used, Failure(reason, ""), random.uniform)
            if not following:
                break
            used.append(following.model)
        made.append(Course(1, tuple(steps)))
    return tuple(made)


@given(seed=st.integers(), models=st.integers(1, 3), attempts=st.integers(1, 5))
def test_the_recorded_policy_gives_exactly_what_happened(seed: int, models: int, attempts: int) -> None:
    policy = RetryPolicy(CHAIN[:models], max_attempts=attempts)
    courses = recorded(seed, policy, 40)

    happened = replay(courses, ReplayPolicy())
    again = replay(courses, ReplayPolicy(attempts=attempts, chain=policy.models))

    assert again == happened
    assert (happened.undecided, happened.estimated) == (0, 0.0)
    assert happened.attempts == sum(len(course.steps) for course in courses)
    assert happened.succeeded == sum(course.is_success for course in courses)
    assert happened.seconds == pytest.approx(sum(s.seconds + s.waited for course in courses for s in course.steps))


@given(seed=st.integers(), attempts=st.integers(1, 5), fewer=st.integers(1, 5))
def test_to_give_up_earlier_is_as_if_it_had_been_recorded(seed: int, attempts: int, fewer: int) -> None:
    courses = recorded(seed, RetryPolicy(CHAIN, max_attempts=attempts), 40)
    cut = tuple(Course(1, course.steps[: min(fewer, attempts)]) for course in courses)

    assert replay(courses, ReplayPolicy(attempts=min(fewer, attempts), chain=CHAIN)) == replay(cut, ReplayPolicy())


def test_what_nobody_called_is_undecided() -> None:
    found = replay(COURSES, ReplayPolicy(attempts=4))

    assert (found.succeeded, found.failed, found.pending, found.undecided) == (3, 1, 1, 1)
    assert found.attempts == replay(COURSES, ReplayPolicy()).attempts
    assert found.estimated == pytest.approx(1 / 2), "of two calls of c one has given a story"
    assert (found.success_low, found.success_high) == (pytest.approx(3 / 5), pytest.approx(4 / 5))


def test_another_chain_is_known_as_far_as_it_goes_along() -> None:
    found = replay(COURSES, ReplayPolicy(chain=("a", "c", "b")))

    assert (found.succeeded, found.undecided) == (1, 4)
    assert found.attempts == 6, "the first attempts of all, and no other"


def test_a_model_that_was_never_asked_has_no_estimate() -> None:
    found = replay(COURSES, ReplayPolicy(chain=("new",)))

    assert (found.undecided, found.estimated, found.attempts, found.cost_usd) == (6, None, 0, None)


def test_a_lost_worker_keeps_its_model() -> None:
    lost = Course(1, (step("a", FailureKind.WORKER_LOST), step("a")))

    assert replay([lost], ReplayPolicy(chain=CHAIN)).succeeded == 1


def test_another_pause_changes_the_waiting_alone() -> None:
    happened, found = replay(COURSES, ReplayPolicy()), replay(COURSES, ReplayPolicy(pause=8.0))

    assert (found.succeeded, found.attempts, found.cost_usd) == (
        happened.succeeded,
        happened.attempts,
        happened.cost_usd,
    )
    # Three second attempts have ended: each waits 4 s in the mean instead of 1. Two third ones: 8 instead of 1.
    assert found.seconds - happened.seconds == pytest.approx(3 * 3 + 2 * 7)


def test_retries_are_counted_by_number_reason_and_first_failure() -> None:
    assert [(row.attempts, row.generations, row.succeeded) for row in by_attempts(COURSES)] == [
        (1, 2, 1),
        (2, 2, 1),
        (3, 2, 1),
    ]
    first = {row.error_type: (row.generations, row.retried, row.rescued) for row in by_first_failure(COURSES)}
    assert first == {"overloaded": (3, 3, 2), "authentication": (1, 0, 0), "refusal": (1, 1, 0)}
    reasons = {row.error_type: (row.attempts, row.retried, row.recovered) for row in by_reason(COURSES)}
    assert reasons["refusal"] == (3, 2, 0)
    assert reasons["overloaded"] == (3, 3, 2)
    _, second, third = by_attempt_number(COURSES)
    assert (second.attempts, second.rescued, second.seconds_mean, second.cost_usd) == (3, 1, 11.0, Decimal("0.03"))
    assert (third.attempts, third.rescued) == (2, 1)


@pytest.mark.parametrize(
    "policy", [{"attempts": 0}, {"attempts": 10**30}, {"pause": -1.0}, {"pause": float("nan")}, {"pause": float("inf")}]
)
def test_a_policy_that_cannot_be_is_refused_by_name(policy: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        ReplayPolicy(**policy)
    assert [refused.value.field] == list(policy)
