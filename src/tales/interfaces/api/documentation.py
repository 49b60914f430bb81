"""`/docs`: the API's description for people. Its scripts come from this server, so that it works without the web."""

from __future__ import annotations

import base64
import hashlib
import re

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html, get_swagger_ui_oauth2_redirect_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

PATH = "/docs"
_ASSETS = f"{PATH}/assets"
_REDIRECT = f"{PATH}/oauth2-redirect"
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def install(app: FastAPI) -> None:
    """Add the page and its assets to `app`, which has `docs_url=None`."""

    @app.get(PATH, include_in_schema=False)
    async def show_documentation() -> HTMLResponse:
        page = get_swagger_ui_html(
            openapi_url=app.openapi_url or "",
            title=app.title,
            oauth2_redirect_url=_REDIRECT,
            swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{_ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{_ASSETS}/favicon-32x32.png",
        )
        return _confined(page)

    @app.get(_REDIRECT, include_in_schema=False)
    async def finish_signing_in() -> HTMLResponse:
        return _confined(get_swagger_ui_oauth2_redirect_html())

    app.mount(_ASSETS, StaticFiles(packages=[("fastapi_swagger", "resources")]), name="documentation assets")


def _confined(page: HTMLResponse) -> HTMLResponse:
    """`page`, which may run its own scripts and no other, and speak to this server alone."""
    scripts = _INLINE_SCRIPT.findall(bytes(page.body).decode())
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    hashes = "".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    page.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self'{hashes}; "
        # Swagger UI writes its styles into its elements, and its pictures into its styles.
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page
