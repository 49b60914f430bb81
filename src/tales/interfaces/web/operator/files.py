"""A table of a page as a file for spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response

from tales.domain.errors import NotFound
from tales.interfaces.report_data import as_csv
from tales.interfaces.web.operator.tables import Table


def file_of(page: str, tables: Iterable[Table], wanted: str) -> Response:
    """The table that is `wanted`, of those of `page`. Raises: NotFound."""
    table = next((table for table in tables if table.name == wanted), None)
    if table is None:
        raise NotFound("table", wanted)
    name = f"tales-{page}-{table.name}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(as_csv(table.rows), media_type="text/csv; charset=utf-8", headers=headers)
