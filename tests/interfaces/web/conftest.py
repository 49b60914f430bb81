"""The whole application, and people at browsers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from tests.interfaces.api.conftest import (
    app,
    closed_app,
    closed_services,
    families,
    family,
    open_and_closed,
    services,
    stranger,
)
from tests.interfaces.web.visiting import Visitor, visitor_of

__all__ = ["app", "closed_app", "closed_services", "families", "family", "open_and_closed", "services", "stranger"]


@pytest.fixture
async def visitor(app: FastAPI) -> AsyncIterator[Visitor]:
    """Somebody who has just come."""
    async with visitor_of(app) as visitor:
        yield visitor


@pytest.fixture
async def ada(app: FastAPI) -> AsyncIterator[Visitor]:
    """A parent who is signed in."""
    async with visitor_of(app) as visitor:
        await visitor.sign_up()
        yield visitor


@pytest.fixture
async def eve(app: FastAPI) -> AsyncIterator[Visitor]:
    """Another one."""
    async with visitor_of(app) as visitor:
        await visitor.sign_up("eve@example.org")
        yield visitor
