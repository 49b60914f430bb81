"""How often somebody has tried to get in: counted in the database, so that it holds across processes."""

from __future__ import annotations

from typing import Protocol

from tales.domain.throttle import Counts, LoginKind


class LoginAttemptRepository(Protocol):
    """Attempts by mail address and client; only the service itself may reach them. `client` as in `Session`."""

    async def tally(self, kind: LoginKind, address: str, client: str | None) -> tuple[Counts, Counts]:
        """The attempts for `address`, and those of `client`; others wait until the transaction ends.

        For a client that holds a session of this address, only its own attempts count: nobody else can keep a family
        out of its own home.
        """

    async def count(self, kind: LoginKind, address: str, client: str | None) -> None:
        """One attempt more."""

    async def clear(self, kind: LoginKind, address: str) -> None:
        """Forget the attempts for `address`: one has succeeded."""
