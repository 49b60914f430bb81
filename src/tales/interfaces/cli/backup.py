"""`tales backup` and `tales restore`: everything in one file, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Protocol

import typer

from tales.administration import backup as backups
from tales.interfaces.cli.console import err
from tales.settings import load_settings


class _Rows(Protocol):
    rows: int


def backup(file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it; it must not exist.")]) -> None:
    """Back the database up to a new file that only you may read, and read it back."""
    contents = backups.back_up(load_settings(), file)
    err.print(f"{file} holds {_counts(contents)}. It was read back and compared.", markup=False, soft_wrap=True)


def restore(file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `tales backup` wrote.")]) -> None:
    """Restore a backup into a database that holds no family's rows yet, all of it or nothing."""
    contents = backups.restore(load_settings(), file)
    err.print(f"Restored {_counts(contents)}. They were read back and compared.", markup=False, soft_wrap=True)


def _counts(contents: Mapping[str, _Rows]) -> str:
    rows = sum(content.rows for content in contents.values())
    stories, attempts = (contents[f"tales.{table}"].rows for table in ("stories", "generations"))
    return f"{rows:,} rows of {len(contents)} tables (stories: {stories:,}, attempts: {attempts:,})"
