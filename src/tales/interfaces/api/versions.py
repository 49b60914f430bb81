"""The versions of the API, and how long each lives (decision 24)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime


@dataclass(frozen=True, slots=True)
class End:
    """When a version, or what only it shows, became deprecated, and when it may go."""

    deprecated_at: datetime
    sunset: datetime

    @property
    def deprecation(self) -> str:
        """The value of `Deprecation`: a structured field's date (RFC 9745, section 2.1)."""
        return f"@{int(self.deprecated_at.timestamp())}"

    @property
    def sunset_date(self) -> str:
        """The value of `Sunset`: an HTTP date (RFC 8594, section 3)."""
        return format_datetime(self.sunset, usegmt=True)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the API. `end` is None for the one that clients should use."""

    number: int
    end: End | None = None

    @property
    def prefix(self) -> str:
        """Where its paths begin."""
        return f"/api/v{self.number}"

    @property
    def page(self) -> str:
        """Its description for people."""
        return f"/docs/v{self.number}"

    @property
    def document(self) -> str:
        """Its OpenAPI document."""
        return f"{self.prefix}/openapi.json"


_DEPRECATED_AT = datetime(2026, 11, 1, tzinfo=UTC)

V1 = Version(1, End(_DEPRECATED_AT, datetime(2027, 11, 1, tzinfo=UTC)))
V2 = Version(2, End(_DEPRECATED_AT, datetime(2028, 11, 1, tzinfo=UTC)))
V3 = Version(3)
ALL = (V1, V2, V3)
NEWEST = V3
