"""An export of rows to a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tales.administration.database import ready_database
from tales.domain.errors import InvalidInput
from tales.files import new_file
from tales.infrastructure.export.tables import Export
from tales.infrastructure.export.write import write_csv, write_jsonl, write_parquet
from tales.settings import Settings

__all__ = ["Export", "export"]

_FORMS = {".csv": write_csv, ".jsonl": write_jsonl, ".parquet": write_parquet}


def export(settings: Settings, wanted: Export, to: Path, report: Callable[[int], None]) -> int:
    """Export rows of all families to the new file `to`, in the form that its name ends with; how many there were.

    Raises: InvalidInput, Unavailable, OSError.
    """
    write = _FORMS.get(to.suffix)
    if write is None:
        raise InvalidInput("to", f"{to} has no known form. Use a name that ends with one of: {', '.join(_FORMS)}.")
    url = ready_database(settings).app_url
    with new_file(to) as file:
        return write(url, wanted, file, report)
