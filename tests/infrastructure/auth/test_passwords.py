"""Passwords as hashes that do not turn back."""

from __future__ import annotations

import pytest

from tales.infrastructure.auth.passwords import NOBODY, Argon2Passwords


@pytest.fixture(scope="module")
def passwords() -> Argon2Passwords:
    """The hasher."""
    return Argon2Passwords()


def test_a_password_fits_its_own_hash_alone(passwords: Argon2Passwords) -> None:
    hashed = passwords.hash("correct horse")

    assert passwords.verify("correct horse", hashed)
    assert not passwords.verify("wrong horse", hashed)
    assert passwords.hash("correct horse") != hashed


def test_nobody_signs_in_where_there_is_no_account(passwords: Argon2Passwords) -> None:
    assert not passwords.verify("nobody's password", None)


def test_it_takes_as_long_where_there_is_no_account(passwords: Argon2Passwords) -> None:
    """What is checked then was made with the parameters of today's hashes, which say how long it takes."""
    assert NOBODY.split("$")[:4] == passwords.hash("correct horse").split("$")[:4]
    assert passwords.verify("nobody's password", NOBODY)
