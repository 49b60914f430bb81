"""Where things of version 3 stand."""

from __future__ import annotations

from uuid import UUID

from tales.interfaces.api.versions import V3

PREFIX = V3.prefix
CHILDREN = "/children"
HEROES = "/heroes"
GENERATIONS = "/generations"
STORIES = "/stories"
ME = "/me"
ANALYTICS = "/analytics"
ADMIN_GENERATIONS = "/admin/generations"
ADMIN_PROMPTS = "/admin/prompts"
ADMIN_BUDGETS = "/admin/budgets"
ADMIN_CHANGES = "/admin/changes"
ADMIN_PRICES = "/admin/prices"


def address(collection: str, id_: UUID) -> str:
    """The path of one thing, for the header `Location`."""
    return f"{PREFIX}{collection}/{id_}"
