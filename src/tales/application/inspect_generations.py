"""An operator looks at what was asked of the models, whoever asked."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tales.domain.errors import NotFound
from tales.domain.generation import Generation
from tales.domain.page import Page, PageRequest
from tales.domain.repositories.unit_of_work import Transactions


@dataclass(frozen=True, slots=True)
class InspectGenerations:
    """All generations, for whoever runs the service."""

    transactions: Transactions

    async def list(self, page: PageRequest) -> Page[Generation]:
        """The newest first, without prompts and responses."""
        async with self.transactions.as_service() as work:
            return await work.generations.list_all(page)

    async def get(self, generation_id: UUID) -> Generation:
        """One generation, whole. Raises: NotFound."""
        async with self.transactions.as_service() as work:
            generation = await work.generations.get_generation(generation_id, whole=True)
        if generation is None:
            raise NotFound("generation", generation_id)
        return generation
