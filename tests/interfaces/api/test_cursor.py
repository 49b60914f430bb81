"""Cursors: what a page ended with, there and back."""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.domain.errors import InvalidInput
from tales.domain.page import PageKey
from tales.interfaces.api.cursor import decode_cursor, encode_cursor

MOMENTS = st.datetimes(timezones=st.just(UTC))


@given(MOMENTS, st.uuids())
def test_a_cursor_gives_back_the_key_it_was_made_of(moment: datetime, id_: UUID) -> None:
    cursor = encode_cursor(PageKey(moment, id_))

    assert decode_cursor(cursor) == PageKey(moment, id_)
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_cursor_does_not_depend_on_the_time_zone_of_the_session() -> None:
    here = datetime(2026, 3, 20, 13, tzinfo=timezone(timedelta(hours=1)))
    id_ = UUID(int=1)

    assert encode_cursor(PageKey(here, id_)) == encode_cursor(PageKey(here.astimezone(UTC), id_))


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "AAAA",
        "é" * 32,
        "\x00" * 32,
        "A" * 31 + " ",
        "+" * 32,
        "A" * 33,
        "A" * 40,
        "2026-03-20",
        base64.urlsafe_b64encode(b"\x7f" + b"\xff" * 23).decode(),
    ],
)
def test_anything_else_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        decode_cursor(cursor)

    assert raised.value.field == "cursor"


@given(st.text())
def test_no_text_breaks_it(cursor: str) -> None:
    with suppress(InvalidInput):
        decode_cursor(cursor)
