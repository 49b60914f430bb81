"""Plotly's script, out of its own package: from this server, and packed once rather than for every browser."""

from __future__ import annotations

import asyncio
import gzip
import threading
from functools import cache
from importlib import metadata, resources

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.status import HTTP_404_NOT_FOUND

from tales.interfaces.web.operator.chosen import CurrentAdmin

_VERSION = metadata.version("plotly")
ADDRESS = f"/web/plotly/{_VERSION}"
_TYPE = "text/javascript"
_HEADERS = {"Cache-Control": "private, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
_reading = threading.Lock()

router = APIRouter(include_in_schema=False)


@router.get("/web/plotly/{version}")
async def show_plotly(version: str, request: Request, _: CurrentAdmin) -> Response:
    """The script, for those who see charts; one of another version is not there, rather than wrong."""
    if version != _VERSION:
        raise HTTPException(HTTP_404_NOT_FOUND)
    is_packed = "gzip" in request.headers.get("accept-encoding", "")
    script = await asyncio.to_thread(_script, is_packed=is_packed)
    return Response(script, media_type=_TYPE, headers=_HEADERS | ({"Content-Encoding": "gzip"} if is_packed else {}))


def _script(*, is_packed: bool) -> bytes:
    # Those who come at the same time wait for the first, rather than pack it as well: a cache alone would let them.
    with _reading:
        return _packed() if is_packed else _plain()


@cache
def _plain() -> bytes:
    return resources.files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()


@cache
def _packed() -> bytes:
    return gzip.compress(_plain(), 5, mtime=0)
