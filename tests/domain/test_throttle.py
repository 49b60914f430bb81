"""How long somebody waits who has tried often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.domain.throttle import AT_HOME, BY_CLIENT, NEWCOMERS, REPEATERS, Counts, ThrottlePolicy

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
LIMIT = ThrottlePolicy(free=3, first_pause=1, longest_pause=60)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 0), (2, 0), (3, 1), (4, 2), (5, 4), (8, 32), (9, 60), (10, 60), (10**12, 60)]
)
def test_the_pause_doubles_up_to_the_longest(attempts: int, seconds: float) -> None:
    assert LIMIT.wait(Counts(attempts, NOW), NOW) == seconds


def test_what_has_been_waited_counts() -> None:
    tally = Counts(6, NOW - timedelta(seconds=5))

    assert LIMIT.wait(tally, NOW) == 3
    assert LIMIT.wait(tally, NOW + timedelta(seconds=3)) == 0
    assert LIMIT.wait(tally, NOW + timedelta(days=3)) == 0


def test_nobody_waits_who_has_not_tried() -> None:
    assert ThrottlePolicy(free=0, first_pause=1, longest_pause=60).wait(Counts(0, None), NOW) == 0


@given(st.integers(0, 10**18), st.sampled_from([AT_HOME, NEWCOMERS, REPEATERS, *BY_CLIENT.values()]))
def test_nobody_is_ever_locked_out_for_longer_than_an_hour(attempts: int, limit: ThrottlePolicy) -> None:
    assert 0 <= limit.wait(Counts(attempts, NOW), NOW) <= 3600
