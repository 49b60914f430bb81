"""How times and amounts stand in JSON and in CSV, whoever writes it: the API, its reports, the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal


def time_json(moment: datetime | None) -> str | None:
    """As RFC 3339 has it, in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def decimal_json(value: Decimal) -> str:
    """The digits that say something, and no exponent, which not every reader of JSON expects in a string."""
    return format(value.normalize(), "f")
