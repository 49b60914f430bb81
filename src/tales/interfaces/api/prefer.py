"""The request header `Prefer` (RFC 7240), of which Tales knows `wait` and `respond-async`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tales.interfaces.api.openapi import Description

LONGEST_WAIT = 120
"""Seconds. Proxies between a client and the service seldom leave a silent connection open for longer."""

HEADER = "Prefer"
_MEANING = (
    f"`wait=N` waits for the story, N seconds and {LONGEST_WAIT} at most; `respond-async` says that 202 is welcome, "
    "which it always is (RFC 7240)."
)
DESCRIBED: Description = {
    "name": HEADER,
    "in": "header",
    "required": False,
    # Text, though it is a list of preferences: generated clients leave out an operation that has a list in a header.
    "schema": {"type": "string", "description": _MEANING, "examples": ["wait=30"], "title": HEADER},
    "description": _MEANING,
}
"""The header as OpenAPI describes it."""

# What stands between two commas; one inside quotes separates nothing. Its first character decides each step, so it
# takes time in proportion to the header, whatever that holds.
_PREFERENCE = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+', re.DOTALL)
_SECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a client prefers. `wait` in seconds, `LONGEST_WAIT` at most; None when it did not say so clearly."""

    wait: int | None = None
    respond_async: bool = False

    @property
    def applied(self) -> str | None:
        """The answer's header `Preference-Applied` (section 3); None when there is nothing to say."""
        parts = ["respond-async"] if self.respond_async else []
        if self.wait is not None:
            parts.append(f"wait={self.wait}")
        return ", ".join(parts) or None


def read_preferences(headers: Iterable[str]) -> Preferences:
    """The preferences that stand in these headers.

    The first of a name counts (section 2), and what cannot be understood is no preference at all.
    """
    preferences: dict[str, str] = {}
    for header in headers:
        for preference in _PREFERENCE.findall(header):
            name, _, value = preference.partition(";")[0].partition("=")
            preferences.setdefault(name.strip().lower(), value.strip().strip('"'))
    seconds = preferences.get("wait", "")
    wait = min(int(seconds), LONGEST_WAIT) if _SECONDS.fullmatch(seconds) else None
    # It takes no value; one that is empty is none (section 2).
    return Preferences(wait, respond_async=preferences.get("respond-async") == "")
