"""The request header `Prefer` (RFC 7240), of which Tales knows `wait`."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST_WAIT = 120
"""Seconds. Proxies between a client and the service seldom leave a silent connection open for longer."""

# What stands between two commas; one inside quotes separates nothing. Its first character decides each step, so it
# takes time in proportion to the header, whatever that holds.
_PREFERENCE = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+', re.DOTALL)
_SECONDS = re.compile(r"[0-9]{1,9}")


def wait_seconds(headers: Iterable[str]) -> int | None:
    """How long a client wants to wait, in seconds, `LONGEST_WAIT` at most; None when it did not say so clearly.

    The first `wait` counts (section 2), and what cannot be understood is no preference at all.
    """
    for header in headers:
        for preference in _PREFERENCE.findall(header):
            name, _, value = preference.partition(";")[0].partition("=")
            if name.strip().lower() == "wait":
                seconds = value.strip().strip('"')
                return min(int(seconds), LONGEST_WAIT) if _SECONDS.fullmatch(seconds) else None
    return None
