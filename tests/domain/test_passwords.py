"""Passwords that everybody would try first."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.domain.passwords import is_common

COMMON = frozenset({"password", "qwerty", "12345678", "dragon"})


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "PassWord",
        "passwordpassword",
        "passwordpasswordpassword",
        "password12345678",
        "dragonqwertyqwerty1!",
        "aaaaaaaaaaaaaaaa",
        "aaaaaaaabbbbbbbb",
        "ada@example.org",
        "adaada@example.org!",
    ],
)
def test_what_is_made_of_what_is_common_is_common(password: str) -> None:
    assert is_common(password, COMMON, {"ada", "ada@example.org"})


@pytest.mark.parametrize("password", ["password dragon 12345678", "correct horse battery", "adapassworddragonqwerty"])
def test_what_is_made_of_more_is_not(password: str) -> None:
    assert not is_common(password, COMMON, {"ada"})


@given(st.text(min_size=4), st.sampled_from(sorted(COMMON)), st.integers(1, 3))
def test_it_takes_any_text(text: str, piece: str, times: int) -> None:
    assert is_common(piece * times, COMMON)
    assert is_common(text, COMMON) in {True, False}


def test_it_takes_no_time() -> None:
    begin = time.process_time()
    for password in ("a" * 64, "ab" * 32, "4@8({[<369&#!1/|0$5+7%2/" * 11):
        is_common(password, COMMON)

    assert time.process_time() - begin < 1
