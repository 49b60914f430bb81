"""The header `Prefer` (RFC 7240)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.interfaces.api.prefer import LONGEST_WAIT, wait_seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        ([""], None),
        (["wait=10"], 10),
        (["WAIT=10"], 10),
        (["wait = 10"], 10),
        (['wait="10"'], 10),
        (["wait=0"], 0),
        (["respond-async, wait=10"], 10),
        (["respond-async", "wait=10"], 10),
        (["wait=10;mode=long"], 10),
        (["wait=10, wait=20"], 10),
        (["wait=10", "wait=20"], 10),
        (["wait=99999"], LONGEST_WAIT),
        (['note="a, wait=5"; wait=6, wait=7'], 7),
        (['note="\\", wait=5", wait=7'], 7),
        (['note="never closed, wait=7'], None),
        (["wait"], None),
        (["wait="], None),
        (["wait=-1"], None),
        (["wait=1.5"], None),
        (["wait=ten"], None),
        (["wait=١٠"], None),
        (["wait=" + "9" * 30], None),
        (["wait=ten, wait=10"], None),
        (["waiting=10"], None),
        ([",,, ;;, =, wait=3"], 3),
    ],
)
def test_what_a_client_prefers(headers: list[str], seconds: int | None) -> None:
    assert wait_seconds(headers) == seconds


@given(st.lists(st.text(alphabet='wait=",;\\ 0123x', max_size=60), max_size=4))
def test_whatever_it_says_the_wait_is_bounded(headers: list[str]) -> None:
    assert wait_seconds(headers) in {None, *range(LONGEST_WAIT + 1)}


@pytest.mark.timeout(5)
@pytest.mark.parametrize("header", ['"\\' * 30_000, '",' * 30_000, ",;" * 30_000, '"' + "a," * 30_000])
def test_a_long_header_takes_no_long_time(header: str) -> None:
    assert wait_seconds([header]) is None
