"""`/docs`: the API's description for people. Its scripts come from this server, so that it works without the web."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html, get_swagger_ui_oauth2_redirect_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

PATH = "/docs"
_ASSETS = f"{PATH}/assets"
_REDIRECT = f"{PATH}/oauth2-redirect"


def install(app: FastAPI) -> None:
    """Add the page and its assets to `app`, which has `docs_url=None`."""

    @app.get(PATH, include_in_schema=False)
    async def show_documentation() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url=app.openapi_url or "",
            title=app.title,
            oauth2_redirect_url=_REDIRECT,
            swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{_ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{_ASSETS}/favicon-32x32.png",
        )

    @app.get(_REDIRECT, include_in_schema=False)
    async def finish_signing_in() -> HTMLResponse:
        return get_swagger_ui_oauth2_redirect_html()

    app.mount(_ASSETS, StaticFiles(packages=[("fastapi_swagger", "resources")]), name="documentation assets")
