"""What a real legacy database has beside the specification's columns, as SQL to read and to run."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.legacy.plan import Extras

_FOLDER = Path(__file__).parent / "extras_sql"


def extras_sql(extra: Extras) -> str:
    """The statements that add one of the extras to a database at 014, empty or not."""
    return (_FOLDER / f"{extra}.sql").read_text(encoding="utf-8")


def add_extras(connection: psycopg.Connection[Any], extras: Collection[Extras]) -> None:
    """Add `extras` to the database of `connection`, in the order in which they build on each other."""
    for extra in Extras:
        if extra in extras:
            connection.execute(extras_sql(extra).encode())
