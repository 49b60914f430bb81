"""Lets nobody try to get in too often, be it by one address or from one client, and shuts out nobody who waits."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from tales.domain.errors import TooManyRequests
from tales.domain.repositories.unit_of_work import UnitOfWork
from tales.domain.throttle import BY_CLIENT, LONGEST_LINE, LoginKind


async def check_throttle(work: UnitOfWork, kind: LoginKind, address: str, client: str | None, now: datetime) -> None:
    """Count one attempt, before it is known what comes of it: so any number of them at once cannot slip through.

    An attempt that is refused does not count. It gets a turn, which nobody else can take: whoever waits as long as it
    was told gets in. Commits when it refuses. Raises: TooManyRequests.
    """
    standing = await work.login_attempts.stand(kind, address, client)
    wait = in_line = standing.wait_in_line(kind, now)
    if client is not None:
        wait = max(wait, BY_CLIENT[kind].wait(standing.elsewhere, now))
    if wait > 0:
        if 0 < in_line <= LONGEST_LINE:
            await work.login_attempts.give_turn(kind, address, client, now + timedelta(seconds=wait))
            await work.commit()
        message = f"There were too many attempts. Try again in {math.ceil(wait)} seconds."
        raise TooManyRequests(wait, message, limit=f"{kind}_attempts")
    await work.login_attempts.count(kind, address, client)
