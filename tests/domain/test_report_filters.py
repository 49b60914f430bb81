"""From when until when a report looks, as somebody writes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tales.domain.errors import InvalidInput
from tales.domain.report_filters import Period, ReportFilter

NOW = datetime(2026, 11, 29, 16, 30, tzinfo=UTC)


def test_thirty_days_until_now_unless_said_otherwise() -> None:
    assert Period().bounds(NOW) == (NOW - timedelta(days=30), NOW)
    assert Period(since="12h").bounds(NOW) == (NOW - timedelta(hours=12), NOW)


def test_a_date_is_a_day_of_its_zone_and_the_last_one_is_part_of_the_period() -> None:
    found = Period(from_="2026-10-24", to="2026-10-25", zone="Europe/Berlin").bounds(NOW)

    # The clocks were put back in that night: the two days are 49 hours long.
    assert found == (datetime(2026, 10, 23, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC))


def test_a_time_is_of_its_offset_or_else_of_the_zone() -> None:
    found = Period(from_="2026-11-01T18:00", to="2026-11-01T18:00-05:00", zone="Europe/Berlin").bounds(NOW)

    assert found == (datetime(2026, 11, 1, 17, tzinfo=UTC), datetime(2026, 11, 1, 23, tzinfo=UTC))


def test_how_far_back_counts_from_the_end() -> None:
    until = datetime(2026, 11, 2, tzinfo=UTC)
    assert Period(since="1d", to="2026-11-01").bounds(NOW) == (until - timedelta(days=1), until)


@pytest.mark.parametrize(
    ("field", "period"),
    [
        ("zone", Period(zone="Mars/Base")),
        ("zone", Period(zone="../etc/passwd")),
        ("zone", Period(zone="")),
        ("since", Period(since="30d", from_="2026-11-01")),
        ("since", Period(since="a while")),
        ("from", Period(from_="yesterday")),
        ("from", Period(from_="2026-02-30")),
        ("from", Period(from_="2026-11-30")),
        ("from", Period(from_="2026-11-02", to="2026-11-01")),
        ("from", Period(from_="0001-01-01")),
        ("to", Period(to="9999-12-31")),
        ("to", Period(to="")),
    ],
)
def test_what_is_no_period_is_refused_by_name(field: str, period: Period) -> None:
    with pytest.raises(InvalidInput) as refused:
        period.bounds(NOW)

    assert refused.value.field == field


def test_the_period_before_is_as_long() -> None:
    before = ReportFilter(since=NOW - timedelta(days=7), until=NOW, model="m").before

    assert (before.since, before.until, before.model) == (NOW - timedelta(days=14), NOW - timedelta(days=7), "m")
