"""Lets nobody try to get in too often, be it by one address or from one client."""

from __future__ import annotations

import math
from datetime import datetime

from tales.domain.errors import TooManyRequests
from tales.domain.repositories.unit_of_work import UnitOfWork
from tales.domain.throttle import BY_ADDRESS, BY_CLIENT, LoginKind


async def check_throttle(work: UnitOfWork, kind: LoginKind, address: str, client: str | None, now: datetime) -> None:
    """Count one attempt, before it is known what comes of it: so any number of them at once cannot slip through.

    An attempt that is refused does not count, so that whoever waits as long as it was told gets in.
    Raises: TooManyRequests.
    """
    by_address, by_client = await work.login_attempts.tally(kind, address, client)
    wait = BY_ADDRESS[kind].wait(by_address, now)
    if client is not None:
        wait = max(wait, BY_CLIENT[kind].wait(by_client, now))
    if wait > 0:
        message = f"There were too many attempts. Try again in {math.ceil(wait)} seconds."
        raise TooManyRequests(wait, message, limit=f"{kind}_attempts")
    await work.login_attempts.count(kind, address, client)
