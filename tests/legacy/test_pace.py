"""A move makes room for whoever works on the database meanwhile, ends all the same, and is quick where nobody does."""

from __future__ import annotations

import pytest

from tales.legacy.pace import Pace


@pytest.fixture
def rests() -> list[float]:
    """How long each batch was followed by a rest, in seconds."""
    return []


def test_it_is_quick_where_nobody_else_works(rests: list[float]) -> None:
    pace = Pace(sleep=rests.append)
    for _ in range(20):
        pace.after_batch(pace.rows, 0.018, is_shared=False)

    assert pace.rows > 1000
    assert rests == []


def test_batches_of_those_who_share_are_short_and_leave_most_of_the_time_to_others(rests: list[float]) -> None:
    pace = Pace(sleep=rests.append)
    for _ in range(30):
        pace.after_batch(pace.rows, pace.rows * 0.00002, is_shared=True)

    assert pace.rows * 0.00002 < 0.01
    assert rests[-1] > pace.rows * 0.00002


def test_it_slows_down_where_others_feel_it_and_speeds_up_where_nobody_does(rests: list[float]) -> None:
    pace = Pace(sleep=rests.append)
    for _ in range(5):
        pace.after_batch(1000, 0.01, is_shared=True, is_felt=True)
    slow = rests[-1]
    for _ in range(5):
        pace.after_batch(1000, 0.01, is_shared=True, is_felt=False)

    assert slow > 1.5 * rests[-1]


def test_what_nothing_new_is_known_of_changes_nothing(rests: list[float]) -> None:
    pace = Pace(sleep=rests.append)
    for _ in range(10):
        pace.after_batch(1000, 0.01, is_shared=True, is_felt=None)

    assert rests[0] == pytest.approx(rests[-1])


def test_it_never_falls_below_the_rate_that_lets_it_end(rests: list[float]) -> None:
    pace = Pace(sleep=rests.append, least_rate=1500)
    for _ in range(50):
        pace.after_batch(100, 0.02, is_shared=True, is_felt=True)

    assert 100 / (0.02 + rests[-1]) == pytest.approx(1500)


def test_one_batch_that_had_to_wait_says_little_of_the_next() -> None:
    pace = Pace(rows=100, sleep=lambda _seconds: None)
    pace.after_batch(100, 2.0, is_shared=True)

    assert pace.rows > 50


def test_a_rate_of_the_operators_is_kept_by_small_batches(rests: list[float]) -> None:
    pace = Pace(max_rate=1000.0, rows=5000, sleep=rests.append)
    pace.after_batch(5000, 0.001, is_shared=True)

    assert pace.rows <= 1000 / 50
    assert rests[-1] == pytest.approx(5000 / 1000, abs=0.01)
