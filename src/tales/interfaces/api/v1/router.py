"""Version 1 of the API: everything under /api/v1."""

from __future__ import annotations

from fastapi import APIRouter

from tales.interfaces.api.openapi import name_operation
from tales.interfaces.api.v1 import stories
from tales.interfaces.api.versions import V1


def make_router() -> APIRouter:
    """All of version 1."""
    router = APIRouter(prefix=V1.prefix, generate_unique_id_function=name_operation, deprecated=True)
    router.include_router(stories.router)
    return router
