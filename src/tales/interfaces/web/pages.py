"""Pages for people: for now, a plain front door."""

from __future__ import annotations

from importlib import resources

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response
from starlette.status import HTTP_404_NOT_FOUND

# Nothing of ours needs a script, a frame or another site.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "public, max-age=300",
}
_METHODS = ["GET", "HEAD"]


def make_pages() -> APIRouter:
    """The pages; their files are read once."""
    home = _read("home.html")
    style = _read("style.css")
    router = APIRouter(include_in_schema=False)

    @router.api_route("/", methods=_METHODS)
    async def show_home() -> HTMLResponse:
        return HTMLResponse(home, headers=_HEADERS)

    @router.api_route("/web/style.css", methods=_METHODS)
    async def show_style() -> Response:
        return Response(style, media_type="text/css", headers=_HEADERS)

    return router


def make_missing_page() -> HTMLResponse:
    """What a browser is shown at an address where nothing is. It repeats nothing of that address."""
    headers = _HEADERS | {"Cache-Control": "no-store", "Vary": "Accept"}
    return HTMLResponse(_read("missing.html"), HTTP_404_NOT_FOUND, headers=headers)


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
