"""Intervals hold what they say: against published values, and against worlds whose truth is known."""

from __future__ import annotations

from random import Random

import pytest

from tales.domain.statistics import Interval, difference, share, student_quantile, wilson


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    # Newcombe (1998), table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_a_share_has_the_published_interval(hits: int, trials: int, low: float, high: float) -> None:
    found = wilson(hits, trials)

    assert found is not None
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.parametrize(
    ("now", "before", "low", "high"),
    # Newcombe, "Interval estimation for the difference between independent proportions" (1998), table II, method 10.
    [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((10, 10), (0, 20), 0.6791, 1.0)],
)
def test_a_change_has_the_published_interval(
    now: tuple[int, int], before: tuple[int, int], low: float, high: float
) -> None:
    found = difference(*now, *before)

    assert found is not None
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.parametrize(("degrees", "quantile"), [(6, 2.447), (9, 2.262), (13, 2.160), (27, 2.052), (100, 1.984)])
def test_students_quantile_is_that_of_the_tables(degrees: int, quantile: float) -> None:
    assert student_quantile(degrees) == pytest.approx(quantile, abs=5e-4)


def test_of_nothing_tried_nothing_is_known() -> None:
    assert (share(0, 0), wilson(0, 0), difference(0, 0, 1, 2), difference(1, 2, 0, 0)) == (None, None, None, None)


def test_an_interval_holds_its_ends() -> None:
    assert Interval(0.1, 0.2).holds(0.1)
    assert Interval(0.1, 0.2).holds(0.2)
    assert not Interval(0.1, 0.2).holds(0.21)


def _hits(random: Random, trials: int, rate: float) -> int:
    return sum(random.random() < rate for _ in range(trials))


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    random = Random(17)
    held = 0
    for _ in range(4000):
        rate, trials = random.uniform(0.02, 0.98), random.randint(40, 120)
        found = wilson(_hits(random, trials, rate), trials)
        held += found is not None and found.holds(rate)

    assert 0.94 <= held / 4000 <= 0.96


def test_no_change_is_called_one_in_at_most_a_twentieth_of_the_cases() -> None:
    random, worlds, called = Random(17), 8000, 0
    for _ in range(worlds):
        rate = random.uniform(0.05, 0.95)
        found = difference(_hits(random, 90, rate), 90, _hits(random, 70, rate), 70)
        called += found is not None and not found.holds(0.0)

    assert 0.04 <= called / worlds <= 0.055
