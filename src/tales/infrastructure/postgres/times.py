"""Times that PostgreSQL holds and Python does not: `infinity`, years before 1 and after 9999.

No API writes them, but rows of another origin may have them, and one such row must not take a list with it. They are
read as the nearest time that can be shown in every time zone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.abc import AdaptContext, Buffer, Loader
from psycopg.pq import Format

EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, tzinfo=UTC)
"""What migration 024 lets a user write, and 016 lets into an attempt."""

_OID = psycopg.adapters.types["timestamptz"].oid
# The driver's own, in C where that is installed: it is asked first.
_DRIVERS = psycopg.adapters.get_loader(_OID, Format.TEXT)


class NearestTimeLoader(Loader):
    """Reads a `timestamptz` as the driver does, or as `EARLIEST` or `LATEST`."""

    format = Format.TEXT

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        assert _DRIVERS is not None
        self._driver = _DRIVERS(oid, context)

    def load(self, data: Buffer) -> datetime:
        try:
            time: datetime = self._driver.load(data)
        except psycopg.DataError:
            text = bytes(data)
            return EARLIEST if text.startswith(b"-") or text.endswith(b"BC") else LATEST
        return min(max(time, EARLIEST), LATEST)


def read_nearest_times(connection: psycopg.AsyncConnection[Any]) -> None:
    """Have a connection read every time that there is."""
    connection.adapters.register_loader(_OID, NearestTimeLoader)
