"""Database URLs as users write them, for the drivers that read them."""

from __future__ import annotations

from sqlalchemy import URL, make_url


def driver_url(url: str) -> URL:
    """A libpq URI (`postgresql://...`, `postgres://...`) for SQLAlchemy over psycopg 3."""
    scheme, separator, rest = url.partition("://")
    return make_url(f"postgresql+psycopg{separator}{rest}" if scheme.startswith("postgres") else url)


def libpq_url(url: str) -> str:
    """A URL for libpq, psql and psycopg: without the name of a driver."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}{separator}{rest}"
