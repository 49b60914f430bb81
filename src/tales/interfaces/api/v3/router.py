"""Version 3 of the API: everything under /api/v3."""

from __future__ import annotations

from fastapi import APIRouter

from tales.interfaces.api.openapi import name_operation
from tales.interfaces.api.v3 import (
    analytics,
    auth,
    budgets,
    changes,
    children,
    events,
    everybody,
    export,
    generations,
    goals,
    heroes,
    me,
    paths,
    prices,
    prompts,
    stories,
)


def make_router() -> APIRouter:
    """All of version 3."""
    router = APIRouter(prefix=paths.PREFIX, generate_unique_id_function=name_operation)
    admins = (analytics, everybody, goals, prompts, budgets, prices, changes)
    for subject in (auth, me, export, children, heroes, generations, events, stories, *admins):
        router.include_router(subject.router)
    return router
