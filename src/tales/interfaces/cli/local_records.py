"""What this machine's database keeps of every family: no worker and no listener is needed to look."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from tales.administration import inspecting
from tales.application.inspect_generations import InspectGenerations
from tales.domain.generation import Generation
from tales.domain.page import PageRequest
from tales.settings import Settings


@dataclass(frozen=True, slots=True)
class LocalRecords:
    """See `tales.interfaces.cli.places.Records`: those of all families, with prompts and responses."""

    inspect: InspectGenerations

    async def list_generations(self, limit: int) -> Sequence[Generation]:
        return (await self.inspect.list(PageRequest(limit))).items

    async def get_generation(self, generation_id: UUID) -> Generation:
        return await self.inspect.get(generation_id)


@asynccontextmanager
async def local_records(settings: Settings) -> AsyncIterator[LocalRecords]:
    """This machine's database."""
    async with inspecting(settings) as inspect:
        yield LocalRecords(inspect)
