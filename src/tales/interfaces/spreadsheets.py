"""Cells of CSV files that a spreadsheet program opens without running anything."""

from __future__ import annotations

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With these, also in their wide forms, a spreadsheet takes a text for a formula (OWASP, "CSV Injection")."""


def harmless(cell: str) -> str:
    """A text as a cell: with an apostrophe before what would be run as a formula. Numbers need none."""
    return f"'{cell}" if cell.startswith(_FORMULAS) else cell
