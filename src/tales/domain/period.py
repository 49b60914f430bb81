"""How far back a report looks, as somebody writes it: 12h, 30d, 4w."""

from __future__ import annotations

import re
from datetime import timedelta

from tales.domain.errors import InvalidInput

LONGEST = timedelta(days=3660)

_PERIOD = re.compile(r"([1-9][0-9]{0,5})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def parse_period(field: str, period: str) -> timedelta:
    """`period` as a length of time, ten years at most. Raises: InvalidInput naming `field`."""
    match = _PERIOD.fullmatch(period)
    length = int(match[1]) * _UNITS[match[2]] if match else None
    if length is None or length > LONGEST:
        raise InvalidInput(field, f"{field} is no period. Write hours, days or weeks: 12h, 30d, 4w; at most 3660d.")
    return length
