"""What in a database refused a row, by its name alone: an operator must find it, and nobody may read the row."""

from __future__ import annotations

import re

from psycopg.errors import Diagnostic

# Of the messages' words, which are in the server's language, only names are read.
_POLICY = re.compile(r'row-level security policy (?:"(?P<policy>[^"]{1,63})" )?for table "(?P<table>[^"]{1,63})"')
_FUNCTION = re.compile(r'PL/pgSQL[ -]\w+ (?P<name>[\w.$"]{1,130})\(')
_OWN = re.compile(r"tales\.(?:finish|enqueue|claim)_attempts")
_STATES = {
    "22001": "a column whose values may not be so long",
    "22003": "a column whose numbers may not be so large",
    "428C9": "a column that is always generated",
    "54000": "a limit of the database",
}


def refusal(diagnosis: Diagnostic) -> str | None:
    """In words what refused it, as far as the database says that."""
    of_table = f" of table {diagnosis.table_name}" if diagnosis.table_name else ""
    if diagnosis.constraint_name:
        return f"constraint {diagnosis.constraint_name}{of_table}"
    if diagnosis.column_name:
        return f"column {diagnosis.column_name}{of_table}"
    if diagnosis.sqlstate == "42501" and (found := _POLICY.search(diagnosis.message_primary or "")):
        policy = f"policy {found['policy']}" if found["policy"] else "a row-level security policy"
        return f"{policy} of table {found['table']}"
    if function := raising_function(diagnosis):
        return f"function {function}"
    return _STATES.get(diagnosis.sqlstate or "")


def raising_function(diagnosis: Diagnostic) -> str | None:
    """The function in which it was refused, if that is not one of the queue's own: mostly a trigger's."""
    frames = (_FUNCTION.search(line) for line in (diagnosis.context or "").splitlines())
    names = [frame["name"] for frame in frames if frame is not None]
    return names[0] if names and not _OWN.fullmatch(names[0]) else None
