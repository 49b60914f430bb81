"""The machine's clock: the one source of the time of day."""

from __future__ import annotations

from datetime import UTC, datetime

from tales.application.ports import Clock


class SystemClock(Clock):
    """The machine's own."""

    def now(self) -> datetime:
        return datetime.now(UTC)
