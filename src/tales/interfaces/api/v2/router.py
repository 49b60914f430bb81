"""Version 2 of the API: everything under /api/v2."""

from __future__ import annotations

from fastapi import APIRouter

from tales.interfaces.api.openapi import name_operation
from tales.interfaces.api.v2 import stories
from tales.interfaces.api.versions import V2


def make_router() -> APIRouter:
    """All of version 2."""
    router = APIRouter(prefix=V2.prefix, generate_unique_id_function=name_operation)
    router.include_router(stories.router)
    return router
