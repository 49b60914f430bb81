"""Each language writes figures in its own way, in tables, at the axes of charts and in forms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from starlette.requests import HTTPConnection

from tales.interfaces.web.languages import Language, language_of
from tales.interfaces.web.operator.tables import Kind, around, written


def language(code: str) -> Language:
    return language_of(HTTPConnection({"type": "http", "headers": [(b"accept-language", code.encode())]}))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("en", ["$1,234.50", "< $0.0001", "91.2%", "2.5 s", ".,"]),
        ("de", ["1.234,50 $", "< 0,0001 $", "91,2 %", "2,5 s", ",."]),
        ("ru", ["1 234,50 $", "< 0,0001 $", "91,2 %", "2,5 с", ", "]),
    ],
)
def test_figures_are_written_as_their_reader_does(code: str, said: list[str]) -> None:
    reader = language(code)
    dollars = (reader.dollars(Decimal(amount)) for amount in ("1234.5", "0.00004"))
    found = [*dollars, reader.share(0.912), reader.seconds(2.5), reader.separators]
    assert [figure.replace("\u00a0", " ") for figure in found] == said
    assert " " not in "".join(found), "the end of a line would part a figure from what it counts"


@pytest.mark.parametrize("code", ["en", "de", "ru"])
def test_a_difference_that_rounds_to_nothing_has_no_sign(code: str) -> None:
    reader = language(code)
    assert reader.share(-0.0003) == reader.share(-0.0) == reader.share(0.0)
    assert reader.share(-0.0006) == f"-{reader.share(0.0006)}"


@pytest.mark.parametrize("code", ["en", "de", "ru"])
def test_a_time_with_an_offset_is_written_as_the_utc_that_it_is_said_to_be(code: str) -> None:
    reader = language(code)
    moment = datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert reader.moment(moment.astimezone(timezone(timedelta(hours=3)))) == reader.moment(moment)


@pytest.mark.parametrize("code", ["en", "de", "ru"])
@pytest.mark.parametrize("kind", [Kind.SHARE, Kind.SECONDS, Kind.DOLLARS, Kind.ESTIMATE, Kind.COUNT, Kind.NAME])
def test_an_axis_writes_around_a_figure_what_the_table_does(code: str, kind: Kind) -> None:
    reader = language(code)
    before, behind = around(kind, reader)
    figure = {Kind.SHARE: "100", Kind.COUNT: "1", Kind.NAME: "1", Kind.SECONDS: "1"}.get(kind, reader.typed(Decimal(1)))
    assert written(kind, 1, reader).startswith(before + figure)
    assert written(kind, 1, reader).endswith(behind)
    assert bool(before or behind) == (kind not in {Kind.COUNT, Kind.NAME})
