"""The machine's clock: the one source of the time of day."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """See `tales.application.ports.Clock`."""

    def now(self) -> datetime:
        """Now, in UTC."""
        return datetime.now(UTC)
