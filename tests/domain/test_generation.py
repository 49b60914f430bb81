from __future__ import annotations

from decimal import Decimal
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.domain.errors import IllegalTransition
from tales.domain.generation import AttemptId, AttemptOutcome, Generation, Origin, Status, check_transition
from tests.domain.factories import GENERATION_ID, STRANGER_ID, USER_ID, make_attempt, make_generation

PENDING, SUCCESS, FAILED, TIMEOUT = Status
LEGAL = {(PENDING, SUCCESS), (PENDING, FAILED), (PENDING, TIMEOUT)}


@pytest.mark.parametrize(("before", "after"), list(product(Status, Status)))
def test_an_attempt_ends_once_and_nothing_else_happens_to_it(before: Status, after: Status) -> None:
    if (before, after) in LEGAL:
        check_transition(before, after)
    else:
        with pytest.raises(IllegalTransition, match=f"that is {before} cannot become {after}"):
            check_transition(before, after)


def test_only_a_pending_attempt_has_not_ended() -> None:
    assert [status for status in Status if not status.is_final] == [PENDING]


def test_an_outcome_is_an_end() -> None:
    assert [AttemptOutcome(status=status).status for status in (SUCCESS, FAILED, TIMEOUT)]
    with pytest.raises(IllegalTransition):
        AttemptOutcome(status=PENDING)


@given(st.uuids(), st.integers(1, 2**31 - 1))
def test_the_name_of_an_attempt_can_be_written_down_and_read_again(generation_id: UUID, number: int) -> None:
    name = AttemptId(generation_id, number)
    assert AttemptId.parse(str(name)) == name


@pytest.mark.parametrize("text", ["", "/", "1", f"{GENERATION_ID}", f"{GENERATION_ID}/", f"{GENERATION_ID}/1/2", "x/1"])
def test_what_is_no_name_of_an_attempt_is_not_read_as_one(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        AttemptId.parse(text)


def test_the_next_attempt_is_the_same_generations() -> None:
    assert AttemptId(GENERATION_ID, 1).next == AttemptId(GENERATION_ID, 2)


def test_the_known_cost_is_the_calls_own_even_where_that_is_nothing() -> None:
    assert make_attempt(cost_usd=Decimal(0), reconciled_cost_usd=Decimal(1)).known_cost_usd == 0
    assert make_attempt(reconciled_cost_usd=Decimal("0.25")).known_cost_usd == Decimal("0.25")


def test_an_unknown_cost_is_not_nothing() -> None:
    assert make_attempt().known_cost_usd is None


@pytest.mark.parametrize("last", Status)
def test_the_last_attempt_speaks_for_its_generation(last: Status) -> None:
    generation = make_generation(FAILED, TIMEOUT, last)
    assert (generation.status, generation.latest.id.attempt_number) == (last, 3)


def test_a_legacy_story_is_a_generation_of_one_migrated_attempt_without_a_prompt() -> None:
    attempt = make_attempt(status=SUCCESS, origin=Origin.MIGRATED, prompt=None, prompt_version=None)
    assert Generation(GENERATION_ID, USER_ID, (attempt,)).status is SUCCESS


@pytest.mark.parametrize("numbers", [(), (0,), (2,), (1, 3), (2, 1), (1, 1)])
def test_attempts_are_numbered_from_1_without_a_gap(numbers: tuple[int, ...]) -> None:
    attempts = tuple(make_attempt(number, FAILED) for number in numbers)
    with pytest.raises(ValueError, match="not numbered from 1 without a gap"):
        Generation(GENERATION_ID, USER_ID, attempts)


def test_all_attempts_are_of_one_generation() -> None:
    with pytest.raises(ValueError, match="not numbered from 1 without a gap"):
        Generation(STRANGER_ID, USER_ID, (make_attempt(),))


def test_all_attempts_are_of_one_user() -> None:
    with pytest.raises(ValueError, match="of another user"):
        Generation(GENERATION_ID, USER_ID, (make_attempt(1, FAILED), make_attempt(2, user_id=STRANGER_ID)))


@pytest.mark.parametrize(("first", "second"), list(product(Status, Status)))
def test_only_a_failure_or_a_timeout_is_followed_by_another_attempt(first: Status, second: Status) -> None:
    if first in {FAILED, TIMEOUT}:
        assert make_generation(first, second).status is second
    else:
        with pytest.raises(ValueError, match="goes on after a success or beside a call in flight"):
            make_generation(first, second)
