"""The header `Prefer` (RFC 7240)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.interfaces.api.prefer import LONGEST_WAIT, Preferences, read_preferences


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
def test_how_long_a_client_wants_to_wait(headers: list[str], seconds: int | None) -> None:
    assert read_preferences(headers).wait == seconds


@pytest.mark.parametrize(
    ("headers", "preferences", "applied"),
    [
        ([], Preferences(), None),
        (["respond-async"], Preferences(respond_async=True), "respond-async"),
        (["Respond-Async; x=1"], Preferences(respond_async=True), "respond-async"),
        (['respond-async=""'], Preferences(respond_async=True), "respond-async"),
        (["respond-async=no"], Preferences(), None),
        (["wait=10"], Preferences(wait=10), "wait=10"),
        (["respond-async, wait=10"], Preferences(10, respond_async=True), "respond-async, wait=10"),
        (["wait=10", "respond-async"], Preferences(10, respond_async=True), "respond-async, wait=10"),
        (["return=minimal, handling=lenient"], Preferences(), None),
    ],
)
def test_what_was_heeded_is_said(headers: list[str], preferences: Preferences, applied: str | None) -> None:
    assert read_preferences(headers) == preferences
    assert preferences.applied == applied


@given(st.lists(st.text(alphabet='wait=",;\\ 0123x', max_size=60), max_size=4))
def test_whatever_it_says_the_wait_is_bounded(headers: list[str]) -> None:
    assert read_preferences(headers).wait in {None, *range(LONGEST_WAIT + 1)}


@pytest.mark.timeout(5)
@pytest.mark.parametrize("header", ['"\\' * 30_000, '",' * 30_000, ",;" * 30_000, '"' + "a," * 30_000])
def test_a_long_header_takes_no_long_time(header: str) -> None:
    assert read_preferences([header]).wait is None
