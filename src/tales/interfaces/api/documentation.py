"""`/docs`: the API's description for people, and a document and a page for each version.

The pages' scripts come from this server, so that they work without the web.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache, partial

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html, get_swagger_ui_oauth2_redirect_html
from starlette.responses import HTMLResponse, JSONResponse
from starlette.staticfiles import StaticFiles

from tales.interfaces.api.openapi import Description, describe
from tales.interfaces.api.versions import Version

PATH = "/docs"
_ASSETS = f"{PATH}/assets"
_REDIRECT = f"{PATH}/oauth2-redirect"
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def install(app: FastAPI, versions: Mapping[Version, APIRouter]) -> None:
    """Add the pages, the documents and their assets to `app`, which has `docs_url=None`."""
    app.add_api_route(PATH, partial(_page, app.title, app.openapi_url or ""), include_in_schema=False)
    for version, router in versions.items():
        title = f"{app.title} API, version {version.number}"
        # Made once, and not before somebody asks for it: it takes longer than all the rest of starting.
        document = cache(partial(describe, router, title, str(version.number), _about(version) + app.description))
        app.add_api_route(version.document, partial(_document, document), include_in_schema=False)
        app.add_api_route(version.page, partial(_page, title, version.document), include_in_schema=False)
    app.add_api_route(_REDIRECT, _finish_signing_in, include_in_schema=False)
    app.mount(_ASSETS, StaticFiles(packages=[("fastapi_swagger", "resources")]), name="documentation assets")


def _about(version: Version) -> str:
    if version.end is None:
        return ""
    return f"""\
**Version {version.number} is deprecated since {version.end.deprecated_at:%-d %B %Y} and may be gone after
{version.end.sunset:%-d %B %Y}.** Each of its answers says so in `Deprecation` (RFC 9745) and `Sunset` (RFC 8594), and
`Link` names the successor.

"""


async def _document(document: Callable[[], Description]) -> JSONResponse:
    return JSONResponse(document())


async def _page(title: str, document: str) -> HTMLResponse:
    page = get_swagger_ui_html(
        openapi_url=document,
        title=title,
        oauth2_redirect_url=_REDIRECT,
        swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{_ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{_ASSETS}/favicon-32x32.png",
    )
    return _confined(page)


async def _finish_signing_in() -> HTMLResponse:
    return _confined(get_swagger_ui_oauth2_redirect_html())


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
