"""Database URLs as users write them, for the drivers that read them."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from tales.domain.errors import InvalidInput


def driver_url(url: str) -> URL:
    """A libpq URI (`postgresql://...`, `postgres://...`) for SQLAlchemy over psycopg 3.

    Raises: InvalidInput; the URL is not repeated, as it may hold a password.
    """
    scheme, separator, rest = url.partition("://")
    if scheme.startswith("postgres"):
        with suppress(ArgumentError, ValueError):
            return make_url(f"postgresql+psycopg{separator}{rest}")
    raise InvalidInput(
        "TALES_DATABASE_URL",
        "TALES_DATABASE_URL is no URL of a PostgreSQL database. Write it like postgresql://user:password@host/name.",
    )


def libpq_url(url: str) -> str:
    """A URL for libpq, psql and psycopg: without the name of a driver."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}{separator}{rest}"
