"""The pages for people, beside the API: they call the same use cases, and keep nothing of their own."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.middleware import Middleware

from tales.interfaces.web import accounts, assets, family, forgotten, library, look, my_data, story, tonight, writing
from tales.interfaces.web.error_pages import ErrorPages

PAGES: tuple[APIRouter, ...] = (
    accounts.router,
    assets.router,
    family.router,
    forgotten.router,
    library.router,
    look.router,
    my_data.router,
    story.router,
    tonight.router,
    writing.router,
)
LAYERS = (Middleware(ErrorPages),)
"""What stands around the API and the pages, so that a browser is answered with pages alone."""
