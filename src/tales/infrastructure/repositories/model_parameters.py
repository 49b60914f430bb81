"""What models have refused, read out of the attempts that it cost: their responses are kept, and say it again."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field

from sqlalchemy import text

from tales.domain.model_parameters import PARAMETERS, REFUSES, Changes, KnownModel
from tales.infrastructure.postgres.escaping import unescape_json, unescape_text
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.providers.parameters import ParameterMemory, refused_parameters

MOST_ATTEMPTS = 10_000
"""The newest failed ones that are looked through. A model that nobody has asked since will say it anew."""

_REFUSED = text("""
    select distinct on (queue, model_used, error_message) queue, model_used, full_response, completed_at
    from (
        select * from tales.generations where status = 'failed' order by created_at desc, generation_id desc limit :most
    ) as failed
    where queue is not null and error_message like :message
    order by queue, model_used, error_message, completed_at
""")


RECALL_PAUSE = 1.0
"""Seconds in which one look is enough for all attempts of a process: when a provider fails, they are many."""


@dataclass(slots=True)
class ModelParameters:
    """The knowledge of all processes about the models of all providers."""

    transactions: SqlTransactions
    _recalled_at: float = field(default=-math.inf, init=False)

    async def known(self) -> tuple[KnownModel, ...]:
        """Each model that has refused something, with what. Raises: Unavailable."""
        async with self.transactions.as_service() as work:
            rows = (await work.session.execute(_REFUSED, {"most": MOST_ATTEMPTS, "message": f"{REFUSES}%"})).all()
        found: dict[tuple[str, str], KnownModel] = {}
        for row in rows:
            provider, model = unescape_text(row.queue), unescape_text(row.model_used)
            changes: Changes = refused_parameters(unescape_json(row.full_response), PARAMETERS)
            before = found.get((provider, model))
            found[provider, model] = KnownModel(
                provider,
                model,
                {**before.changes, **changes} if before else changes,
                min(before.learned_at, row.completed_at) if before and before.learned_at else row.completed_at,
            )
        return tuple(found.values())

    async def recall(self, provider: str, memory: ParameterMemory) -> None:
        """Teach `memory` what is known of the models of `provider`, unless that was just done. Raises: Unavailable."""
        now = asyncio.get_running_loop().time()
        if now - self._recalled_at < RECALL_PAUSE:
            return
        self._recalled_at = now
        for known in await self.known():
            if known.provider == provider:
                memory.learn(known.model, known.changes)
