"""Plotly's script, out of its own package: from this server, and packed once rather than for every browser."""

from __future__ import annotations

import asyncio
import gzip
from functools import cache
from importlib import metadata, resources

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.status import HTTP_404_NOT_FOUND

_VERSION = metadata.version("plotly")
ADDRESS = f"/web/plotly/{_VERSION}"
_TYPE = "text/javascript"
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}

router = APIRouter(include_in_schema=False)


@router.get("/web/plotly/{version}")
async def show_plotly(version: str, request: Request) -> Response:
    """The script; one of another version is not there, rather than wrong."""
    if version != _VERSION:
        raise HTTPException(HTTP_404_NOT_FOUND)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(await asyncio.to_thread(_script), media_type=_TYPE, headers=_HEADERS)
    packed = await asyncio.to_thread(_packed)
    return Response(packed, media_type=_TYPE, headers=_HEADERS | {"Content-Encoding": "gzip"})


def _script() -> bytes:
    return resources.files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()


@cache
def _packed() -> bytes:
    return gzip.compress(_script(), 5, mtime=0)
