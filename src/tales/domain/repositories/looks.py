"""Where it is kept who has looked at another family's contents."""

from __future__ import annotations

from typing import Protocol

from tales.domain.looks import Look


class LookRepository(Protocol):
    """Looks, which nobody changes or deletes."""

    async def add(self, look: Look) -> None:
        """Record a look, by the transaction that reads what is looked at."""
