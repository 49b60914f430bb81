"""Whether the service lives, and whether it can work, for whatever watches over it."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from tales.domain import errors
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.api.openapi import name_operation, problems

router = APIRouter(prefix="/health", tags=["health"], generate_unique_id_function=name_operation)


class Health(BaseModel):
    """How the service is."""

    status: Literal["live", "ready"]


@router.get("/live", summary="Whether the process answers")
async def live() -> Health:
    """Always 200: a process that does not answer this should be started again."""
    return Health(status="live")


@router.get("/ready", summary="Whether requests can be served", responses=problems(errors.Unavailable))
async def ready(services: UseCases) -> Health:
    """200 when the database answers, and 503 while it is away: then requests are better sent elsewhere.

    However many ask, the database is asked once a second.
    """
    await services.check_ready()
    return Health(status="ready")
