"""A report for machines: JSON in the form of the API, and CSV of one of its parts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from tales.application.reports import Report
from tales.domain.reports import figures
from tales.domain.statistics import Interval
from tales.interfaces.json_values import decimal_json, time_json
from tales.interfaces.spreadsheets import harmless


def as_json(report: Report) -> str:
    """The whole report."""
    wanted = report.wanted
    period = {"since": wanted.since, "until": wanted.until, "zone": wanted.zone}
    parts = {name: value for name, value in figures(report).items() if name != "wanted"}
    return json.dumps(_plain(period | parts), indent=2, ensure_ascii=False) + "\n"


def as_csv(rows: Sequence[object]) -> str:
    """Rows with a line of names; an interval takes two columns. Unknown is an empty cell."""
    flat = [_flat(figures(row)) for row in rows]
    written = io.StringIO()
    table = csv.DictWriter(written, list(flat[0]) if flat else [])
    table.writeheader()
    table.writerows(flat)
    return written.getvalue()


def _flat(row: Mapping[str, object]) -> dict[str, object]:
    # Unknown intervals too take two columns: the rows of a table have the same.
    found: dict[str, object] = {}
    for name, value in row.items():
        if isinstance(value, Interval) or name.endswith("interval") or name == "change":
            ends = value if isinstance(value, Interval) else None
            found |= {f"{name}_low": ends.low if ends else None, f"{name}_high": ends.high if ends else None}
        else:
            plain = _plain(value)
            found[name] = harmless(plain) if isinstance(value, str) and isinstance(plain, str) else plain
    return found


def _plain(value: object) -> object:
    """Of what JSON is made."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(figures(value))
    return _scalar(value)


def _scalar(value: object) -> object:
    match value:
        case datetime():
            return time_json(value)
        case date():
            return value.isoformat()
        case Decimal():
            return decimal_json(value)
        case UUID():
            return str(value)
        case _:
            return value
