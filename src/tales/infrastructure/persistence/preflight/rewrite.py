"""SQL that PostgreSQL printed, rewritten to find moved columns where they are after the migration.

What PostgreSQL prints of a view or a policy is regular: with an empty search path each table has its schema, and no
column has more than its table's alias. So tokens are enough, and no parser is needed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from tales.infrastructure.persistence.preflight.specification import ADDED, MOVED

_TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\w+|\s+|.", re.DOTALL)
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_LONGEST_NAME = 63
# What may follow a table without being its alias.
_NO_ALIAS = {
    *("where", "join", "left", "right", "full", "inner", "cross", "natural", "on", "using", "group", "having", "order"),
    *("window", "limit", "offset", "fetch", "for", "union", "intersect", "except", "tablesample", "returning", "set"),
}
_BEFORE_TABLE = {"from", "join", ",", "("}
_FROM_BOTH = """FROM tales.stories AS s JOIN tales.generations AS g
    ON g.generation_id = s.generation_id AND g.attempt_number = s.generation_attempt"""
_FROM_ATTEMPT = """FROM tales.generations AS g
    WHERE g.generation_id = stories.generation_id AND g.attempt_number = stories.generation_attempt"""


def tokens(sql: str) -> list[str]:
    """`sql` in pieces that give it back when joined."""
    return _TOKEN.findall(sql)


def join_generations(sql: str, columns: Sequence[str]) -> str | None:
    """`sql` with every `FROM tales.stories` reading the moved columns from generations.

    `columns` are those of stories, in order: whoever names them by position still gets the same. None where stories
    appears as anything but a table that is read.
    """
    parts = tokens(sql)
    tables = _tables(parts)
    if not tables or not all(_is_read(parts, at) for at in tables):
        return None
    for at in reversed(tables):
        alias = "" if _has_alias(parts, at + 3) else " stories"
        parts[at : at + 3] = [f"({_joined(columns)}){alias}"]
    return "".join(parts)


def read_from_generations(sql: str) -> str:
    """`sql`, an expression over a row of stories, with each moved column looked up in generations."""
    parts = tokens(sql)
    out: list[str] = []
    for at, part in enumerate(parts):
        if part in MOVED and not _follows_dot(parts, at):
            out.append(_look_up(part))
        elif part in MOVED and at >= 2 and parts[at - 2] == "stories" and not _follows_dot(parts, at - 2):
            del out[-2:]
            out.append(_look_up(part))
        else:
            out.append(part)
    return "".join(out)


def on_generations(sql: str) -> str:
    """`sql`, the definition of an index or a trigger on stories, for generations."""
    parts = tokens(sql)
    for at in reversed(_tables(parts)):
        parts[at + 2] = "generations"
    return "".join(parts)


def quoted(name: str) -> str:
    """`name` as an identifier; only what needs them gets quotation marks."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def renamed(name: str, taken: Collection[str] = ()) -> str:
    """The name of an index of stories, for the one on generations that takes its place; none of `taken`."""
    new = name.replace("stories", "generations") if "stories" in name else f"generations_{name}"
    if new in taken:
        new = f"legacy_{new}"
    return new.encode()[:_LONGEST_NAME].decode("utf-8", "ignore")


def _tables(parts: list[str]) -> list[int]:
    return [at for at in range(len(parts) - 2) if parts[at : at + 3] == ["tales", ".", "stories"]]


def _is_read(parts: list[str], at: int) -> bool:
    before = [part.lower() for part in parts[:at] if not part.isspace()]
    return bool(before) and before[-1] in _BEFORE_TABLE and before[-2:] != ["delete", "from"]


def _has_alias(parts: list[str], at: int) -> bool:
    following = next((part for part in parts[at:] if not part.isspace()), "")
    is_name = following.startswith('"') or (following[:1].isalpha() or following.startswith("_"))
    return is_name and following.lower() not in _NO_ALIAS


def _follows_dot(parts: list[str], at: int) -> bool:
    return at > 0 and parts[at - 1] == "."


def _joined(columns: Sequence[str]) -> str:
    listed = ", ".join(f"{'g' if name in MOVED else 's'}.{quoted(name)}" for name in columns if name not in ADDED)
    return f"SELECT {listed} {_FROM_BOTH}"


def _look_up(name: str) -> str:
    return f"(SELECT g.{name} {_FROM_ATTEMPT})"
