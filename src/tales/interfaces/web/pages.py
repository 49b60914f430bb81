"""The pages for people, beside the API: they call the same use cases, and keep nothing of their own."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.middleware import Middleware

from tales.interfaces.web import (
    accounts,
    address,
    assets,
    family,
    forgotten,
    library,
    look,
    my_data,
    story,
    tonight,
    writing,
)
from tales.interfaces.web.error_pages import ErrorPages
from tales.interfaces.web.operator import (
    budget_forms,
    budgets,
    changes,
    generation,
    generations,
    goals,
    plotly,
    prompts,
    reports,
    users,
)

PAGES: tuple[APIRouter, ...] = (
    accounts.router,
    address.router,
    budget_forms.router,
    budgets.router,
    changes.router,
    # Its address is below that of the other files.
    plotly.router,
    assets.router,
    family.router,
    forgotten.router,
    generation.router,
    generations.router,
    goals.router,
    library.router,
    look.router,
    my_data.router,
    prompts.router,
    reports.router,
    story.router,
    tonight.router,
    users.router,
    writing.router,
)
LAYERS = (Middleware(ErrorPages),)
"""What stands around the API and the pages, so that a browser is answered with pages alone."""
