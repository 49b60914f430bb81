"""What a month will have cost, and that it does so as often as is said."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest

from tales.domain.forecast import first_day, forecast

TODAY = date(2026, 11, 11)


def days(*costs: float, before: date = TODAY) -> dict[date, float]:
    """The costs of the last days before one, the latest last."""
    return {before - timedelta(days=len(costs) - n): cost for n, cost in enumerate(costs)}


def test_a_steady_month_goes_on_as_it_began() -> None:
    found = forecast(days(*[2.0] * 28) | {TODAY: 0.5}, TODAY)

    assert (found.month, found.spent, found.days) == (date(2026, 11, 1), 20.5, 28)
    assert (found.expected, found.low, found.high) == (60.0, 60.0, 60.0)


def test_less_than_a_week_tells_nothing_of_the_rest() -> None:
    found = forecast(days(*[2.0] * 6), TODAY, begun=TODAY - timedelta(days=6))

    assert (found.spent, found.expected, found.low, found.high, found.days) == (12.0, None, None, None, 6)


def test_a_day_without_a_call_cost_nothing() -> None:
    quiet = forecast(days(*[2.0, 0.0] * 14), TODAY)
    gone = forecast({day: cost for day, cost in days(*[2.0, 0.0] * 14).items() if cost}, TODAY)

    assert quiet == gone
    assert quiet.expected == pytest.approx(30.0)


def test_what_was_spent_is_spent() -> None:
    found = forecast(days(*[0.0] * 27, 100.0) | {TODAY: 300.0}, TODAY)

    assert found.low is not None
    assert found.expected is not None
    assert found.low >= found.spent == 400.0
    assert found.expected >= found.spent


def test_a_first_of_the_month_looks_at_the_month_before() -> None:
    assert first_day(date(2026, 11, 1)) == date(2026, 10, 4)
    assert first_day(date(2026, 10, 31)) == date(2026, 10, 1)
    assert forecast(days(*[1.0] * 28, before=date(2026, 11, 1)), date(2026, 11, 1)).expected == pytest.approx(30.0)


def test_the_month_ends_within_the_interval_as_often_as_it_says() -> None:
    random = Random(17)
    held, worlds = 0, 3000
    for _ in range(worlds):
        mean, spread = random.uniform(5, 50), random.uniform(0.1, 0.3)
        month = [random.gauss(mean, mean * spread) for _ in range(48)]  # 28 days before, and 20 to come
        found = forecast(days(*month[:28]), TODAY)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= sum(month[18:28]) + sum(month[28:]) <= found.high

    assert 0.94 <= held / worlds <= 0.96
