"""How often somebody has tried to get in: counted in the database, so that it holds across processes."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from tales.domain.throttle import LoginKind, Standing


class LoginAttemptRepository(Protocol):
    """Attempts by mail address and client; only the service itself may reach them. `client` as in `Session`."""

    async def stand(self, kind: LoginKind, address: str, client: str | None) -> Standing:
        """Where `client` stands that wants to try `address`; others wait until the transaction ends.

        A client that holds a session of this address is at home there.
        """

    async def give_turn(self, kind: LoginKind, address: str, client: str | None, turn_at: datetime) -> None:
        """Keep the time at which `client` may come again."""

    async def count(self, kind: LoginKind, address: str, client: str | None) -> None:
        """One attempt more, which takes the client's turn."""

    async def clear(self, kind: LoginKind, address: str, client: str | None) -> None:
        """Forget what `client` has tried at `address`: it has succeeded."""

    async def forget(self, address: str) -> None:
        """Forget whatever anybody has tried at `address`."""
